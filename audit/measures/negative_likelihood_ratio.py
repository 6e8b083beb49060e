"""Negative likelihood ratio: how much more often diseased cases are called negative than the others; best at 0."""

from __future__ import annotations

from audit.measures.decisions import COLUMNS, table_limits
from audit.measures.measure import Measure
from audit.measures.totals import smooth_of_totals
from audit.measures.worst_cases import wrong_decision
from audit.records import Interval, Undefined
from audit.statistics.decision_table import negative_ratio
from audit.statistics.diagnostic_table import DiagnosticTable, negative_likelihood_ratio
from audit.statistics.influence import LOG


def _limits(table: DiagnosticTable, confidence: float) -> Interval | Undefined:
    found = negative_likelihood_ratio(table, confidence)
    return found if isinstance(found, Undefined) else found.interval


ENTRY = Measure(
    name="negative_likelihood_ratio",
    title="negative likelihood ratio",
    unit="rate per rate",
    low=0.0,
    high=None,
    direction="lower",
    tasks=("classification",),
    columns=COLUMNS,
    source="Simel et al., J Clin Epidemiol 1991;44:763; Koopman, Biometrics 1984;40:513 (zero cells)",
    estimator=smooth_of_totals(
        negative_ratio,
        "no case is called negative: the ratio is 0/0",
        LOG,
        other=table_limits(_limits),
    ),
    ideal=0.0,
    worst_case=wrong_decision,
)
