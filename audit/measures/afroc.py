"""AFROC area: as wAFROC, every lesion with the same weight, so that cases with many lesions count more."""

from __future__ import annotations

from audit.measures.marked import COLUMNS, nothing_found
from audit.measures.measure import Measure
from audit.measures.rated_areas import area_over
from audit.statistics.froc import Marks
from audit.statistics.froc_areas import Units, lesions_against_normals


def _units(data: Marks) -> Units:
    return lesions_against_normals(data, weighted=False)


ENTRY = Measure(
    name="afroc",
    title="AFROC area",
    unit="probability",
    low=0.0,
    high=1.0,
    direction="higher",
    tasks=("detection",),
    columns=COLUMNS,
    source="Chakraborty & Winter, Radiology 1990;174:873; Chakraborty & Berbaum, Med Phys 2004;31:2313",
    estimator=area_over(_units),
    ideal=1.0,
    worst_case=nothing_found,
)
