"""Other intervals for the same quantities, so that a gap in coverage comes with a remedy.

Every function returns (low, high) or None where the method has no answer. A ratio is given by two arrays of sums per
patient, events (or numerators) and cases; patients without cases are dropped first. Sources: Korn & Graubard, Survey
Methodology 1998;24:193 (effective sample size); Hesterberg, Am Stat 2015;69:371 (expanded percentile); Efron &
Tibshirani 1993 (bootstrap-t, BCa).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import stats
from scipy.special import expit, logit

from audit.records import FloatArray, Interval, Undefined
from audit.statistics.resampling import bca_interval

Limits = tuple[float, float] | None
Sums = tuple[FloatArray, FloatArray]
Z = float(stats.norm.ppf(0.975))


@dataclass(frozen=True, slots=True)
class Ratio:
    """Sums per patient with at least one case, the ratio and its linearised standard error over patients."""

    top: FloatArray
    bottom: FloatArray

    @property
    def k(self) -> int:
        return int(self.bottom.size)

    @property
    def value(self) -> float:
        return float(self.top.sum() / self.bottom.sum())

    @property
    def residual(self) -> FloatArray:
        return np.asarray((self.top - self.bottom * self.value) / self.bottom.sum())

    @property
    def error(self) -> float:
        return math.sqrt(self.k / (self.k - 1) * float(np.square(self.residual).sum()))


def ratio(top: FloatArray, bottom: FloatArray) -> Ratio:
    kept = bottom > 0
    return Ratio(top[kept], bottom[kept])


@cache
def t975(df: int) -> float:
    return float(stats.t.ppf(0.975, df))


def around(value: float, error: float, df: int) -> Limits:
    """``value`` plus or minus Student's t times ``error``."""
    return value - t975(df) * error, value + t975(df) * error


def wald_t(r: Ratio) -> Limits:
    """Ratio plus or minus Student's t on patients - 1 df."""
    return around(r.value, r.error, r.k - 1)


def logit_t(r: Ratio) -> Limits:
    """The same on the logit scale, for quantities within 0 and 1."""
    if not 0 < r.value < 1 or r.error == 0:
        return None
    half = t975(r.k - 1) * r.error / (r.value * (1 - r.value))
    return float(expit(logit(r.value) - half)), float(expit(logit(r.value) + half))


def effective_cases(r: Ratio, with_t: bool = True) -> float:
    """Cases of a simple random sample with this variance, at most the real number; Korn & Graubard's t factor."""
    cases = float(r.bottom.sum())
    if r.error == 0:
        return float(r.k)
    effective = r.value * (1 - r.value) / r.error**2
    factor = (Z / t975(r.k - 1)) ** 2 if with_t else 1.0
    return min(effective * factor, cases)


def wilson_of(value: float, n: float) -> Limits:
    """Wilson's score limits for a proportion of ``n`` (not necessarily whole) cases."""
    centre, spread = value + Z**2 / (2 * n), Z * math.sqrt(value * (1 - value) / n + Z**2 / (4 * n * n))
    return (centre - spread) / (1 + Z**2 / n), (centre + spread) / (1 + Z**2 / n)


def wilson_effective(r: Ratio) -> Limits:
    """Wilson's interval on the effective number of cases."""
    return wilson_of(r.value, effective_cases(r))


def korn_graubard(r: Ratio) -> Limits:
    """Clopper-Pearson's interval on the effective number of cases."""
    n = effective_cases(r)
    x = r.value * n
    low = 0.0 if x <= 0 else float(stats.beta.ppf(0.025, x, n - x + 1))
    high = 1.0 if x >= n else float(stats.beta.ppf(0.975, x + 1, n - x))
    return low, high


def wilson_cases(r: Ratio) -> Limits:
    """Wilson's interval as if cases were independent: what happens when clustering is ignored."""
    return wilson_of(r.value, float(r.bottom.sum()))


def percentile(replicates: FloatArray, tail: float = 0.025) -> Limits:
    """Percentile limits at ``tail`` and 1 - ``tail`` of the defined replicates."""
    kept = replicates[~np.isnan(replicates)]
    if kept.size < 0.95 * replicates.size or np.ptp(kept) == 0:
        return None
    low, high = np.quantile(kept, [tail, 1 - tail])
    return float(low), float(high)


def expanded_tail(k: int) -> float:
    """Tail probability that makes percentile limits of a mean of ``k`` patients as wide as Student's interval."""
    return float(stats.norm.cdf(-math.sqrt(k / (k - 1)) * t975(k - 1)))


def expanded_percentile(replicates: FloatArray, k: int) -> Limits:
    """Hesterberg's percentile limits, widened for the bootstrap's missing sqrt(k/(k-1)) and for Student's t."""
    return percentile(replicates, expanded_tail(k))


def bca(r: Ratio, replicates: FloatArray) -> Limits:
    """Bias-corrected accelerated limits with the jackknife over patients."""
    left = (r.top.sum() - r.top) / (r.bottom.sum() - r.bottom)
    found = bca_interval(r.value, replicates, left)
    return None if isinstance(found, Undefined) else (found.low, found.high)


def bootstrap_t(r: Ratio, counts: FloatArray) -> Limits:
    """Studentised bootstrap; ``counts`` (resamples, k): how often each patient of the ratio was drawn."""
    x, n = r.top, r.bottom
    sums = counts @ np.column_stack([x, n, x * x, x * n, n * n, np.ones(r.k)])
    with np.errstate(divide="ignore", invalid="ignore"):
        value = sums[:, 0] / sums[:, 1]
        squares = sums[:, 2] - 2 * value * sums[:, 3] + value**2 * sums[:, 4]
        error = np.sqrt(np.maximum(squares, 0) * sums[:, 5] / (sums[:, 5] - 1)) / sums[:, 1]
        t = (value - r.value) / error
    t = t[np.isfinite(t)]
    if t.size < 0.95 * len(counts) or r.error == 0:
        return None
    low, high = np.quantile(t, [0.025, 0.975])
    return r.value - high * r.error, r.value - low * r.error


def difference_t(first: Ratio, second: Ratio) -> Limits:
    """Difference of two independent ratios with Welch-Satterthwaite degrees of freedom."""
    a, b = first.error**2, second.error**2
    if a + b == 0:
        return None
    df = (a + b) ** 2 / (a * a / (first.k - 1) + b * b / (second.k - 1))
    half = float(stats.t.ppf(0.975, df)) * math.sqrt(a + b)
    value = first.value - second.value
    return value - half, value + half


@dataclass(frozen=True, slots=True)
class Linearised:
    """Difference of two ratios, its standard error over patients, and degrees of freedom."""

    value: float
    error: float
    df: int


def _linearised(first: Sums, second: Sums) -> Linearised:
    values = [float(top.sum() / bottom.sum()) for top, bottom in (first, second)]
    parts = [(top - v * bottom) / bottom.sum() for (top, bottom), v in zip((first, second), values, strict=True)]
    kept = (first[1] > 0) | (second[1] > 0)
    residual = (parts[0] - parts[1])[kept]
    spread = residual.size / (residual.size - 1) * float(np.square(residual).sum())
    df = min(int((bottom > 0).sum()) for _, bottom in (first, second)) - 1
    return Linearised(values[0] - values[1], math.sqrt(spread), df)


def linearised_difference_t(first: Sums, second: Sums) -> Limits:
    """Difference of two ratios over shared or separate patients: variance of the linearised difference, Student's t."""
    found = _linearised(first, second)
    if found.error == 0 or found.df < 1:
        return None
    return around(found.value, found.error, found.df)


def limits(found: Interval | Undefined | None) -> Limits:
    """An interval of the statistics room as a pair."""
    return (found.low, found.high) if isinstance(found, Interval) else None
