"""Positive predictive value at the prevalence of the validation set, which enrichment may have raised."""

from __future__ import annotations

from audit.measures.measure import Measure
from audit.measures.ratio import Proportion
from audit.measures.worst_cases import wrong_decision
from audit.records import FloatArray, Rows


def _per_case(rows: Rows) -> tuple[FloatArray, FloatArray]:
    reference, decision = rows.columns["reference"], rows.columns["decision"]
    return reference * decision, decision


ENTRY = Measure(
    name="ppv",
    title="positive predictive value at the set's prevalence",
    unit="proportion",
    low=0.0,
    high=1.0,
    direction="higher",
    tasks=("classification",),
    columns=("reference", "decision"),
    source="Vecchio, N Engl J Med 1966;274:1171",
    estimator=Proportion(_per_case, "device-positive cases", by_class=True),
    worst_case=wrong_decision,
    of_prevalence=True,
    dual="npv",
)
