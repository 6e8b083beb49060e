"""Do sites, scanners or makers differ: heterogeneity of k independent estimates and what to expect at a new site.

A non-significant Q is inconclusive with few or small sites, and I2 is a share, not a size: judge tau and the
prediction interval against the margin. Sources: Cochran, Biometrics 1954;10:101. Higgins & Thompson, Stat Med
2002;21:1539. DerSimonian & Laird, Control Clin Trials 1986;7:177. Paule & Mandel, J Res NBS 1982;87:377. Knapp &
Hartung, Stat Med 2003;22:2693. Viechtbauer, J Stat Softw 2010;36(3).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.optimize import brentq

from audit.records import BadInput, FloatArray, Interval, Undefined
from audit.statistics.checks import finite_vector, normal_quantile, same_length, t_quantile

TauMethod = Literal["REML", "DL", "PM"]
FEWEST_FOR_NORMAL = 10
TOO_FEW = Undefined("heterogeneity needs at least two estimates")


@dataclass(frozen=True, slots=True)
class Heterogeneity:
    """Cochran's Q with its test, I2 (per cent) with the test-based interval (undefined below three estimates), H2."""

    q: float
    df: int
    p: float
    i2_percent: float
    i2_interval: Interval | Undefined
    h2: float


@dataclass(frozen=True, slots=True)
class Pooled:
    """A pooled estimate. ``tau2`` is the between-site variance (0 for the fixed effect)."""

    value: float
    standard_error: float
    interval: Interval
    tau2: float


@dataclass(frozen=True, slots=True)
class RandomEffects:
    """Random-effects summary: mean, prediction interval of a new site, site estimates shrunk toward the mean."""

    mean: Pooled
    prediction: Interval
    shrunken: FloatArray


def heterogeneity(
    estimates: ArrayLike, standard_errors: ArrayLike, confidence: float = 0.95
) -> Heterogeneity | Undefined:
    """Cochran's Q, I2 and H2 of k independent estimates; undefined below two estimates or with a zero error."""
    checked = _checked(estimates, standard_errors)
    if isinstance(checked, Undefined):
        return checked
    y, v = checked
    q, df = _q(y, v, 0.0), y.size - 1
    i2 = 100 * max(0.0, (q - df) / q) if q > 0 else 0.0
    return Heterogeneity(q, df, float(stats.chi2.sf(q, df)), i2, _i2_interval(q, df, confidence), q / df)


def fixed_effect(estimates: ArrayLike, standard_errors: ArrayLike, confidence: float = 0.95) -> Pooled | Undefined:
    """Inverse-variance mean of estimates assumed equal."""
    checked = _checked(estimates, standard_errors)
    if isinstance(checked, Undefined):
        return checked
    return _pooled(*checked, 0.0, confidence, False, "fixed effect")


def random_effects(
    estimates: ArrayLike,
    standard_errors: ArrayLike,
    method: TauMethod = "REML",
    knapp_hartung: bool | None = None,
    confidence: float = 0.95,
) -> RandomEffects | Undefined:
    """Random-effects mean, prediction interval and best linear unbiased predictions.

    ``knapp_hartung`` None applies that t interval below 10 sites. Prediction uses the quantile of the mean's
    interval. Estimates near 1 (an AUROC above 0.95) belong on the logit scale first. Undefined as in
    ``heterogeneity``.
    """
    checked = _checked(estimates, standard_errors)
    if isinstance(checked, Undefined):
        return checked
    y, v = checked
    tau2 = between_variance(y, v, method)
    use_t = y.size < FEWEST_FOR_NORMAL if knapp_hartung is None else knapp_hartung
    mean = _pooled(y, v, tau2, confidence, use_t, f"random effects, {method}")
    quantile = t_quantile(confidence, y.size - 1 if use_t else math.inf)
    half = quantile * math.sqrt(mean.standard_error**2 + tau2)
    name = f"prediction, {method}" + (", Knapp-Hartung" if use_t else "")
    prediction = Interval(mean.value - half, mean.value + half, name, confidence)
    return RandomEffects(mean, prediction, mean.value + tau2 / (tau2 + v) * (y - mean.value))


def between_variance(estimates: FloatArray, variances: FloatArray, method: TauMethod = "REML") -> float:
    """Between-site variance: restricted maximum likelihood, DerSimonian-Laird or Paule-Mandel; never negative."""
    if method == "DL":
        w = 1 / variances
        scale = float(w.sum() - (w**2).sum() / w.sum())
        return max(0.0, (_q(estimates, variances, 0.0) - estimates.size + 1) / scale)
    if method == "PM":
        return _paule_mandel(estimates, variances)
    return _reml(estimates, variances)


def _paule_mandel(y: FloatArray, v: FloatArray) -> float:
    df = y.size - 1
    if _q(y, v, 0.0) <= df:
        return 0.0
    most = float(y.var(ddof=1)) * y.size + 1e-12
    return float(brentq(lambda tau2: _q(y, v, tau2) - df, 0.0, most, xtol=1e-14))


def _reml(y: FloatArray, v: FloatArray) -> float:
    tau2 = between_variance(y, v, "DL")
    for _ in range(1000):
        w = 1 / (v + tau2)
        mean = float(w @ y) / float(w.sum())
        squares = float((w**2) @ (np.square(y - mean) - v)) / float((w**2).sum())
        updated = max(0.0, squares + 1 / float(w.sum()))
        if abs(updated - tau2) <= 1e-14 * (1e-6 + tau2):
            return updated
        tau2 = updated
    return tau2


def _pooled(y: FloatArray, v: FloatArray, tau2: float, confidence: float, knapp_hartung: bool, name: str) -> Pooled:
    w = 1 / (v + tau2)
    value, error = float(w @ y) / float(w.sum()), 1 / math.sqrt(float(w.sum()))
    if knapp_hartung:
        error = math.sqrt(float(w @ np.square(y - value)) / ((y.size - 1) * float(w.sum())))
        name += ", Knapp-Hartung"
    half = t_quantile(confidence, y.size - 1 if knapp_hartung else math.inf) * error
    return Pooled(value, error, Interval(value - half, value + half, name, confidence), tau2)


def _q(y: FloatArray, v: FloatArray, tau2: float) -> float:
    w = 1 / (v + tau2)
    return float(w @ np.square(y - float(w @ y) / float(w.sum())))


def _i2_interval(q: float, df: int, confidence: float) -> Interval | Undefined:
    if df < 2:
        return Undefined("an interval of I2 needs at least three estimates")
    k = df + 1
    log_h = max(0.5 * math.log(max(q, 1e-300) / df), 0.0)  # H below 1 is set to 1, as I2 below 0 is set to 0
    if q > k:
        error = 0.5 * (math.log(q) - math.log(df)) / (math.sqrt(2 * q) - math.sqrt(2 * k - 3))
    else:
        error = math.sqrt(1 / (2 * (k - 2)) * (1 - 1 / (3 * (k - 2) ** 2)))
    half = normal_quantile(confidence) * error
    low, high = (100 * max(0.0, 1 - math.exp(-2 * max(bound, 0.0))) for bound in (log_h - half, log_h + half))
    return Interval(low, high, "test-based (Higgins-Thompson)", confidence)


def _checked(estimates: ArrayLike, standard_errors: ArrayLike) -> tuple[FloatArray, FloatArray] | Undefined:
    y, errors = finite_vector(estimates, "estimates"), finite_vector(standard_errors, "standard_errors")
    same_length(estimates=y, standard_errors=errors)
    if (errors < 0).any():
        raise BadInput("standard errors must not be negative.")
    if y.size < 2:
        return TOO_FEW
    if (errors == 0).any():
        return Undefined("a site has a standard error of zero and cannot be weighted")
    return y, errors**2
