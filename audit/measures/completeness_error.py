"""Relative difference between the sum of attributions and the change of the output they explain."""

from __future__ import annotations

import numpy as np

from audit.measures.measure import Measure
from audit.measures.ratio import Mean
from audit.records import FloatArray, Rows


def _per_case(rows: Rows) -> tuple[FloatArray, FloatArray]:
    return rows.columns["completeness_error"], np.ones(len(rows))


ENTRY = Measure(
    name="completeness_error",
    title="completeness error of the attribution",
    unit="relative",
    low=0.0,
    high=None,
    direction="lower",
    tasks=("explanation",),
    columns=("completeness_error",),
    source="Sundararajan, Taly & Yan, ICML 2017 (completeness axiom)",
    estimator=Mean(_per_case, "explained cases with a completeness error"),
    ideal=0.0,
)
