"""Share of reference-positive cases: a fact about the set, which PPV, NPV and accuracy depend on."""

from __future__ import annotations

import numpy as np

from audit.measures.measure import Measure
from audit.measures.ratio import Proportion
from audit.records import FloatArray, Rows


def _per_case(rows: Rows) -> tuple[FloatArray, FloatArray]:
    return rows.columns["reference"], np.ones(len(rows))


ENTRY = Measure(
    name="prevalence",
    title="prevalence in the set",
    unit="proportion",
    low=0.0,
    high=1.0,
    direction="nearer",
    tasks=("classification",),
    columns=("reference",),
    source="STARD 2015, item 21",
    estimator=Proportion(_per_case, "cases"),
)
