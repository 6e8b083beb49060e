"""Inferred ROC area: each case rated by its highest mark, wherever that mark lies."""

from __future__ import annotations

from audit.measures.marked import COLUMNS, nothing_found
from audit.measures.measure import Measure
from audit.measures.rated_areas import area_over
from audit.statistics.froc_areas import cases_against_normals

ENTRY = Measure(
    name="inferred_auroc",
    title="AUROC of the highest mark per image",
    unit="probability",
    low=0.0,
    high=1.0,
    direction="higher",
    tasks=("detection",),
    columns=COLUMNS,
    source="Swensson, Med Phys 1996;23:1709; Chakraborty & Zhai, Med Phys 2016;43:2548",
    estimator=area_over(cases_against_normals),
    ideal=1.0,
    worst_case=nothing_found,
)
