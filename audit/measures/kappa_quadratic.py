"""Weighted kappa, quadratic weights, of predicted and reference grade."""

from __future__ import annotations

from audit.measures.grade_agreement import COLUMNS, weighted_kappa
from audit.measures.measure import Measure
from audit.measures.worst_cases import farthest_grade

ENTRY = Measure(
    name="kappa_quadratic",
    title="weighted kappa, quadratic weights",
    unit="coefficient",
    low=-1.0,
    high=1.0,
    direction="higher",
    tasks=("ordinal",),
    columns=COLUMNS,
    source="Fleiss & Cohen, Educ Psychol Meas 1973;33:613; Fleiss, Cohen & Everitt, Psychol Bull 1969;72:323",
    estimator=weighted_kappa("quadratic"),
    ideal=1.0,
    worst_case=farthest_grade,
)
