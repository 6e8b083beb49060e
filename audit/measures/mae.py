"""Mean absolute difference of predicted and reference value."""

from __future__ import annotations

import numpy as np

from audit.measures.measure import Measure
from audit.measures.ratio import Mean
from audit.records import FloatArray, Rows


def _per_case(rows: Rows) -> tuple[FloatArray, FloatArray]:
    return np.abs(rows.columns["value_predicted"] - rows.columns["value_reference"]), np.ones(len(rows))


ENTRY = Measure(
    name="mae",
    title="mean absolute error",
    unit="unit of the target",
    low=0.0,
    high=None,
    direction="lower",
    tasks=("measurement",),
    columns=("value_predicted", "value_reference"),
    source="Willmott & Matsuura, Clim Res 2005;30:79",
    estimator=Mean(_per_case, "cases with both values"),
    ideal=0.0,
)
