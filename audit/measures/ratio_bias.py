"""Geometric mean of the ratio predicted / reference, for a spread that grows with size."""

from __future__ import annotations

from audit.measures.limits_of_agreement import ratio_limit
from audit.measures.measure import Measure

ENTRY = Measure(
    name="ratio_bias",
    title="geometric mean of the ratio predicted / reference",
    unit="ratio",
    low=0.0,
    high=None,
    direction="nearer",
    tasks=("measurement",),
    columns=("value_predicted", "value_reference"),
    source="Bland & Altman, Stat Methods Med Res 1999;8:135, section 3 (logarithms)",
    estimator=ratio_limit(0),
    ideal=1.0,
)
