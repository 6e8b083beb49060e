"""Stored against recomputed tables and records, cell by cell. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.evidence.difference import Difference
from audit.evidence.parquet import plain_types
from audit.tables import REAL, WHOLE

RELATIVE = 1e-9
SHOWN = 20
NUMBERS = (REAL, WHOLE)
KEYS = {
    "estimates": ["estimate_id"],
    "importance": ["importance_id"],
    "analyses": ["analysis_id"],
    "uncertainty": ["uncertainty_id"],
    "map_agreement": ["agreement_id"],
    "rationales": ["rationale_id"],
    "dispositions": ["version", "case_id", "target"],
    "marks": ["version", "case_id", "target", "mark"],
    "localisations": ["version", "case_id", "target", "mark", "lesion"],
}
CANDIDATE_KEYS = ("version", "case_id", "target", "method", "reader")


def compare_tables(name: str, stored: pd.DataFrame, recomputed: pd.DataFrame) -> list[Difference]:
    """Every cell that differs (numbers beyond a relative 1e-9), by row key and column; at most 20 are listed."""
    if list(stored) != list(recomputed):
        odd = sorted(set(map(str, stored)) ^ set(map(str, recomputed))) or ["another order"]
        what = "The stored table has other columns than its recomputation."
        return [Difference(f"{name}: column {odd[0]}", str(list(recomputed)), str(list(stored)), what)]
    one, other = _keyed(name, stored), _keyed(name, recomputed)
    found = [*_lone_rows(name, one, other), *_cells(name, one, other)]
    return _shortened(name, found)


def compare_records(name: str, stored: Any, recomputed: Any, pointer: str = "") -> list[Difference]:
    """Every leaf of two JSON values that differs, by JSON pointer."""
    return _shortened(name, list(_leaves(name, stored, recomputed, pointer)))


def _shortened(name: str, found: list[Difference]) -> list[Difference]:
    rest = len(found) - SHOWN
    if rest <= 0:
        return found
    more = Difference(name, "no difference", f"{rest} more differences", "Only the first are listed.")
    return [*islice(found, SHOWN), more]


def _keyed(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with plain types, indexed by the text that names a row; a repeated row is numbered."""
    plain = plain_types(frame)
    keys = KEYS.get(name) or [key for key in CANDIDATE_KEYS if key in frame] or list(frame)[:1]
    parts: list[Any] = [plain[key].astype("string").fillna("-") for key in keys]
    label = reduce(lambda one, other: one + " / " + other, parts)
    again = label.groupby(label, sort=False).cumcount()
    label = label.where(again == 0, label + " #" + (again + 1).astype("string"))
    return plain.set_axis(pd.Index(label.to_numpy(dtype=object)), axis="index")


def _lone_rows(name: str, stored: pd.DataFrame, recomputed: pd.DataFrame) -> Iterator[Difference]:
    for key in recomputed.index.difference(stored.index, sort=False):
        yield Difference(
            f"{name}: row {key}", "present", "missing", "The recomputation has this row, the audit has not."
        )
    for key in stored.index.difference(recomputed.index, sort=False):
        yield Difference(
            f"{name}: row {key}", "absent", "present", "The audit has this row, the recomputation has not."
        )


def _cells(name: str, stored: pd.DataFrame, recomputed: pd.DataFrame) -> Iterator[Difference]:
    shared = stored.index.intersection(recomputed.index, sort=False)
    one, other = stored.loc[shared], recomputed.loc[shared]
    for column in one:
        for row in map(int, np.flatnonzero(_unequal(one[column], other[column]))):
            thing = f"{name}: row {shared[row]}, column {column}"
            found, expected = _shown(one[column].iloc[row]), _shown(other[column].iloc[row])
            yield Difference(thing, expected, found, "The stored value is not the one that the evidence gives.")


def _unequal(stored: Any, recomputed: Any) -> NDArray[np.bool_]:
    gap, other_gap = stored.isna().to_numpy(), recomputed.isna().to_numpy()
    if str(stored.dtype) in NUMBERS and str(recomputed.dtype) in NUMBERS:
        one, other = (column.to_numpy(dtype=np.float64, na_value=np.nan) for column in (stored, recomputed))
        same = np.isclose(one, other, rtol=RELATIVE, atol=0, equal_nan=True)
    else:
        texts = [column.astype("string").fillna("").to_numpy(dtype=object) for column in (stored, recomputed)]
        same = texts[0] == texts[1]
    unequal: NDArray[np.bool_] = (gap != other_gap) | (~gap & ~np.asarray(same, dtype=bool))
    return unequal


def _shown(value: Any) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return "no value"
    return repr(float(value)) if isinstance(value, float) else str(value)


def _leaves(name: str, stored: Any, recomputed: Any, pointer: str) -> Iterator[Difference]:
    if isinstance(stored, dict) and isinstance(recomputed, dict):
        for key in sorted({*stored, *recomputed}):
            yield from _leaves(name, stored.get(key), recomputed.get(key), f"{pointer}/{key}")
    elif isinstance(stored, list) and isinstance(recomputed, list) and len(stored) == len(recomputed):
        for number, (one, other) in enumerate(zip(stored, recomputed, strict=True)):
            yield from _leaves(name, one, other, f"{pointer}/{number}")
    elif not _same_leaf(stored, recomputed):
        what = "The stored value is not the one that the evidence gives."
        yield Difference(f"{name}: {pointer or '/'}", str(recomputed), str(stored), what)


def _same_leaf(stored: Any, recomputed: Any) -> bool:
    if isinstance(stored, float) and isinstance(recomputed, float):
        return bool(np.isclose(stored, recomputed, rtol=RELATIVE, atol=0, equal_nan=True))
    return type(stored) is type(recomputed) and bool(stored == recomputed)
