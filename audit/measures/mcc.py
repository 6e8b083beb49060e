"""Matthews correlation coefficient of decision and reference; moves with the prevalence of the set."""

from __future__ import annotations

from audit.measures.decisions import COLUMNS
from audit.measures.measure import Measure
from audit.measures.totals import smooth_of_totals
from audit.measures.worst_cases import wrong_decision
from audit.statistics.decision_table import matthews
from audit.statistics.influence import FISHER

ENTRY = Measure(
    name="mcc",
    title="Matthews correlation at the set's prevalence",
    unit="correlation",
    low=-1.0,
    high=1.0,
    direction="higher",
    tasks=("classification",),
    columns=COLUMNS,
    source="Matthews, Biochim Biophys Acta 1975;405:442; Itaya et al., Stat Med 2025;44:e10303 (interval)",
    estimator=smooth_of_totals(matthews, "every case is called alike: the correlation is 0/0", FISHER),
    worst_case=wrong_decision,
    dual="mcc",
)
