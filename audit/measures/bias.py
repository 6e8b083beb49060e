"""Mean difference of predicted and reference value: the centre of a Bland-Altman plot."""

from __future__ import annotations

import numpy as np

from audit.measures.measure import Measure
from audit.measures.ratio import FEWEST_FOR_A_MEAN, TMean
from audit.records import FloatArray, Rows


def _per_case(rows: Rows) -> tuple[FloatArray, FloatArray]:
    return rows.columns["value_predicted"] - rows.columns["value_reference"], np.ones(len(rows))


ENTRY = Measure(
    name="bias",
    title="bias (mean difference, predicted minus reference)",
    unit="unit of the target",
    low=None,
    high=None,
    direction="nearer",
    tasks=("measurement",),
    columns=("value_predicted", "value_reference"),
    source="Bland & Altman, Lancet 1986;327:307",
    estimator=TMean(_per_case, "cases with both values", fewest_patients=FEWEST_FOR_A_MEAN),
    ideal=0.0,
)
