"""Mean of predicted minus reference grade, in grades: whether the device grades too high or too low."""

from __future__ import annotations

import numpy as np

from audit.measures.grade_agreement import COLUMNS, GRADED
from audit.measures.measure import Measure
from audit.measures.ratio import Mean
from audit.records import FloatArray, Rows


def _per_case(rows: Rows) -> tuple[FloatArray, FloatArray]:
    return rows.columns["grade_predicted"] - rows.columns["grade_reference"], np.ones(len(rows))


ENTRY = Measure(
    name="grade_difference",
    title="mean difference in grades, predicted minus reference",
    unit="grades",
    low=None,
    high=None,
    direction="nearer",
    tasks=("ordinal",),
    columns=COLUMNS,
    source="Bland & Altman, Lancet 1986;327:307",
    estimator=Mean(_per_case, GRADED),
    ideal=0.0,
)
