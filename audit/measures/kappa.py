"""Cohen's kappa, unweighted, of predicted and reference grade."""

from __future__ import annotations

from audit.measures.grade_agreement import COLUMNS, weighted_kappa
from audit.measures.measure import Measure
from audit.measures.worst_cases import farthest_grade

ENTRY = Measure(
    name="kappa",
    title="Cohen's kappa, unweighted",
    unit="coefficient",
    low=-1.0,
    high=1.0,
    direction="higher",
    tasks=("ordinal",),
    columns=COLUMNS,
    source="Cohen, Educ Psychol Meas 1960;20:37; Fleiss, Cohen & Everitt, Psychol Bull 1969;72:323",
    estimator=weighted_kappa("unweighted"),
    ideal=1.0,
    worst_case=farthest_grade,
)
