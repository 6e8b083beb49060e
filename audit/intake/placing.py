"""Which row of a table stands for which case: by path, file name, case id, UID of series or study, or patient."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from audit.intake.pseudonyms import pseudonym
from audit.intake.sources import SOURCE
from audit.intake.tables import LEAST_SHARE, Table, best_key, index_of
from audit.records import BadInput

KEYED = {"series UID": "series", "study UID": "study", "patient": "patient_id"}
"""How a table may name cases by an identifier of the header -> the manifest's column of its pseudonyms."""


@dataclass(frozen=True)
class Placed:
    """``column`` of the table names the cases, and ``how``; ``rows``: the table row of each case, missing for none."""

    column: str
    how: str
    rows: pd.Series

    def cells(self, table: Table) -> pd.DataFrame:
        """The table's row of each case, on the cases' index."""
        whole = table.frame.reset_index(drop=True)
        return whole.reindex(self.rows.fillna(-1).astype(int)).set_axis(self.rows.index)

    def shared(self, frame: pd.DataFrame) -> list[str]:
        """Cases that share their row with another case."""
        times = Counter(self.rows.dropna())
        return [str(c) for c, row in zip(frame["case_id"], self.rows, strict=True) if times.get(row, 0) > 1]


def placed(table: Table, frame: pd.DataFrame, key: bytes) -> Placed:
    """The rows for the cases of ``frame``; raises ``BadInput`` where no column names them, or a row is given twice."""
    names = _names(frame)
    kinds = {how: _keyed(frame, how, key) for how in KEYED if KEYED[how] in frame}
    tests: dict[str, Callable[[str], bool]] = {how: known.__contains__ for how, known in names.items()} | kinds
    column, how, hits = best_key(table, tests)
    if hits < LEAST_SHARE * min(len(table.frame), len(frame)) or not hits:
        raise BadInput(
            f"{table.path}: no column names the images (path, file name, case id, UID of series or study, patient); "
            f"the best, '{column or table.frame.columns[0]}', names {hits} of {len(table.frame)} rows. Add such a "
            "column."
        )
    cells = table.frame[column]
    _refuse_twice(table, cells, column, how)
    row_of = {str(v): i for i, v in enumerate(cells) if pd.notna(v)}
    found = _by_key(frame, how, key, row_of) if how in KEYED else _by_name(frame, names[how], row_of)
    return Placed(column, how, pd.Series(found, index=frame.index, dtype="Int64"))


def _names(frame: pd.DataFrame) -> dict[str, Mapping[str, str]]:
    """How -> name -> what tells the case: its image's path, or its id."""
    paths = frame["image"].dropna().str.removeprefix(f"{SOURCE}/")
    return {**index_of(map(str, paths)), "case id": {str(c): str(c) for c in frame["case_id"]}}


def _keyed(frame: pd.DataFrame, how: str, key: bytes) -> Callable[[str], bool]:
    kind, known = KEYED[how].removesuffix("_id"), set(frame[KEYED[how]].dropna().astype(str))
    return lambda written: written in known or pseudonym(key, kind, written) in known


def _by_key(frame: pd.DataFrame, how: str, key: bytes, row_of: Mapping[str, int]) -> list[int | None]:
    kind = KEYED[how].removesuffix("_id")
    rows = {pseudonym(key, kind, written): row for written, row in row_of.items()} | dict(row_of)
    return [rows.get(str(value)) for value in frame[KEYED[how]]]


def _by_name(frame: pd.DataFrame, names: Mapping[str, str], row_of: Mapping[str, int]) -> list[int | None]:
    rows = {told: row_of[name] for name, told in names.items() if name in row_of}
    paths = frame["image"].astype("string").fillna("").str.removeprefix(f"{SOURCE}/")
    return [rows.get(str(path), rows.get(str(case))) for path, case in zip(paths, frame["case_id"], strict=True)]


def _refuse_twice(table: Table, keys: pd.Series, column: str, how: str) -> None:
    twice = keys[keys.notna() & keys.duplicated(keep=False)]
    if len(twice):
        rows = [int(i) + 1 for i in twice.index[twice == twice.iloc[0]]][:2]
        raise BadInput(
            f"{table.path}: rows {rows[0]} and {rows[1]} both stand for '{column}' = '{twice.iloc[0]}'; "
            f"give one row for each {'patient' if how == 'patient' else 'image'}."
        )
