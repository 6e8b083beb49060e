"""Balanced accuracy: the mean of sensitivity and specificity, which does not move with the prevalence."""

from __future__ import annotations

from audit.measures.decisions import COLUMNS, FALSE_ALARM_RATE, HIT_RATE
from audit.measures.measure import Measure
from audit.measures.two_rates import two_rates
from audit.measures.worst_cases import wrong_decision

ENTRY = Measure(
    name="balanced_accuracy",
    title="balanced accuracy",
    unit="proportion",
    low=0.0,
    high=1.0,
    direction="higher",
    tasks=("classification",),
    columns=COLUMNS,
    source="Brodersen et al., ICPR 2010:3121; Zou & Donner, Stat Med 2008;27:1693 (interval)",
    estimator=two_rates(HIT_RATE, FALSE_ALARM_RATE, 0.5, 0.5, 0.5),
    worst_case=wrong_decision,
    agreement_title="mean of positive and negative percent agreement",
    dual="balanced_accuracy",
)
