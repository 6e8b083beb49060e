"""Cases without a usable output, counted against the model (the plan's missing-data rule; STARD 2015, item 15)."""

from __future__ import annotations

import numpy as np

from audit.measures.measure import WorstCase
from audit.records import BoolArray, Rows


def wrong_decision(rows: Rows, failed: BoolArray) -> Rows:
    """Failed cases get the decision that contradicts the reference standard."""
    wrong = np.where(failed, 1.0 - rows.columns["reference"], rows.columns["decision"])
    return Rows(rows.patient, {**rows.columns, "decision": wrong})


def opposite_probability(rows: Rows, failed: BoolArray) -> Rows:
    """Failed cases are as sure as can be of the class that the reference standard excludes: probability 0 or 1."""
    wrong = np.where(failed, 1.0 - rows.columns["reference"], rows.columns["score"])
    return Rows(rows.patient, {**rows.columns, "score": wrong})


def wrong_order(rows: Rows, failed: BoolArray) -> Rows:
    """Failed reference-positive cases score below every other case, failed reference-negative ones above."""
    score, reference = rows.columns["score"], rows.columns["reference"]
    known = score[np.isfinite(score) & ~failed]
    low, high = (float(known.min()) - 1, float(known.max()) + 1) if known.size else (0.0, 1.0)
    worst = np.where(reference == 1, low, high)
    return Rows(rows.patient, {**rows.columns, "score": np.where(failed, worst, score)})


def no_overlap(column: str) -> WorstCase:
    """Failed cases with a reference mask get 0 in ``column``; without one the overlap stays undefined."""

    def worst(rows: Rows, failed: BoolArray) -> Rows:
        lost = failed & (rows.columns["reference"] == 1)
        return Rows(rows.patient, {**rows.columns, column: np.where(lost, 0.0, rows.columns[column])})

    return worst


def no_lesion_found(rows: Rows, failed: BoolArray) -> Rows:
    """Failed cases find none of the lesions that their reference mask holds, and nothing else."""
    columns = dict(rows.columns)
    for name in ("lesions_found", "lesions_false", "lesion_iou"):
        columns[name] = np.where(failed, 0.0, columns[name])
    return Rows(rows.patient, columns)


def farthest_grade(rows: Rows, failed: BoolArray) -> Rows:
    """Failed cases get the grade farthest from the reference grade."""
    reference, top = rows.columns["grade_reference"], rows.columns["n_grades"] - 1
    farthest = np.where(reference > top / 2, 0.0, top)
    worst = np.where(failed & np.isfinite(reference), farthest, rows.columns["grade_predicted"])
    return Rows(rows.patient, {**rows.columns, "grade_predicted": worst})
