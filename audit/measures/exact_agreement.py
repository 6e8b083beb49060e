"""Share of cases whose predicted grade is the reference grade."""

from __future__ import annotations

import numpy as np

from audit.measures.grade_agreement import COLUMNS, GRADED
from audit.measures.measure import Measure
from audit.measures.ratio import Proportion
from audit.measures.worst_cases import farthest_grade
from audit.records import FloatArray, Rows


def _per_case(rows: Rows) -> tuple[FloatArray, FloatArray]:
    agreed = rows.columns["grade_predicted"] == rows.columns["grade_reference"]
    return agreed.astype(np.float64), np.ones(len(rows))


ENTRY = Measure(
    name="exact_agreement",
    title="raw agreement (same grade)",
    unit="proportion",
    low=0.0,
    high=1.0,
    direction="higher",
    tasks=("ordinal",),
    columns=COLUMNS,
    source="Gwet, Handbook of Inter-Rater Reliability, 2014",
    estimator=Proportion(_per_case, GRADED),
    ideal=1.0,
    worst_case=farthest_grade,
)
