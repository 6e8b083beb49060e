"""Average precision of marks by the COCO rule: mean over 101 sensitivities, at the localisation rule of the plan."""

from __future__ import annotations

from audit.measures.marked import COLUMNS, nothing_found
from audit.measures.measure import Measure
from audit.measures.precision_of_marks import precision_by

ENTRY = Measure(
    name="average_precision_coco",
    title="average precision of marks (COCO, 101 points)",
    unit="proportion",
    low=0.0,
    high=1.0,
    direction="higher",
    tasks=("detection",),
    columns=COLUMNS,
    source="Lin et al., Microsoft COCO, ECCV 2014",
    estimator=precision_by("coco"),
    ideal=1.0,
    worst_case=nothing_found,
)
