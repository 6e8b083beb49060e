"""Area under the ROC curve with its DeLong variance and intervals that stay inside 0..1.

Sources: DeLong, DeLong & Clarke-Pearson, Biometrics 1988;44:837. Sun & Xu, IEEE Signal Process Lett
2014;21:1389. Pepe, The Statistical Evaluation of Medical Tests, 2003 (logit). Newcombe, Stat Med
2006;25:559 (method 5). Fay & Malinovsky, Stat Med 2018;37:3991.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import expit, logit

from audit.records import BadInput, BoolArray, FloatArray, Interval, Undefined
from audit.statistics.checks import (
    finite_vector,
    normal_quantile,
    same_length,
    score_and_reference,
    t_quantile,
)

AurocMethod = Literal["logit", "wald"]
FEWEST_FOR_DELONG = 10


@dataclass(frozen=True, slots=True)
class Placements:
    """DeLong's structural components, in the order of the cases of each class.

    ``by_positive``: for each positive case the share of negative cases scored below it, ties counted 1/2;
    ``by_negative``: for each negative case the share of positive cases scored above it.
    """

    by_positive: FloatArray
    by_negative: FloatArray

    @property
    def auroc(self) -> float:
        return float(self.by_positive.mean())

    @property
    def variance(self) -> float | Undefined:
        """DeLong variance of the AUROC; undefined with fewer than two cases in a class."""
        if min(self.by_positive.size, self.by_negative.size) < 2:
            return Undefined("the DeLong variance needs at least two positive and two negative cases")
        return float(
            self.by_positive.var(ddof=1) / self.by_positive.size + self.by_negative.var(ddof=1) / self.by_negative.size
        )


def auroc(score: ArrayLike, positive: ArrayLike, weights: ArrayLike | None = None) -> float | Undefined:
    """Probability that a positive case scores above a negative one, ties counted 1/2 (Mann-Whitney).

    ``score``, ``positive`` and ``weights`` (>= 0, optional) have one entry per case. Undefined without
    positive or without negative cases (of positive weight).
    """
    scores, reference = score_and_reference(score, positive)
    if weights is None:
        return _mean_placement(scores, reference, np.ones(scores.size))
    weight = finite_vector(weights, "weights")
    same_length(score=scores, weights=weight)
    if (weight < 0).any():
        raise BadInput("'weights' must not be negative.")
    kept = weight > 0
    return _mean_placement(scores[kept], reference[kept], weight[kept])


def _mean_placement(scores: FloatArray, reference: BoolArray, weight: FloatArray) -> float | Undefined:
    missing = missing_class(reference)
    if missing is not None:
        return missing
    below = _share_below(scores[reference], scores[~reference], weight[~reference])
    return float(np.average(below, weights=weight[reference]))


def _share_below(values: FloatArray, others: FloatArray, weight: FloatArray) -> FloatArray:
    order = np.argsort(others, kind="stable")
    cumulative = np.concatenate([[0.0], np.cumsum(weight[order])])
    ordered = others[order]
    less = cumulative[np.searchsorted(ordered, values, side="left")]
    less_or_equal = cumulative[np.searchsorted(ordered, values, side="right")]
    return np.asarray((less + less_or_equal) / (2 * cumulative[-1]), dtype=np.float64)


def missing_class(reference: BoolArray) -> Undefined | None:
    """Why no ROC curve exists for this reference, or None where it does."""
    if reference.size == 0:
        return Undefined("no cases")
    if not reference.any():
        return Undefined("no positive cases")
    return Undefined("no negative cases") if reference.all() else None


def delong(score: ArrayLike, positive: ArrayLike) -> Placements | Undefined:
    """Structural components of the AUROC; undefined when a class is empty."""
    scores, reference = score_and_reference(score, positive)
    missing = missing_class(reference)
    if missing is not None:
        return missing
    positives, negatives = scores[reference], scores[~reference]
    by_positive = _share_below(positives, negatives, np.ones(negatives.size))
    by_negative = 1.0 - _share_below(negatives, positives, np.ones(positives.size))
    return Placements(by_positive, by_negative)


def auroc_interval(
    score: ArrayLike, positive: ArrayLike, confidence: float = 0.95, method: AurocMethod = "logit"
) -> Interval | Undefined:
    """DeLong interval of the AUROC of independent cases, on the logit scale or as the plain Wald interval.

    With fewer than 10 cases in a class or a variance of zero (perfect separation, constant score) the
    answer is Newcombe's method 5 and its method name says so. Undefined when a class is empty.
    """
    placements = delong(score, positive)
    if isinstance(placements, Undefined):
        return placements
    sizes = placements.by_positive.size, placements.by_negative.size
    variance = placements.variance
    if min(sizes) < FEWEST_FOR_DELONG or isinstance(variance, Undefined):
        return newcombe5(placements.auroc, *sizes, confidence, why=f"fewer than {FEWEST_FOR_DELONG} cases in a class")
    return bounded_interval(placements.auroc, variance, sizes, confidence, method, "DeLong")


def bounded_interval(
    value: float,
    variance: float,
    sizes: tuple[int, int],
    confidence: float,
    method: AurocMethod,
    name: str,
    df: float = math.inf,
) -> Interval:
    """Wald or logit interval of an AUROC from its variance; Newcombe's method 5 on ``sizes`` where that
    fails.
    """
    if variance <= 0 or (method == "logit" and value in (0.0, 1.0)):
        return newcombe5(value, *sizes, confidence, why=f"{name} variance is zero")
    label = f"{name}, t" if math.isfinite(df) else name
    if method == "wald":
        return wald_interval(value, variance, confidence, label, df)
    return logit_interval(value, variance, confidence, f"{label}, logit", df)


def wald_interval(
    value: float, variance: float, confidence: float = 0.95, method: str = "DeLong", df: float = math.inf
) -> Interval:
    """``value`` plus or minus quantile times standard error, truncated to 0..1 (pROC's default)."""
    half = t_quantile(confidence, df) * math.sqrt(variance)
    return Interval(max(value - half, 0.0), min(value + half, 1.0), method, confidence)


def logit_interval(
    value: float,
    variance: float,
    confidence: float = 0.95,
    method: str = "DeLong, logit",
    df: float = math.inf,
) -> Interval:
    """Interval on the logit scale, transformed back; ``value`` must lie strictly between 0 and 1."""
    if not 0 < value < 1:
        raise ValueError(f"the logit interval needs a value strictly between 0 and 1, got {value}")
    half = t_quantile(confidence, df) * math.sqrt(variance) / (value * (1 - value))
    centre = float(logit(value))
    return Interval(float(expit(centre - half)), float(expit(centre + half)), method, confidence)


def newcombe5(value: float, n_positive: int, n_negative: int, confidence: float = 0.95, why: str = "") -> Interval:
    """Score-type interval of an AUROC from its value and class sizes alone (Newcombe 2006, method 5)."""
    variance = _hanley_mcneil_variance(n_positive, n_negative)
    name = "Newcombe method 5" + (f" ({why})" if why else "")
    return score_limits(value, variance, 0.0, confidence, name)


def fay_malinovsky(score: ArrayLike, positive: ArrayLike, confidence: float = 0.95) -> Interval | Undefined:
    """Interval compatible with the tie-corrected, continuity-corrected Wilcoxon-Mann-Whitney test."""
    scores, reference = score_and_reference(score, positive)
    value = auroc(scores, reference)
    if isinstance(value, Undefined):
        return value
    m, n = int(reference.sum()), int((~reference).sum())
    ties = np.unique(scores, return_counts=True)[1].astype(np.float64)
    total = m + n
    factor = 1 - float((ties**3 - ties).sum()) / (total * (total + 1) * (total - 1))
    if factor <= 0:
        return Interval(0.0, 1.0, "Fay-Malinovsky (constant score)", confidence)
    base = _hanley_mcneil_variance(m, n)
    return score_limits(value, lambda t: factor * base(t), 0.5 / (m * n), confidence, "Fay-Malinovsky")


def _hanley_mcneil_variance(m: int, n: int) -> Callable[[float], float]:
    extra = (m + n) / 2 - 1

    def variance(t: float) -> float:
        return t * (1 - t) * (1 + extra * ((1 - t) / (2 - t) + t / (1 + t))) / (m * n)

    return variance


def score_limits(
    value: float, variance: Callable[[float], float], correction: float, confidence: float, method: str
) -> Interval:
    """Limits at which ``value`` lies a normal quantile of standard errors away, ``variance`` taken at the limit."""
    z = normal_quantile(confidence)

    def above(t: float) -> float:
        return value - correction - t - z * math.sqrt(variance(t))

    def below(t: float) -> float:
        return t - value - correction - z * math.sqrt(variance(t))

    edge = 1e-12
    inside = min(max(value, edge), 1 - edge)
    low = float(brentq(above, edge, inside, xtol=1e-13)) if above(edge) > 0 else 0.0
    high = float(brentq(below, inside, 1 - edge, xtol=1e-13)) if below(1 - edge) > 0 else 1.0
    return Interval(low, high, method, confidence)
