"""Share of correct decisions; moves with the prevalence of the set."""

from __future__ import annotations

import numpy as np

from audit.measures.measure import Measure
from audit.measures.ratio import Proportion
from audit.measures.worst_cases import wrong_decision
from audit.records import FloatArray, Rows


def _per_case(rows: Rows) -> tuple[FloatArray, FloatArray]:
    right = rows.columns["reference"] == rows.columns["decision"]
    return right.astype(np.float64), np.ones(len(rows))


ENTRY = Measure(
    name="accuracy",
    title="accuracy at the set's prevalence",
    unit="proportion",
    low=0.0,
    high=1.0,
    direction="higher",
    tasks=("classification",),
    columns=("reference", "decision"),
    source="FDA, Reporting Results from Diagnostic Tests, 2007, section 6",
    estimator=Proportion(_per_case, "cases", by_class=True),
    worst_case=wrong_decision,
    agreement_title="overall percent agreement at the set's prevalence",
    dual="accuracy",
)
