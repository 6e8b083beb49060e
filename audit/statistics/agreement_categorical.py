"""Agreement of two raters on categories, from their cross table.

Always read kappa beside the raw agreement and the two indices: with a rare category it falls below zero although the
raters agree nearly always. Sources: Cohen, Educ Psychol Meas 1960;20:37 and Psychol Bull 1968;70:213. Fleiss, Cohen &
Everitt, Psychol Bull 1969;72:323. Byrt, Bishop & Carlin, J Clin Epidemiol 1993;46:423. Gwet, Br J Math Stat Psychol
2008;61:29.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from statsmodels.stats.inter_rater import cohens_kappa

from audit.records import BadInput, FloatArray, Interval, Undefined
from audit.statistics.checks import normal_quantile, two_sided_p

Weights = Literal["unweighted", "linear", "quadratic"]
ONE_CATEGORY = Undefined("both raters used one and the same category throughout")


@dataclass(frozen=True, slots=True)
class Kappa:
    """A chance-corrected coefficient with its large-sample standard error, interval and test of zero agreement."""

    value: float
    standard_error: float
    interval: Interval
    z_null: float
    p_null: float


@dataclass(frozen=True, slots=True)
class Coefficient:
    """An agreement coefficient with its standard error over cases."""

    value: float
    standard_error: float


@dataclass(frozen=True, slots=True)
class Indices:
    """What kappa hides: raw and chance agreement, absolute prevalence and bias index, and PABAK, of a 2 x 2 table."""

    observed: float
    expected: float
    prevalence_index: float
    bias_index: float
    pabak: float
    positive_agreement: float | Undefined
    negative_agreement: float | Undefined


def observed_agreement(table: ArrayLike) -> float | Undefined:
    """Share of cases on the diagonal; ``table`` holds counts, first rater in rows, second in columns."""
    counts = _counts(table)
    return float(np.trace(counts) / counts.sum()) if counts.sum() else Undefined("no cases")


def cohen_kappa(table: ArrayLike, weights: Weights = "unweighted", confidence: float = 0.95) -> Kappa | Undefined:
    """Cohen's kappa, weighted for ordered categories: linear (Cicchetti-Allison) or quadratic (Fleiss-Cohen).

    Non-null standard error of Fleiss, Cohen & Everitt; the test uses the null one. Undefined when chance agreement is
    complete.
    """
    counts = _counts(table)
    if not counts.sum():
        return Undefined("no cases")
    if _chance(counts, weight_matrix(counts.shape[0], weights)) >= 1:
        return ONE_CATEGORY
    with np.errstate(invalid="ignore"):
        found = cohens_kappa(counts, wt=None if weights == "unweighted" else weights)
    value = float(found.kappa)
    error, null = (math.sqrt(max(float(variance), 0.0)) for variance in (found.var_kappa, found.var_kappa0))
    half = normal_quantile(confidence) * error
    limits = Interval(max(value - half, -1.0), min(value + half, 1.0), "Fleiss-Cohen-Everitt", confidence)
    z = value / null if null > 0 else math.inf
    return Kappa(value, error, limits, z, two_sided_p(z))


def scott_pi(table: ArrayLike, weights: Weights = "unweighted") -> float | Undefined:
    """Scott's pi: chance agreement from the raters' mean proportions; undefined when one category only is used."""
    counts = _counts(table)
    return _from_means(counts, weights, small_sample=False)


def krippendorff_two_raters(table: ArrayLike, weights: Weights = "unweighted") -> float | Undefined:
    """Krippendorff's alpha of two raters without missing ratings; the weights act as 1 - distance."""
    counts = _counts(table)
    return _from_means(counts, weights, small_sample=True)


def gwet(table: ArrayLike, weights: Weights = "unweighted") -> Coefficient | Undefined:
    """Gwet's AC1 (AC2 with weights) and its standard error; undefined without cases."""
    counts = _counts(table)
    n, size = float(counts.sum()), counts.shape[0]
    if not n:
        return Undefined("no cases")
    share, weight = counts / n, weight_matrix(size, weights)
    means = (share.sum(axis=0) + share.sum(axis=1)) / 2
    scale = float(weight.sum()) / (size * (size - 1))
    chance = scale * float((means * (1 - means)).sum())
    agreed = float((weight * share).sum())
    value = (agreed - chance) / (1 - chance)
    pair = 1 - (means[:, None] + means[None, :]) / 2
    spread = float((share * np.square(weight - 2 * (1 - value) * scale * pair)).sum())
    variance = (spread - (agreed - 2 * (1 - value) * chance) ** 2) / (n * (1 - chance) ** 2)
    return Coefficient(value, math.sqrt(max(variance, 0.0)))


def two_by_two_indices(table: ArrayLike) -> Indices | Undefined:
    """Indices of a 2 x 2 table whose first row and column hold the positive category."""
    counts = _counts(table)
    if counts.shape[0] != 2:
        raise BadInput(f"the indices need a 2 x 2 table, got {counts.shape[0]} categories.")
    n = float(counts.sum())
    if not n:
        return Undefined("no cases")
    (a, b), (c, d) = counts.tolist()
    observed = (a + d) / n
    return Indices(
        observed,
        _chance(counts, np.eye(2)),
        abs(a - d) / n,
        abs(b - c) / n,
        2 * observed - 1,
        2 * a / (2 * a + b + c) if a + b + c else Undefined("neither rater used the positive category"),
        2 * d / (2 * d + b + c) if d + b + c else Undefined("neither rater used the negative category"),
    )


def _counts(table: ArrayLike) -> FloatArray:
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or counts.shape[0] < 2 or (counts < 0).any():
        raise BadInput(f"agreement needs a square table of counts, two categories or more, got shape {counts.shape}.")
    return counts


def weight_matrix(size: int, weights: Weights) -> FloatArray:
    """Agreement weights of ordered categories, 1 on the diagonal, 0 for the farthest apart."""
    if weights == "unweighted":
        return np.eye(size)
    gap = np.abs(np.subtract.outer(np.arange(size), np.arange(size))) / (size - 1)
    return np.asarray(1 - (gap if weights == "linear" else gap**2))


def _chance(counts: FloatArray, weight: FloatArray) -> float:
    share = counts / counts.sum()
    return float(share.sum(axis=1) @ weight @ share.sum(axis=0))


def _from_means(counts: FloatArray, weights: Weights, small_sample: bool) -> float | Undefined:
    n = float(counts.sum())
    if not n:
        return Undefined("no cases")
    share, weight = counts / n, weight_matrix(counts.shape[0], weights)
    means = (share.sum(axis=0) + share.sum(axis=1)) / 2
    chance = float(means @ weight @ means)
    if chance >= 1:
        return ONE_CATEGORY
    agreed = float((weight * share).sum())
    if small_sample:
        agreed = (1 - 1 / (2 * n)) * agreed + 1 / (2 * n)
    return (agreed - chance) / (1 - chance)
