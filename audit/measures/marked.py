"""Rows of a detection target as marks, and the bound that failed cases give."""

from __future__ import annotations

import numpy as np

from audit.measures.counting import sizes
from audit.measures.samples import FALSE_RATING, LESION_RATING, LESION_WEIGHT
from audit.records import BoolArray, FloatArray, Rows
from audit.statistics.froc import Marks

COLUMNS = ("reference", "lesions_reference", "marks")
"""What a case needs to enter: its lesions are known, and the device has processed it."""
LESIONS = "lesions"


def marks_of(rows: Rows) -> Marks:
    """The marks and lesions of the rows; cases are numbered as the rows are."""
    lesion_case, lesion = np.nonzero(~np.isnan(rows.columns[LESION_WEIGHT]))
    false_case, false = np.nonzero(~np.isnan(rows.columns[FALSE_RATING]))
    return Marks(
        rows.columns["reference"] == 1,
        false_case.astype(np.int64),
        rows.columns[FALSE_RATING][false_case, false],
        lesion_case.astype(np.int64),
        rows.columns[LESION_RATING][lesion_case, lesion],
        rows.columns[LESION_WEIGHT][lesion_case, lesion],
    )


def lesion_sizes(rows: Rows) -> dict[str, int]:
    """Lesions, and the patients they come from."""
    lesions = rows.columns["lesions_reference"]
    patients = sizes(rows, lesions > 0, LESIONS)[f"patients with {LESIONS}"]
    return {LESIONS: int(lesions.sum()), f"patients with {LESIONS}": patients}


def nothing_found(rows: Rows, failed: BoolArray) -> Rows:
    """Failed cases with no lesion found and one false mark rated above all others."""
    columns = rows.columns
    lost = {
        "marks": np.where(failed, 1.0, columns["marks"]),
        "lesions_found": np.where(failed, 0.0, columns["lesions_found"]),
        LESION_RATING: np.where(failed[:, None] & ~np.isnan(columns[LESION_WEIGHT]), -np.inf, columns[LESION_RATING]),
        FALSE_RATING: _with_false_alarm(columns[FALSE_RATING], failed),
    }
    return Rows(rows.patient, {**columns, **lost})


def _with_false_alarm(ratings: FloatArray, failed: BoolArray) -> FloatArray:
    known = np.where(failed[:, None], np.nan, ratings)
    return np.column_stack([known, np.where(failed, np.inf, np.nan)])
