"""Measures that weigh two rates against each other: ``a`` first - ``b`` second + ``c``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from audit.measures.measure import Counts
from audit.measures.ratio import Proportion
from audit.measures.smooth import Smooth
from audit.records import FloatArray, Interval, Rows, Undefined
from audit.statistics.influence import LINEAR, correlation, patient_influence
from audit.statistics.recovered import recovered_difference
from audit.statistics.resampling import ratio_replicates


def two_rates(first: Proportion, second: Proportion, a: float, b: float, c: float = 0.0) -> Smooth:
    """The estimator of ``a`` times the first rate minus ``b`` times the second plus ``c``; ``a``, ``b`` > 0.

    Its limits are recovered from the rates' own intervals (Wilson, or the ratio estimator where patients have several
    cases), so that they keep a width where every decision is right. Source: Zou & Donner, Stat Med 2008;27:1693.
    """

    def value(rows: Rows) -> float | Undefined:
        rates = first.point(rows), second.point(rows)
        undefined = next((rate for rate in rates if isinstance(rate, Undefined)), None)
        return undefined or float(a * rates[0] - b * rates[1] + c)  # type: ignore[operator]

    def influence(rows: Rows) -> FloatArray:
        return a * _influence(first, rows) - b * _influence(second, rows)

    def limits(rows: Rows, confidence: float) -> Interval | Undefined | None:
        terms = [_scaled(rate, rows, weight, confidence) for rate, weight in ((first, a), (second, b))]
        for term in terms:
            if isinstance(term, Undefined):
                return term
        (one, of_one), (other, of_other) = terms  # type: ignore[misc]
        n = 1 + int(rows.patient.max())
        shared = (patient_influence(_influence(rate, rows), rows.patient, n) for rate in (first, second))
        found = recovered_difference(one, of_one, other, of_other, correlation(*shared))
        return Interval(found.low + c, found.high + c, f"MOVER from {of_one.method}", confidence)

    def resample(asked: Sequence[Rows], counts: Counts) -> list[FloatArray]:
        return [a * _replicates(first, rows, counts) - b * _replicates(second, rows, counts) + c for rows in asked]

    return Smooth(value, influence, resample, LINEAR, limits)


def _influence(rate: Proportion, rows: Rows) -> FloatArray:
    top, bottom = rate.per_case(rows)
    return np.asarray((top - bottom * (top.sum() / bottom.sum())) / bottom.sum())


def _scaled(rate: Proportion, rows: Rows, weight: float, confidence: float) -> tuple[float, Interval] | Undefined:
    value, interval = rate.point(rows), rate.interval(rows, confidence)
    for each in (value, interval):
        if isinstance(each, Undefined):
            return each
    assert isinstance(interval, Interval)
    assert isinstance(value, float)
    return weight * value, Interval(weight * interval.low, weight * interval.high, interval.method, confidence)


def _replicates(rate: Proportion, rows: Rows, counts: Counts) -> FloatArray:
    return ratio_replicates(counts, *rate.sums(rows, counts.shape[1]))[:, 0]
