"""F1 score: harmonic mean of sensitivity and positive predictive value; moves with the prevalence of the set."""

from __future__ import annotations

import numpy as np

from audit.measures.counting import one_case_per_patient
from audit.measures.decisions import COLUMNS, agreeing
from audit.measures.measure import Measure
from audit.measures.totals import smooth_of_totals
from audit.measures.worst_cases import wrong_decision
from audit.records import Interval, Rows, Undefined
from audit.statistics.clusters import clustered_proportion
from audit.statistics.decision_table import f1
from audit.statistics.influence import logit_scale
from audit.statistics.proportions import clopper_pearson
from audit.statistics.resampling import sums_by_patient

NOTHING = "no case is positive for device or reference"


def _limits(rows: Rows, confidence: float) -> Interval | Undefined | None:
    """F1 is 2J / (1 + J) of J = tp / (tp + fp + fn), a proportion of cases, whose limits are carried over."""
    sums = sums_by_patient(np.column_stack(agreeing(rows)), rows.patient, 1 + int(rows.patient.max()))
    found = clustered_proportion(sums[:, 0], sums[:, 1], confidence)
    return found if isinstance(found, Undefined) else _carried(found.interval)


def _exact(rows: Rows, confidence: float) -> Interval | Undefined | None:
    if not one_case_per_patient(rows):
        return None
    events, cases = (round(float(each.sum())) for each in agreeing(rows))
    return _carried(clopper_pearson(events, cases, confidence))


def _carried(jaccard: Interval | Undefined) -> Interval | Undefined:
    if isinstance(jaccard, Undefined):
        return jaccard
    low, high = (2 * limit / (1 + limit) for limit in (jaccard.low, jaccard.high))
    return Interval(low, high, f"{jaccard.method} on tp / (tp + fp + fn)", jaccard.confidence)


ENTRY = Measure(
    name="f1",
    title="F1 score at the set's prevalence",
    unit="proportion",
    low=0.0,
    high=1.0,
    direction="higher",
    tasks=("classification",),
    columns=COLUMNS,
    source="van Rijsbergen, Information Retrieval, 1979; Hand et al., Mach Learn 2021;110:451 (F and Jaccard)",
    estimator=smooth_of_totals(f1, NOTHING, logit_scale(0.0, 1.0), other=_limits, exact=_exact),
    worst_case=wrong_decision,
)
