"""Positive likelihood ratio: how much more often diseased cases are called positive than the others."""

from __future__ import annotations

from audit.measures.decisions import COLUMNS, table_limits
from audit.measures.measure import Measure
from audit.measures.totals import smooth_of_totals
from audit.measures.worst_cases import wrong_decision
from audit.records import Interval, Undefined
from audit.statistics.decision_table import positive_ratio
from audit.statistics.diagnostic_table import DiagnosticTable, positive_likelihood_ratio
from audit.statistics.influence import LOG


def _limits(table: DiagnosticTable, confidence: float) -> Interval | Undefined:
    found = positive_likelihood_ratio(table, confidence)
    return found if isinstance(found, Undefined) else found.interval


ENTRY = Measure(
    name="positive_likelihood_ratio",
    title="positive likelihood ratio",
    unit="rate per rate",
    low=0.0,
    high=None,
    direction="higher",
    tasks=("classification",),
    columns=COLUMNS,
    source="Simel et al., J Clin Epidemiol 1991;44:763; Koopman, Biometrics 1984;40:513 (zero cells)",
    estimator=smooth_of_totals(
        positive_ratio,
        "no case is called positive: the ratio is 0/0",
        LOG,
        other=table_limits(_limits),
    ),
    worst_case=wrong_decision,
)
