"""Predictive values at the prevalence of use, which the plan states: they do not depend on how the set was drawn."""

from __future__ import annotations

from audit.measures.decisions import COLUMNS, table_limits
from audit.measures.family import value_text
from audit.measures.measure import Measure
from audit.measures.totals import smooth_of_totals
from audit.measures.worst_cases import wrong_decision
from audit.records import Interval, Undefined
from audit.statistics.decision_table import negative_value, positive_value
from audit.statistics.diagnostic_table import (
    DiagnosticTable,
    npv_at_prevalence,
    ppv_at_prevalence,
    predictive_score,
)
from audit.statistics.influence import logit_scale


def _limits(table: DiagnosticTable, prevalence: float, positive: bool, confidence: float) -> Interval | Undefined:
    """Mercaldo's logit limits; with a zero cell those of the likelihood ratio."""
    if table.some_cell_empty:
        return predictive_score(table, prevalence, positive, confidence)
    found = (ppv_at_prevalence if positive else npv_at_prevalence)(table, prevalence, confidence)
    return found if isinstance(found, Undefined) else found.interval


def predictive_value(name: str, sign: str, prevalence: float) -> Measure:
    """The ``sign`` ('positive' or 'negative') predictive value at ``prevalence``."""
    positive = sign == "positive"
    of_totals = positive_value if positive else negative_value
    return Measure(
        name=f"{name}_{value_text(prevalence)}",
        title=f"{sign} predictive value at a prevalence of {value_text(prevalence)}",
        unit="proportion",
        low=0.0,
        high=1.0,
        direction="higher",
        tasks=("classification",),
        columns=COLUMNS,
        source="Mercaldo, Lau & Zhou, Stat Med 2007;26:2170",
        estimator=smooth_of_totals(
            lambda totals: of_totals(totals, prevalence),
            f"no case is called {sign}",
            logit_scale(0.0, 1.0),
            other=table_limits(lambda table, confidence: _limits(table, prevalence, positive, confidence)),
        ),
        worst_case=wrong_decision,
    )
