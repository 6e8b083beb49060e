"""Gwet's AC1, of predicted and reference grade."""

from __future__ import annotations

from audit.measures.grade_agreement import COLUMNS, gwet_agreement
from audit.measures.measure import Measure
from audit.measures.worst_cases import farthest_grade

ENTRY = Measure(
    name="gwet_ac1",
    title="Gwet's AC1",
    unit="coefficient",
    low=-1.0,
    high=1.0,
    direction="higher",
    tasks=("ordinal",),
    columns=COLUMNS,
    source="Gwet, Br J Math Stat Psychol 2008;61:29",
    estimator=gwet_agreement("unweighted"),
    ideal=1.0,
    worst_case=farthest_grade,
)
