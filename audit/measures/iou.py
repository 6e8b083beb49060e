"""Mean intersection over union of predicted and reference mask over cases where at least one is not empty."""

from __future__ import annotations

import numpy as np

from audit.measures.measure import Measure
from audit.measures.ratio import Mean
from audit.measures.worst_cases import no_overlap
from audit.records import FloatArray, Rows


def _per_case(rows: Rows) -> tuple[FloatArray, FloatArray]:
    return rows.columns["iou"], np.ones(len(rows))


ENTRY = Measure(
    name="iou",
    title="mean intersection over union",
    unit="proportion",
    low=0.0,
    high=1.0,
    direction="higher",
    tasks=("segmentation",),
    columns=("iou",),
    source="Jaccard, New Phytol 1912;11:37; Maier-Hein et al., Nat Methods 2024;21:195",
    estimator=Mean(_per_case, "cases with a predicted or reference mask"),
    ideal=1.0,
    worst_case=no_overlap("iou"),
)
