"""Share of absolute attribution that falls inside the reference mask."""

from __future__ import annotations

import numpy as np

from audit.measures.measure import Measure
from audit.measures.ratio import Mean
from audit.records import FloatArray, Rows


def _per_case(rows: Rows) -> tuple[FloatArray, FloatArray]:
    return rows.columns["energy_inside"], np.ones(len(rows))


ENTRY = Measure(
    name="energy_inside",
    title="attribution inside the reference mask",
    unit="proportion",
    low=0.0,
    high=1.0,
    direction="higher",
    tasks=("explanation",),
    columns=("energy_inside",),
    source="Wang et al., Score-CAM (energy-based pointing game), CVPR Workshops 2020",
    estimator=Mean(_per_case, "explained cases with a reference mask"),
    ideal=1.0,
)
