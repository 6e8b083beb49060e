"""Average precision, the influence of each case on it, and its replicates.

Source of the definition: scikit-learn, ``average_precision_score`` (no interpolation: Davis & Goadrich, ICML 2006);
of the interval's scale: Boyd, Eng & Page, ECML PKDD 2013, LNCS 8190:451.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from audit.records import FloatArray, IntArray, Undefined
from audit.statistics.checks import score_and_reference
from audit.statistics.resampling import Counts
from audit.statistics.roc import missing_class
from audit.statistics.roc_blocks import cumulated, descending


def average_precision(score: ArrayLike, positive: ArrayLike) -> float | Undefined:
    """Mean over positive cases of the precision at each one's own score (rule: score >= threshold), 0 to 1.

    Equal scores share one threshold. Undefined when a class is empty.
    """
    scores, reference = score_and_reference(score, positive)
    missing = missing_class(reference)
    if missing is not None:
        return missing
    ties = descending(scores)
    hits, alarms = ties.sums(reference.astype(np.float64)), ties.sums((~reference).astype(np.float64))
    return float(_areas(hits[None, :], alarms[None, :])[0])


def average_precision_influence(score: ArrayLike, positive: ArrayLike) -> FloatArray:
    """Derivative of the average precision by the weight of each case, in the order of the cases; both classes needed.

    With T and A the positive and negative cases at or above a threshold, each positive case contributes T / (T + A).
    """
    scores, reference = score_and_reference(score, positive)
    ties = descending(scores)
    hits, alarms = ties.sums(reference.astype(np.float64)), ties.sums((~reference).astype(np.float64))
    through, false = np.cumsum(hits), np.cumsum(alarms)
    called = through + false
    precision = through / called
    value = float((hits * precision).sum() / hits.sum())
    raised = _from_here_on(hits * false / called**2)
    lowered = _from_here_on(hits * through / called**2)
    by_group = np.where(reference, (precision - value + raised)[ties.group], -lowered[ties.group])
    return np.asarray(by_group / hits.sum())


def average_precision_replicates(
    counts: Counts, patient: IntArray, score: ArrayLike, positive: ArrayLike
) -> FloatArray:
    """Average precision in every resample: (resamples,), NaN where a resample lacks a class.

    ``patient`` holds, per case, the column of ``counts`` (resamples, patients).
    """
    scores, reference = score_and_reference(score, positive)
    return cumulated(counts, patient, scores, reference, _areas)


def _areas(hits: FloatArray, alarms: FloatArray) -> FloatArray:
    """Rows of weights by distinct score, highest first, to the average precision of each row."""
    through, false = np.cumsum(hits, axis=1), np.cumsum(alarms, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(through > 0, through / (through + false), 0.0)
        return np.asarray((hits * precision).sum(axis=1) / through[:, -1])


def _from_here_on(values: FloatArray) -> FloatArray:
    """Sums over this and all lower scores."""
    return np.cumsum(values[::-1])[::-1]
