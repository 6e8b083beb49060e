"""Partial areas and rates at a fixed other rate for rows of weights: influence values and replicates.

Both work on the specificity side; the sensitivity side is the same with the classes exchanged and the scores negated.
Sources: McClish, Med Decis Making 1989;9:190. He & Escobar, Stat Med 2008;27:5291 (variance of a partial area).
Platt, Hanley & Yang, Stat Med 2000;19:313.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from audit.records import BoolArray, FloatArray, IntArray
from audit.statistics.checks import score_and_reference
from audit.statistics.resampling import Counts
from audit.statistics.roc_blocks import cumulated, descending
from audit.statistics.roc_partial import Focus

EDGE = 1e-12


def turned(score: ArrayLike, positive: ArrayLike, focus: Focus) -> tuple[FloatArray, BoolArray]:
    """Scores and classes such that the fixed or limited rate is the specificity."""
    scores, reference = score_and_reference(score, positive)
    return (scores, reference) if focus == "specificity" else (-scores, ~reference)


def partial_area_influence(
    score: ArrayLike, positive: ArrayLike, low: float, high: float, focus: Focus = "specificity"
) -> FloatArray:
    """Derivative of the partial area by the weight of each case, in the order of the cases; both classes needed.

    The area is the mean over positive cases of what their place on the false-positive axis leaves of the range; a case
    tied with negative ones is spread evenly over their part of the axis.
    """
    scores, reference = turned(score, positive, focus)
    ties = descending(scores)
    hits, alarms = ties.sums(reference.astype(np.float64)), ties.sums((~reference).astype(np.float64))
    after = np.cumsum(alarms) / alarms.sum()
    before = np.concatenate([[0.0], after[:-1]])
    share = hits / hits.sum()
    left, by_before, by_after = _left_of_range(before, after, 1 - high, 1 - low)
    weight = share * by_after
    weight[:-1] += (share * by_before)[1:]
    area = float((share * left).sum())
    by_negative = (np.cumsum(weight[::-1])[::-1] - float((weight * after).sum())) / alarms.sum()
    by_positive = (left - area) / hits.sum()
    return np.asarray(np.where(reference, by_positive[ties.group], by_negative[ties.group]))


def _left_of_range(
    before: FloatArray, after: FloatArray, start: float, stop: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean of h(u) = stop - u, kept within 0 and stop - start, over u from ``before`` to ``after``; its derivatives."""
    width = after - before
    flat = width <= 0
    safe = np.where(flat, 1.0, width)
    area = _integral(after, start, stop) - _integral(before, start, stop)
    mean = np.where(flat, _height(after, start, stop), area / safe)
    falling = np.where((after > start) & (after < stop), -0.5, 0.0)
    by_before = np.where(flat, falling, (mean - _height(before, start, stop)) / safe)
    by_after = np.where(flat, falling, (_height(after, start, stop) - mean) / safe)
    return mean, by_before, by_after


def _height(u: FloatArray, start: float, stop: float) -> FloatArray:
    return np.clip(stop - u, 0.0, stop - start)


def _integral(u: FloatArray, start: float, stop: float) -> FloatArray:
    """Integral of the height from 0 to ``u``."""
    inner = np.clip(u, start, stop)
    return np.minimum(u, start) * (stop - start) + (stop - start) ** 2 / 2 - (stop - inner) ** 2 / 2


def partial_area_replicates(
    counts: Counts,
    patient: IntArray,
    score: ArrayLike,
    positive: ArrayLike,
    low: float,
    high: float,
    focus: Focus = "specificity",
) -> FloatArray:
    """Partial area in every resample: (resamples,), NaN where a resample lacks a class."""
    scores, reference = turned(score, positive, focus)

    def areas(hits: FloatArray, alarms: FloatArray) -> FloatArray:
        after = np.cumsum(alarms, axis=1) / alarms.sum(axis=1, keepdims=True)
        before = np.concatenate([np.zeros((len(after), 1)), after[:, :-1]], axis=1)
        left = _left_of_range(before, after, 1 - high, 1 - low)[0]
        return np.asarray((hits * left).sum(axis=1) / hits.sum(axis=1))

    return cumulated(counts, patient, scores, reference, areas)


def rate_replicates(
    counts: Counts,
    patient: IntArray,
    score: ArrayLike,
    positive: ArrayLike,
    at: float,
    focus: Focus = "specificity",
) -> FloatArray:
    """The other rate where ``focus`` is ``at``, interpolated on the curve, in every resample: (resamples,).

    NaN where a resample lacks a class.
    """
    scores, reference = turned(score, positive, focus)

    def rates(hits: FloatArray, alarms: FloatArray) -> FloatArray:
        return _interpolated(_from_origin(alarms), _from_origin(hits), 1 - at)

    return cumulated(counts, patient, scores, reference, rates)


def _from_origin(weights: FloatArray) -> FloatArray:
    rising = np.cumsum(weights, axis=1) / weights.sum(axis=1, keepdims=True)
    return np.concatenate([np.zeros((len(rising), 1)), rising], axis=1)


def _interpolated(x: FloatArray, y: FloatArray, at: float) -> FloatArray:
    """Each row's curve at ``at``, taking the top of a vertical rise."""
    left = (x <= at + EDGE).sum(axis=1, keepdims=True) - 1
    right = np.minimum(left + 1, x.shape[1] - 1)
    x0, x1, y0, y1 = (np.take_along_axis(a, i, axis=1)[:, 0] for a, i in ((x, left), (x, right), (y, left), (y, right)))
    inside = (x1 > x0) & (at > x0)
    share = np.where(inside, (at - x0) / np.where(x1 > x0, x1 - x0, 1.0), 0.0)
    return np.asarray(y0 + np.clip(share, 0.0, 1.0) * (y1 - y0))
