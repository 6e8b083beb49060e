"""Ordinal grading: a grade on an ordered scale (PI-RADS, BI-RADS density, severity) beside the reference grade."""

from __future__ import annotations

import numpy as np
import pandas as pd

from audit.plan import Target
from audit.records import FloatArray
from audit.tasks.task import Readings, Task, finite


def observe(readings: Readings) -> pd.DataFrame:
    """Places of the predicted and of the reference grade on the plan's scale, lowest 0, and the number of grades.

    A score becomes a grade by the target's ``grade_cuts``; without them it must be a grade itself. What is no grade
    is missing.
    """
    rows, target = readings.rows, readings.facts
    predicted = places(finite(rows["score"]), target)
    return pd.DataFrame(
        {
            "grade_predicted": predicted,
            "grade_reference": _exact(finite(rows["value"]), target),
            "n_grades": float(len(target.grades)),
        },
        index=rows.index,
    )


def places(score: FloatArray, target: Target) -> FloatArray:
    """Place of each score's grade, NaN where it has none."""
    if not target.grade_cuts:
        return _exact(score, target)
    place = np.searchsorted(np.array(target.grade_cuts), score, side="right").astype(np.float64)
    return np.where(np.isfinite(score), place, np.nan)


def _exact(values: FloatArray, target: Target) -> FloatArray:
    """Numbers stand for themselves, text grades for their place."""
    grades = target.grade_numbers
    place = np.full(values.shape, np.nan)
    for number, grade in enumerate(grades):
        place[values == grade] = number
    return place


ENTRY = Task(
    name="ordinal",
    measures=("kappa_quadratic", "kappa_linear", "exact_agreement", "agreement_within_one", "gwet_ac2", "gwet_ac1",
              "grade_difference"),
    needs=("grade, or score with grade_cuts", "reference grade"),
    observe=observe,
    output="grade_predicted",
)  # fmt: skip
