"""Mean difference of predicted and reference volume (Bland-Altman bias)."""

from __future__ import annotations

import numpy as np

from audit.measures.measure import Measure
from audit.measures.ratio import Mean
from audit.records import FloatArray, Rows


def _per_case(rows: Rows) -> tuple[FloatArray, FloatArray]:
    return rows.columns["volume_predicted_ml"] - rows.columns["volume_reference_ml"], np.ones(len(rows))


ENTRY = Measure(
    name="volume_difference",
    title="mean volume difference, predicted minus reference",
    unit="mL",
    low=None,
    high=None,
    direction="nearer",
    tasks=("segmentation",),
    columns=("volume_predicted_ml", "volume_reference_ml"),
    source="Bland & Altman, Lancet 1986;327:307",
    estimator=Mean(_per_case, "cases with both volumes"),
    ideal=0.0,
)
