"""Quantiles of a quantity per case, with limits that hold for any distribution.

One case per patient: order statistics, exact by the binomial (Hahn & Meeker, Statistical Intervals, 1991, section
5.2). Several: the interval of the share of cases at or below the quantile, over patients, turned into quantiles
(Woodruff, JASA 1952;47:635).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import stats

from audit.measures.counting import one_case_per_patient, sizes
from audit.measures.measure import Both, Counts
from audit.records import BoolArray, FloatArray, Interval, Rows, Undefined
from audit.statistics.clusters import clustered_proportion
from audit.statistics.resampling import BLOCK, sums_by_patient

TIE = 1e-9
EXACT = "order statistics, exact"


@dataclass(frozen=True, slots=True)
class Quantile:
    """The ``share`` quantile of column ``of`` over the ``counted`` cases that are ``contributing``.

    The smallest value that at least ``share`` of the cases do not exceed, averaged with the next where exactly
    ``share`` do not (Hyndman & Fan, Am Stat 1996;50:361, type 2). A limit beyond the largest value is infinite.
    Undefined without cases.
    """

    share: float
    of: str
    counted: str
    contributing: Callable[[Rows], BoolArray]
    fewest_patients: int = 0
    analytic: ClassVar[bool] = True
    analytic_differences: ClassVar[tuple[str, ...]] = ()
    shortcut: ClassVar[str] = ""

    def point(self, rows: Rows) -> float | Undefined:
        values = self._values(rows)
        return _quantile(np.sort(values), self.share) if values.size else Undefined(f"no {self.counted}")

    def interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None:
        counted = rows.where(self.contributes(rows))
        if not len(counted):
            return Undefined(f"no {self.counted}")
        values = np.sort(counted.columns[self.of])
        if one_case_per_patient(counted):
            return _exact(values, self.share, confidence)
        return self._woodruff(counted, values, confidence)

    def _woodruff(self, rows: Rows, values: FloatArray, confidence: float) -> Interval | Undefined:
        point = _quantile(values, self.share)
        below = (rows.columns[self.of] <= point).astype(np.float64)
        patient = np.unique(rows.patient, return_inverse=True)[1]
        sums = sums_by_patient(np.column_stack([below, np.ones_like(below)]), patient, rows.n_patients)
        found = clustered_proportion(sums[:, 0], sums[:, 1], confidence)
        if isinstance(found, Undefined):
            return found
        if isinstance(found.interval, Undefined):
            return found.interval
        shift = self.share - float(below.mean())
        shares = [min(max(limit + shift, 0.0), 1.0) for limit in (found.interval.low, found.interval.high)]
        low, high = (_quantile(values, share) if 0 < share < 1 else _end(values, share) for share in shares)
        return Interval(min(low, point), max(high, point), "Woodruff over patients", confidence)

    def both(self, rows: Rows, confidence: float) -> Both:
        return self.point(rows), self.interval(rows, confidence)

    def goal_interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None:
        return self.interval(rows, confidence)

    def difference(self, first: Rows, second: Rows, confidence: float, paired: bool) -> Interval | Undefined:  # noqa: ARG002
        return Undefined("a difference of quantiles is resampled")

    def varies(self, rows: Rows) -> bool:
        values = self._values(rows)
        return bool(values.size and np.ptp(values) > 0)

    def replicates_of_many(self, asked: Sequence[Rows], counts: Counts) -> list[FloatArray]:
        return [self._replicates(rows.where(self.contributes(rows)), counts) for rows in asked]

    def _replicates(self, rows: Rows, counts: Counts) -> FloatArray:
        order = np.argsort(rows.columns[self.of], kind="stable")
        values, patient = rows.columns[self.of][order], rows.patient[order]
        out = np.full(len(counts), np.nan)
        if not values.size:
            return out
        for begin in range(0, len(counts), BLOCK):
            through = np.cumsum(counts[begin : begin + BLOCK][:, patient].astype(np.int64), axis=1)
            out[begin : begin + BLOCK] = _weighted(values, through, self.share)
        return out

    def denominators(self, rows: Rows) -> dict[str, int]:
        return sizes(rows, self.contributes(rows), self.counted)

    def contributes(self, rows: Rows) -> BoolArray:
        return self.contributing(rows)

    def _values(self, rows: Rows) -> FloatArray:
        return rows.columns[self.of][self.contributes(rows)]


def _quantile(values: FloatArray, share: float) -> float:
    return float(_weighted(values, np.arange(1, values.size + 1)[None, :], share)[0])


def _weighted(values: FloatArray, through: np.ndarray, share: float) -> FloatArray:
    """Type 2 quantiles of sorted ``values`` whose weights add up to ``through`` (resamples, cases); NaN where empty."""
    total = through[:, -1]
    reached = share * total
    first = (through < (reached - TIE)[:, None]).sum(axis=1)
    after = (through <= (reached + TIE)[:, None]).sum(axis=1)
    last = values.size - 1
    found = (values[np.minimum(first, last)] + values[np.minimum(np.maximum(after, first), last)]) / 2
    return np.where(total > 0, found, np.nan)


def _exact(values: FloatArray, share: float, confidence: float) -> Interval:
    n, tail = values.size, (1 - confidence) / 2
    low = int(stats.binom.ppf(tail, n, share))
    high = int(stats.binom.ppf(1 - tail, n, share)) + 1
    below = float(values[low - 1]) if low >= 1 else -math.inf
    return Interval(max(below, 0.0), float(values[high - 1]) if high <= n else math.inf, EXACT, confidence)


def _end(values: FloatArray, share: float) -> float:
    return float(values[0]) if share <= 0 else math.inf
