"""Average precision of marks by the PASCAL VOC rule (2010 on): all points of the interpolated curve."""

from __future__ import annotations

from audit.measures.marked import COLUMNS, nothing_found
from audit.measures.measure import Measure
from audit.measures.precision_of_marks import precision_by

ENTRY = Measure(
    name="average_precision_voc",
    title="average precision of marks (PASCAL VOC, all points)",
    unit="proportion",
    low=0.0,
    high=1.0,
    direction="higher",
    tasks=("detection",),
    columns=COLUMNS,
    source="Everingham et al., Int J Comput Vis 2015;111:98",
    estimator=precision_by("voc"),
    ideal=1.0,
    worst_case=nothing_found,
)
