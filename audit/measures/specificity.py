"""Specificity at the plan's operating point."""

from __future__ import annotations

from audit.measures.counting import NEGATIVES
from audit.measures.measure import Measure
from audit.measures.ratio import Proportion
from audit.measures.worst_cases import wrong_decision
from audit.records import FloatArray, Rows


def _per_case(rows: Rows) -> tuple[FloatArray, FloatArray]:
    negative, decision = 1.0 - rows.columns["reference"], rows.columns["decision"]
    return negative * (1.0 - decision), negative


ENTRY = Measure(
    name="specificity",
    title="specificity",
    unit="proportion",
    low=0.0,
    high=1.0,
    direction="higher",
    tasks=("classification", "segmentation", "detection"),
    columns=("reference", "decision"),
    source="Yerushalmy, Public Health Rep 1947;62:1432; FDA, Reporting Results from Diagnostic Tests, 2007",
    estimator=Proportion(_per_case, NEGATIVES),
    worst_case=wrong_decision,
    agreement_title="negative percent agreement",
    dual="sensitivity",
)
