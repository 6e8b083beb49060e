"""Scaled Brier score: 1 perfect, 0 no better than calling every case at the prevalence of the set, below 0 worse."""

from __future__ import annotations

import numpy as np

from audit.measures.measure import Measure
from audit.measures.probability import not_probabilities
from audit.measures.totals import smooth_of_totals
from audit.measures.worst_cases import opposite_probability
from audit.records import FloatArray, Rows
from audit.statistics.calibration import scaled_brier_of
from audit.statistics.influence import LOG_OF_REST


def _terms(rows: Rows) -> FloatArray:
    score, reference = rows.columns["score"], rows.columns["reference"]
    return np.column_stack([np.square(score - reference), reference, 1.0 - reference])


ENTRY = Measure(
    name="scaled_brier",
    title="scaled Brier score",
    unit="share of the prevalence's Brier score",
    low=None,
    high=1.0,
    direction="higher",
    tasks=("classification",),
    columns=("score", "reference"),
    source="Steyerberg et al., Epidemiology 2010;21:128",
    estimator=smooth_of_totals(
        scaled_brier_of, "no reference-positive or no reference-negative cases", LOG_OF_REST, _terms,
        problem=not_probabilities,
    ),
    worst_case=opposite_probability,
    dual="scaled_brier",
)  # fmt: skip
