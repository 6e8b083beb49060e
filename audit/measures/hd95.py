"""Mean 95th percentile Hausdorff distance over cases with both masks.

The larger of the two directed 95th percentiles (MONAI, MetricsReloaded); the percentile of both directions pooled
(MedPy) is another quantity. A case with an empty mask has no distance: it is counted apart, never as 0 or infinity.
"""

from __future__ import annotations

import numpy as np

from audit.measures.measure import Measure
from audit.measures.ratio import Mean
from audit.records import FloatArray, Rows


def _per_case(rows: Rows) -> tuple[FloatArray, FloatArray]:
    return rows.columns["hd95_mm"], np.ones(len(rows))


ENTRY = Measure(
    name="hd95",
    title="95th percentile Hausdorff distance (larger of the two directions)",
    unit="mm",
    low=0.0,
    high=None,
    direction="lower",
    tasks=("segmentation",),
    columns=("hd95_mm",),
    source="Huttenlocher et al., IEEE PAMI 1993;15:850; Maier-Hein et al., Nat Methods 2024;21:195",
    estimator=Mean(_per_case, "cases with a predicted and a reference mask"),
    ideal=0.0,
)
