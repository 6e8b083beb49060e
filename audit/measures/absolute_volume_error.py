"""Mean absolute difference of predicted and reference volume."""

from __future__ import annotations

import numpy as np

from audit.measures.measure import Measure
from audit.measures.ratio import Mean
from audit.records import FloatArray, Rows


def _per_case(rows: Rows) -> tuple[FloatArray, FloatArray]:
    difference = rows.columns["volume_predicted_ml"] - rows.columns["volume_reference_ml"]
    return np.abs(difference), np.ones(len(rows))


ENTRY = Measure(
    name="absolute_volume_error",
    title="mean absolute volume error",
    unit="mL",
    low=0.0,
    high=None,
    direction="lower",
    tasks=("segmentation",),
    columns=("volume_predicted_ml", "volume_reference_ml"),
    source="Obuchowski et al., Stat Methods Med Res 2015;24:68",
    estimator=Mean(_per_case, "cases with both volumes"),
    ideal=0.0,
)
