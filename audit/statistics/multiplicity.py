"""Many looks at the data: adjusted p values and simultaneous intervals.

Adjustment makes "difference" harder to show; it must never be used to declare safety. Sources: Holm, Scand J Stat
1979;6:65. Hochberg, Biometrika 1988;75:800. Hommel, Biometrika 1988;75:383. Benjamini & Hochberg, JRSS B 1995;57:289.
Benjamini & Yekutieli, Ann Stat 2001;29:1165. Dunnett, JASA 1955;50:1096. Hothorn, Bretz & Westfall, Biom J
2008;50:346.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.special import ndtri
from statsmodels.stats.multitest import multipletests

from audit.records import BadInput, FloatArray, Interval, Undefined
from audit.statistics.checks import finite_vector, t_quantile, two_sided_p

Adjustment = Literal["bonferroni", "holm", "hochberg", "hommel", "bh", "by"]
LOG2_POINTS = 18
CHUNK = 2**14
SMALL_P = 1e-3
_STATSMODELS = {
    "bonferroni": "bonferroni",
    "hochberg": "simes-hochberg",
    "hommel": "hommel",
    "bh": "fdr_bh",
    "by": "fdr_by",
}


@dataclass(frozen=True, slots=True)
class Simultaneous:
    """Contrasts with single-step max-|statistic| adjustment: one critical value for all, jointly valid intervals."""

    estimates: FloatArray
    standard_errors: FloatArray
    statistics: FloatArray
    raw_p: FloatArray
    adjusted_p: FloatArray
    critical: float
    intervals: tuple[Interval, ...]


def adjust(p_values: ArrayLike, method: Adjustment) -> FloatArray:
    """Adjusted p values in input order; reject where they do not exceed the level. Empty input gives empty output."""
    p = finite_vector(p_values, "p_values")
    if p.size == 0:
        return p
    if p.min() < 0 or p.max() > 1:
        raise BadInput("p values must lie between 0 and 1.")
    if method != "holm" and method not in _STATSMODELS:
        raise BadInput(f"unknown adjustment '{method}'; choose one of {sorted([*_STATSMODELS, 'holm'])}.")
    if method == "holm":
        return _holm(p)
    return np.asarray(multipletests(p, method=_STATSMODELS[method])[1], dtype=np.float64)


def _holm(p: FloatArray) -> FloatArray:
    """Own, because statsmodels 0.15 takes 0.1 s a call for the same numbers."""
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(p.size)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1)), 1.0)
    return adjusted


def versus_one(k: int, reference: int) -> FloatArray:
    """Contrast matrix of every group minus the reference group."""
    rows = [row for row in range(k) if row != reference]
    matrix = np.eye(k)[rows]
    matrix[:, reference] = -1.0
    return matrix


def versus_mean(k: int) -> FloatArray:
    """Contrast matrix of every group minus the unweighted mean of all."""
    return np.asarray(np.eye(k) - 1.0 / k)


def versus_rest(weights: ArrayLike) -> FloatArray:
    """Contrast matrix of every group minus the mean of the others, weighted (for example by their sizes)."""
    w = finite_vector(weights, "weights")
    matrix = -np.tile(w, (w.size, 1))
    np.fill_diagonal(matrix, 0.0)
    matrix /= -matrix.sum(axis=1, keepdims=True)
    np.fill_diagonal(matrix, 1.0)
    return matrix


def simultaneous(
    estimates: ArrayLike,
    covariance: ArrayLike,
    contrasts: ArrayLike,
    seed: int,
    confidence: float = 0.95,
    df: float = math.inf,
) -> Simultaneous | Undefined:
    """All contrasts of correlated estimates judged together by the multivariate normal (or t) distribution.

    ``covariance`` is (k, k), ``contrasts`` (c, k). ``seed`` scrambles the quasi-random points (error of a p value
    about 2e-4); below 1e-3 the Bonferroni bound, tight there, is given. Undefined when a contrast has zero
    variance.
    """
    matrix = np.asarray(contrasts, dtype=np.float64)
    values = matrix @ finite_vector(estimates, "estimates")
    spread = matrix @ np.asarray(covariance, dtype=np.float64) @ matrix.T
    errors = np.sqrt(np.diag(spread))
    if (errors <= 0).any():
        return Undefined("a contrast has zero variance (every case right or wrong in both groups)")
    correlation = spread / np.outer(errors, errors)
    statistics = values / errors

    largest = _largest_statistics(correlation, df, seed)
    single = statistics.size == 1
    critical = t_quantile(confidence, df) if single else float(np.quantile(largest, confidence))
    intervals = tuple(
        Interval(value - critical * error, value + critical * error, "max-|z| simultaneous", confidence)
        for value, error in zip(values.tolist(), errors.tolist(), strict=True)
    )
    raw = np.array([two_sided_p(z, df) for z in statistics])
    adjusted = raw if single else _single_step(np.abs(statistics), raw, largest)
    return Simultaneous(values, errors, statistics, raw, adjusted, critical, intervals)


def _single_step(statistics: FloatArray, raw: FloatArray, largest: FloatArray) -> FloatArray:
    beyond = 1 - np.searchsorted(largest, statistics, side="left") / largest.size
    bound = np.minimum(raw * raw.size, 1.0)
    return np.asarray(np.where(bound < SMALL_P, bound, np.clip(beyond, raw, bound)))


def largest_normal(correlation: FloatArray, seed: int) -> FloatArray:
    """Sorted maxima of normal deviates with the given correlation, for one-sided tests."""
    return _largest_statistics(correlation, math.inf, seed, two_sided=False)


def _largest_statistics(correlation: FloatArray, df: float, seed: int, two_sided: bool = True) -> FloatArray:
    """Sorted maxima of |Z| (or |T|) over quasi-random draws with the given correlation, singular ones included."""
    values, vectors = np.linalg.eigh(correlation)
    kept = values > 1e-10
    factor = vectors[:, kept] * np.sqrt(values[kept])
    columns = int(kept.sum()) + (0 if math.isinf(df) else 1)
    sequence = stats.qmc.Sobol(columns, rng=np.random.default_rng(seed))
    chunks = [_chunk_maxima(sequence.random(CHUNK), factor, df, two_sided) for _ in range(2**LOG2_POINTS // CHUNK)]
    return np.sort(np.concatenate(chunks))


def _chunk_maxima(points: FloatArray, factor: FloatArray, df: float, two_sided: bool) -> FloatArray:
    points = np.clip(points, 1e-12, 1 - 1e-12)
    deviates = ndtri(points[:, : factor.shape[1]]) @ factor.T
    largest = (np.abs(deviates) if two_sided else deviates).max(axis=1)
    if math.isfinite(df):
        largest /= np.sqrt(stats.chi2.ppf(points[:, -1], df) / df)
    return np.asarray(largest)
