"""Share of cases that the device calls positive, whatever the reference standard says."""

from __future__ import annotations

import numpy as np

from audit.measures.measure import Measure
from audit.measures.ratio import Proportion
from audit.records import FloatArray, Rows


def _per_case(rows: Rows) -> tuple[FloatArray, FloatArray]:
    return rows.columns["decision"], np.ones(len(rows))


ENTRY = Measure(
    name="selection_rate",
    title="share of cases called positive",
    unit="proportion",
    low=0.0,
    high=1.0,
    direction="nearer",
    tasks=("classification",),
    columns=("decision",),
    source="Hardt, Price & Srebro, NeurIPS 2016; Bird et al., Fairlearn, 2020",
    estimator=Proportion(_per_case, "cases"),
)
