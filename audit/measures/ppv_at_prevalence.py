"""Positive predictive value at the prevalence of use: ``prevalence`` of the target."""

from __future__ import annotations

from audit.measures.family import Family
from audit.measures.measure import Measure
from audit.measures.predictive_value import predictive_value
from audit.plan import Target

NAME = "ppv_at_prevalence"


def _of(target: Target) -> tuple[Measure, ...]:
    return () if target.prevalence is None else (predictive_value(NAME, "positive", target.prevalence),)


ENTRY = Family(NAME, "prevalence", ("classification",), _of, {"prevalence": 0.1})
