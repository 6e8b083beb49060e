"""Average precision, the area under the precision-recall curve; a useless score has the prevalence of the set."""

from __future__ import annotations

from collections.abc import Sequence

from audit.measures.measure import Counts, Measure
from audit.measures.smooth import Smooth
from audit.measures.worst_cases import wrong_order
from audit.records import FloatArray, Rows, Undefined
from audit.statistics.influence import logit_scale
from audit.statistics.precision_recall import (
    average_precision,
    average_precision_influence,
    average_precision_replicates,
)


def _value(rows: Rows) -> float | Undefined:
    return average_precision(rows.columns["score"], rows.columns["reference"])


def _influence(rows: Rows) -> FloatArray:
    return average_precision_influence(rows.columns["score"], rows.columns["reference"])


def _resample(asked: Sequence[Rows], counts: Counts) -> list[FloatArray]:
    return [
        average_precision_replicates(counts, rows.patient, rows.columns["score"], rows.columns["reference"])
        for rows in asked
    ]


ENTRY = Measure(
    name="average_precision",
    title="average precision at the set's prevalence",
    unit="probability",
    low=0.0,
    high=1.0,
    direction="higher",
    tasks=("classification",),
    columns=("score", "reference"),
    source="Davis & Goadrich, ICML 2006:233; Boyd et al., LNCS 2013;8190:451 (logit interval)",
    estimator=Smooth(_value, _influence, _resample, logit_scale(0.0, 1.0)),
    worst_case=wrong_order,
    by_rank=True,
)
