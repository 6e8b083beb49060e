"""Brier score: mean squared difference between predicted probability and outcome."""

from __future__ import annotations

import numpy as np

from audit.measures.measure import Measure
from audit.measures.probability import not_probabilities
from audit.measures.ratio import Mean
from audit.measures.worst_cases import opposite_probability
from audit.records import FloatArray, Rows


def _per_case(rows: Rows) -> tuple[FloatArray, FloatArray]:
    return np.square(rows.columns["score"] - rows.columns["reference"]), np.ones(len(rows))


ENTRY = Measure(
    name="brier",
    title="Brier score",
    unit="probability²",
    low=0.0,
    high=1.0,
    direction="lower",
    tasks=("classification",),
    columns=("score", "reference"),
    source="Brier, Mon Weather Rev 1950;78:1",
    estimator=Mean(_per_case, "cases", not_probabilities, by_class=True, fewest_patients=0),
    worst_case=opposite_probability,
    ideal=0.0,
    dual="brier",
)
