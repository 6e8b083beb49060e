"""Heterogeneity of estimates that are correlated because patients have cases in several levels.

The independent case is ``statistics.heterogeneity``; both agree when the covariance is diagonal. Sources: Cochran,
Biometrics 1954;10:101; Viechtbauer, J Stat Softw 2010;36(3) (rma.mv); Knapp & Hartung, Stat Med 2003;22:2693.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from audit.records import FloatArray, Interval, Undefined
from audit.statistics.checks import finite_vector, t_quantile
from audit.statistics.heterogeneity import (
    FEWEST_FOR_NORMAL,
    Heterogeneity,
    Pooled,
    RandomEffects,
    heterogeneity,
    random_effects,
)

SMALLEST_EIGENVALUE = 1e-10


def correlated(
    estimates: ArrayLike, covariance: FloatArray, confidence: float = 0.95
) -> tuple[Heterogeneity, RandomEffects] | Undefined:
    """Generalised Q with I2, and REML random effects (Knapp-Hartung below ten) around one common mean.

    ``covariance`` (k, k) is that of the estimation errors. Undefined below two estimates or when it is singular.
    """
    y = finite_vector(estimates, "estimates")
    if np.count_nonzero(covariance - np.diag(np.diag(covariance))) == 0:
        errors = np.sqrt(np.diag(covariance))
        spread, pooled = heterogeneity(y, errors, confidence), random_effects(y, errors, confidence=confidence)
        return _both(spread, pooled)
    scale = float(np.diag(covariance).mean())
    if y.size < 2 or np.linalg.eigvalsh(covariance)[0] < SMALLEST_EIGENVALUE * scale:
        return Undefined("the levels' estimates are so correlated that their covariance is singular")
    q = _fit(y, covariance)[2]
    return _both(_of_q(q, y.size, confidence), _random_effects(y, covariance, confidence))


def _both(
    spread: Heterogeneity | Undefined, pooled: RandomEffects | Undefined
) -> tuple[Heterogeneity, RandomEffects] | Undefined:
    if isinstance(spread, Undefined):
        return spread
    return pooled if isinstance(pooled, Undefined) else (spread, pooled)


def _of_q(q: float, k: int, confidence: float) -> Heterogeneity | Undefined:
    """Everything that follows from Q and the number of estimates: k numbers of unit error that have this very Q."""
    same = np.zeros(k)
    same[0] = math.sqrt(q / (1 - 1 / k))
    return heterogeneity(same, np.ones(k), confidence)


def _fit(y: FloatArray, v: FloatArray) -> tuple[float, float, float]:
    """Generalised least-squares mean, its variance and the weighted squares about it."""
    solved = np.linalg.solve(v, np.column_stack([np.ones(y.size), y]))
    variance = 1 / float(solved[:, 0].sum())
    mean = variance * float(solved[:, 1].sum())
    residual = y - mean
    return mean, variance, float(residual @ (solved[:, 1] - mean * solved[:, 0]))


def _score(tau2: float, y: FloatArray, s: FloatArray) -> float:
    """Twice the derivative of the restricted log-likelihood with respect to the between-level variance."""
    inverse = np.linalg.inv(s + tau2 * np.eye(y.size))
    weight = inverse.sum(axis=1)
    projection = inverse - np.outer(weight, weight) / weight.sum()
    return float(np.square(projection @ y).sum() - np.trace(projection))


def _between(y: FloatArray, s: FloatArray) -> float:
    """Restricted maximum likelihood; never negative."""
    if _score(0.0, y, s) <= 0:
        return 0.0
    most = float(y.var(ddof=1))
    while _score(most, y, s) > 0:
        most *= 2
    return float(brentq(_score, 0.0, most, args=(y, s), xtol=1e-15))


def _random_effects(y: FloatArray, s: FloatArray, confidence: float) -> RandomEffects:
    tau2 = _between(y, s)
    v = s + tau2 * np.eye(y.size)
    value, variance, squares = _fit(y, v)
    use_t = y.size < FEWEST_FOR_NORMAL
    error = math.sqrt(variance * (squares / (y.size - 1) if use_t else 1.0))
    quantile = t_quantile(confidence, y.size - 1 if use_t else math.inf)
    name = "correlated random effects, REML" + (", Knapp-Hartung" if use_t else "")
    interval = Interval(value - quantile * error, value + quantile * error, name, confidence)
    half = quantile * math.sqrt(error**2 + tau2)
    prediction = Interval(value - half, value + half, f"prediction, {name}", confidence)
    shrunken = value + tau2 * np.linalg.solve(v, y - value)
    return RandomEffects(Pooled(value, error, interval, tau2), prediction, np.asarray(shrunken))
