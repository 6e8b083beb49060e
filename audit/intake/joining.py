"""Rows of a hospital's table -> columns of the cases."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from audit.intake.describing import DESCRIBED
from audit.intake.placing import placed
from audit.intake.tables import CASE, PATIENT, UID, Table, first_of
from audit.records import BadInput

_REFERENCE = re.compile(
    r"label|finding|reference|diagnos|class|grade|target|outcome|positive|disease|cancer|carcinoma|lesion|patholog|"
    r"histo|isup|gleason|rads|severity|consensus|truth|abnormal|tumou?r|pneumonia|covid|fracture|nodule|mass|recur|relaps|progress|surviv|died|death"
)
_PREDICTION = re.compile(r"(prob|score|pred|ai)(_|$)|prob|pred")
_YES_NO = {"0", "1", "0.0", "1.0", "yes", "no", "y", "n", "true", "false", "pos", "neg", "positive", "negative"}


@dataclass
class Joined:
    """Cells by case: ``attributes`` for those we know, ``columns`` as the table names them; notes of what is left
    over; ``said``: how rows and images were matched, in words."""

    attributes: dict[str, pd.Series] = field(default_factory=dict)
    columns: dict[str, pd.Series] = field(default_factory=dict)
    patients: pd.Series | None = None
    notes: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    said: str = ""
    references: list[str] = field(default_factory=list)


def join(table: Table, frame: pd.DataFrame, key: bytes, wanted: tuple[str, ...]) -> Joined:
    """The table's cells for each case of ``frame``; raises ``BadInput`` where no column names the images.

    ``wanted``: columns that the user declares to be references; without any, columns whose names sound like references
    are taken, else those that hold yes or no.
    """
    place = placed(table, frame, key)
    column, taken, rows = place.column, place.cells(table), place.rows
    things = "images" if bool(frame["image"].notna().any()) else "cases"
    joined = Joined(said=f"'{column}' of {table.path.name} names the {things} (by {place.how})")
    _notes(joined, table, frame, rows)
    used = {column}
    for about in DESCRIBED:
        name = first_of(table.frame, about.names)
        if name:
            joined.attributes[about.name] = taken[name]
            used.add(name)
    modality = first_of(table.frame, ("modality",))
    if modality:
        joined.attributes["modality"] = taken[modality]
        used.add(modality)
    patient = first_of(table.frame, PATIENT)
    if patient:
        joined.patients = taken[patient]
        used.add(patient)
    further = [c for c in table.frame.columns if c not in used and not UID.search(str(c))]
    joined.columns = {_free_name(str(c), frame): taken[c] for c in further}
    joined.references = _references(joined.columns, wanted, table)
    return joined


def _notes(joined: Joined, table: Table, frame: pd.DataFrame, rows: pd.Series) -> None:
    found = set(rows.dropna().astype(int))
    joined.notes["rows without image"] = [(f"row {i + 1}", "") for i in range(len(table.frame)) if i not in found]
    joined.notes["images without row"] = [(str(c), "") for c in frame["case_id"][rows.isna().to_numpy()]]
    joined.notes["identifying columns"] = [(c, "") for c in table.left_out]


def _free_name(name: str, frame: pd.DataFrame) -> str:
    """The table's name, unless the manifest already means something else by it."""
    plain = name.strip()
    return f"{plain}_in_table" if plain in frame or (plain in CASE and plain in ("case_id",)) else plain


def _references(columns: Mapping[str, pd.Series], wanted: tuple[str, ...], table: Table) -> list[str]:
    for name in wanted:
        if name not in columns:
            raise BadInput(
                f"{table.path}: there is no column '{name}' to take as a reference; columns: {', '.join(columns)}."
            )
    if wanted:
        return list(wanted)
    named = [n for n in columns if _REFERENCE.search(n.lower()) and not _PREDICTION.match(n.lower())]
    return named or [name for name, cells in columns.items() if _yes_or_no(cells)]


def _yes_or_no(cells: pd.Series) -> bool:
    levels = set(cells.dropna().str.lower())
    return len(levels) == 2 and levels <= _YES_NO


def set_patients(frame: pd.DataFrame, cells: pd.Series) -> None:
    """Patients of the table for cases whose header names none; a header's patient stays."""
    unknown = frame["patient_id"].str.startswith("unknown-").fillna(True)
    frame["patient_id"] = frame["patient_id"].mask(unknown & cells.notna(), cells)


def rows_as_cases(table: Table) -> list[dict[str, Any]]:
    """Cases of a table that names no image: one for each row, for recorded predictions."""
    patient = first_of(table.frame, PATIENT)
    case = first_of(table.frame, CASE) or patient
    if case is None:
        raise BadInput(
            f"{table.path}: no column names images that exist, and none is called "
            f"{' or '.join((*CASE, PATIENT[0]))}; add one."
        )
    keys = table.frame[case]
    if keys.isna().any() or keys.duplicated().any():
        row = int((keys.isna() | keys.duplicated()).to_numpy().argmax()) + 1
        raise BadInput(
            f"{table.path}: column '{case}' is blank or repeats a value in row {row}; every case needs its own."
        )
    patients = keys if patient is None else table.frame[patient]
    return [
        {"case_id": str(c), "patient_id": f"unknown-{c}" if patient is None or pd.isna(p) else str(p)}
        for c, p in zip(keys, patients, strict=True)
    ]
