"""Gwet's AC2, quadratic weights, of predicted and reference grade."""

from __future__ import annotations

from audit.measures.grade_agreement import COLUMNS, gwet_agreement
from audit.measures.measure import Measure
from audit.measures.worst_cases import farthest_grade

ENTRY = Measure(
    name="gwet_ac2",
    title="Gwet's AC2, quadratic weights",
    unit="coefficient",
    low=-1.0,
    high=1.0,
    direction="higher",
    tasks=("ordinal",),
    columns=COLUMNS,
    source="Gwet, Br J Math Stat Psychol 2008;61:29; Gwet, Handbook of Inter-Rater Reliability, 2014",
    estimator=gwet_agreement("quadratic"),
    ideal=1.0,
    worst_case=farthest_grade,
)
