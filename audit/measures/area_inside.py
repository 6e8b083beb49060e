"""Share of the image that the reference mask covers: the attribution that chance would put there."""

from __future__ import annotations

import numpy as np

from audit.measures.measure import Measure
from audit.measures.ratio import Mean
from audit.records import FloatArray, Rows


def _per_case(rows: Rows) -> tuple[FloatArray, FloatArray]:
    return rows.columns["area_inside"], np.ones(len(rows))


ENTRY = Measure(
    name="area_inside",
    title="image area inside the reference mask",
    unit="proportion",
    low=0.0,
    high=1.0,
    direction="nearer",
    tasks=("explanation",),
    columns=("area_inside",),
    source="Wang et al., Score-CAM, CVPR Workshops 2020",
    estimator=Mean(_per_case, "explained cases with a reference mask"),
)
