"""Negative predictive value at the prevalence of the validation set, which enrichment may have raised."""

from __future__ import annotations

from audit.measures.measure import Measure
from audit.measures.ratio import Proportion
from audit.measures.worst_cases import wrong_decision
from audit.records import FloatArray, Rows


def _per_case(rows: Rows) -> tuple[FloatArray, FloatArray]:
    reference, negative = rows.columns["reference"], 1.0 - rows.columns["decision"]
    return (1.0 - reference) * negative, negative


ENTRY = Measure(
    name="npv",
    title="negative predictive value at the set's prevalence",
    unit="proportion",
    low=0.0,
    high=1.0,
    direction="higher",
    tasks=("classification",),
    columns=("reference", "decision"),
    source="Vecchio, N Engl J Med 1966;274:1171",
    estimator=Proportion(_per_case, "device-negative cases", by_class=True),
    worst_case=wrong_decision,
    of_prevalence=True,
    dual="ppv",
)
