"""A table of a hospital joined to its images: which column names them is found, and said.

A cell names an image by its path, its file name with or without ending, its case id, or its patient. The column that
names the most is taken. Columns whose names announce identifiers are left out of the manifest.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from audit.cases.person_columns import looks_identifying
from audit.cases.tabular import read_table

PATIENT = ("patient_id", "patientid", "patient", "subject_id", "subject", "participant_id", "participant")
CASE = ("case_id", "study_id", "image_id", "id")
UID = re.compile(r"uid$", re.IGNORECASE)  # columns of identifiers: they may name cases, and are not kept
LEAST_SHARE = 0.5  # of the rows, that must name an image


@dataclass(frozen=True)
class Table:
    """A table as read: ``frame`` without identifying columns (named in ``left_out``); ``key``: the column that names
    images, and ``how`` it names them."""

    path: Path
    frame: pd.DataFrame
    left_out: tuple[str, ...]
    key: str = ""
    how: str = ""


def read(path: Path) -> Table:
    """The table at ``path``; text stays text."""
    raw, _ = read_table(path)
    left_out = tuple(c for c in raw.columns if looks_identifying(str(c)))
    frame = raw.drop(columns=list(left_out)).astype("string")
    return Table(path, frame.apply(lambda c: c.str.strip()).replace({"": pd.NA}), left_out)


def names_of(path: str) -> tuple[tuple[str, str], ...]:
    """(how, name) under which a table may mention a file, the surest first."""
    name = path.rsplit("/", 1)[-1]
    stem = re.sub(r"(\.nii)?(\.gz)?$", "", name) if name.lower().endswith(".gz") else name.rsplit(".", 1)[0]
    return ("path", path), ("file name", name), ("file name without ending", stem)


def index_of(paths: Iterable[str]) -> dict[str, dict[str, str]]:
    """How -> name -> path. Of files that share a name, the one in the folder with most files is meant; two in folders
    of equal size name neither."""
    listed = list(paths)
    sizes = Counter(_folder(path) for path in listed)
    found: dict[str, dict[str, str | None]] = {}
    for path in listed:
        for how, name in names_of(path):
            known = found.setdefault(how, {})
            known[name] = path if name not in known else _meant(known[name], path, sizes)
    return {how: {n: p for n, p in known.items() if p is not None} for how, known in found.items()}


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _meant(one: str | None, other: str, sizes: Counter[str]) -> str | None:
    if one is None or sizes[_folder(one)] == sizes[_folder(other)]:
        return None
    return max(one, other, key=lambda path: sizes[_folder(path)])


def best_key(table: Table, known: Mapping[str, Callable[[str], bool]]) -> tuple[str, str, int]:
    """(column, how, rows named) of the column that names the most rows; ('', '', 0) where none names any."""
    best = ("", "", 0)
    for how, is_known in known.items():
        for column in table.frame.columns:
            hits = sum(is_known(str(v)) for v in table.frame[column].dropna())
            if hits > best[2]:
                best = (str(column), how, hits)
    return best


def first_of(frame: pd.DataFrame, names: Sequence[str]) -> str | None:
    """The first of ``names`` that is a column, whatever its case."""
    lower = {str(c).lower(): str(c) for c in frame.columns}
    return next((lower[n] for n in names if n in lower), None)
