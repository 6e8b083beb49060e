"""Relative difference between the sum of attributions and the change of the output they explain."""

from audit.measures.explained import explained

ENTRY = explained(
    name="completeness_error",
    title="completeness error of the attribution",
    unit="relative",
    limits=(0.0, None),
    direction="lower",
    source="Sundararajan, Taly & Yan, ICML 2017 (completeness axiom)",
    ideal=0.0,
    counted="explained cases with a completeness error",
)
