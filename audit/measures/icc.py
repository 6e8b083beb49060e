"""Intraclass correlation ICC(2,1) of predicted and reference value: agreement, two-way random."""

from __future__ import annotations

import numpy as np

from audit.measures.limits_of_agreement import PAIRS
from audit.measures.measure import Measure
from audit.measures.of_sums import OfSums
from audit.records import FloatArray, Interval, Rows, Undefined
from audit.statistics.agreement_continuous import intraclass_correlation
from audit.statistics.agreement_sums import icc_agreement, pair_terms


def _terms(rows: Rows) -> FloatArray:
    first, second = rows.columns["value_predicted"], rows.columns["value_reference"]
    middle = (float(first.mean()) + float(second.mean())) / 2  # the coefficient does not see it, the rounding does
    return pair_terms(first - middle, second - middle)


def _published(rows: Rows, confidence: float) -> Interval | Undefined:
    table = np.column_stack([rows.columns["value_predicted"], rows.columns["value_reference"]])
    found = intraclass_correlation(table, "2", confidence=confidence)
    return found if isinstance(found, Undefined) else found.interval


ENTRY = Measure(
    name="icc",
    title="intraclass correlation ICC(2,1), agreement",
    unit="coefficient",
    low=-1.0,
    high=1.0,
    direction="higher",
    tasks=("measurement",),
    columns=("value_predicted", "value_reference"),
    source="Shrout & Fleiss, Psychol Bull 1979;86:420; McGraw & Wong, Psychol Methods 1996;1:30 (interval)",
    estimator=OfSums(_terms, icc_agreement, PAIRS, "the values do not vary over cases", _published, bounds=(-1.0, 1.0)),
    ideal=1.0,
)
