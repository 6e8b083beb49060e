"""Agreement as functions of sums over cases, so that resamples and patients left out need no second look at the cases.

Every function takes sums (..., k) of the terms that stand beside it and gives the quantity (...), NaN where it does not
exist; the same formulas, with their sources, as in ``agreement_continuous``, ``agreement_categorical`` and
``agreement_many``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np

from audit.records import FloatArray
from audit.statistics.agreement_categorical import Weights, weight_matrix
from audit.statistics.agreement_continuous import LIMITS_MULTIPLIER

COEFFICIENT = LIMITS_MULTIPLIER * math.sqrt(2.0)
COMPLETE = 1e-12
OfSums = Callable[[FloatArray], FloatArray]


def difference_terms(difference: FloatArray) -> FloatArray:
    """1, d, d² of each case: (cases, 3)."""
    return np.column_stack([np.ones_like(difference), difference, difference**2])


def limit_of_agreement(multiplier: float) -> OfSums:
    """Mean difference + ``multiplier`` SD (n - 1) from ``difference_terms``; needs two cases."""

    def value(sums: FloatArray) -> FloatArray:
        n, total, squares = (sums[..., i] for i in range(3))
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = total / n
            variance = (squares - n * mean**2) / (n - 1)
        settled = np.where(variance > COMPLETE * mean**2, variance, 0.0)
        return np.where(n > 1, mean + multiplier * np.sqrt(settled), np.nan)

    return value


def pair_terms(first: FloatArray, second: FloatArray) -> FloatArray:
    """1, x, y, x², y², xy of each case: (cases, 6)."""
    return np.column_stack([np.ones_like(first), first, second, first**2, second**2, first * second])


def icc_agreement(sums: FloatArray) -> FloatArray:
    """ICC(2,1) of two measurements per case from ``pair_terms`` (McGraw & Wong 1996); NaN where nothing varies."""
    n, x, y, xx, yy, xy = (sums[..., i] for i in range(6))
    with np.errstate(divide="ignore", invalid="ignore"):
        grand = (x + y) / (2 * n)
        between = (xx + yy + 2 * xy) / 2 - 2 * n * grand**2
        raters = (x - y) ** 2 / (2 * n)
        error = xx + yy - 2 * n * grand**2 - between - raters
        rows, columns, rest = between / (n - 1), raters, error / (n - 1)
        value = (rows - rest) / (rows + rest + 2 * (columns - rest) / n)
    varies = (n > 1) & (between + error > COMPLETE * (xx + yy))
    return np.where(varies, value, np.nan)


def grade_terms(first: FloatArray, second: FloatArray, size: int, weights: Weights) -> FloatArray:
    """1, weighted agreement, indicators of the first and of the second grade: (cases, 2 + 2 ``size``)."""
    a, b = first.astype(np.int64), second.astype(np.int64)
    eye = np.eye(size)
    return np.column_stack([np.ones(a.size), weight_matrix(size, weights)[a, b], eye[a], eye[b]])


def kappa(weights: Weights) -> OfSums:
    """Cohen's kappa from ``grade_terms``; NaN where chance agreement is complete."""

    def value(sums: FloatArray) -> FloatArray:
        agreed, first, second, weight = _shares(sums, weights)
        chance = np.einsum("...i,ij,...j->...", first, weight, second)
        return _above_chance(agreed, chance)

    return value


def gwet(weights: Weights) -> OfSums:
    """Gwet's AC1, or AC2 with weights, from ``grade_terms``."""

    def value(sums: FloatArray) -> FloatArray:
        agreed, first, second, weight = _shares(sums, weights)
        means, size = (first + second) / 2, weight.shape[0]
        return _above_chance(agreed, weight.sum() / (size * (size - 1)) * (means * (1 - means)).sum(axis=-1))

    return value


def _shares(sums: FloatArray, weights: Weights) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    size = (sums.shape[-1] - 2) // 2
    with np.errstate(divide="ignore", invalid="ignore"):
        share = sums[..., 1:] / sums[..., :1]
    return share[..., 0], share[..., 1 : 1 + size], share[..., 1 + size :], weight_matrix(size, weights)


def _above_chance(agreed: FloatArray, chance: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(1 - chance > COMPLETE, (agreed - chance) / (1 - chance), np.nan)


def repeatability_coefficient(sums: FloatArray) -> FloatArray:
    """1.96 sqrt(2) within-subject SD from sums of squares about the repeats' mean and of their degrees of freedom."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(sums[..., 1] > 0, COEFFICIENT * np.sqrt(sums[..., 0] / sums[..., 1]), np.nan)


def fleiss_terms(ratings: FloatArray) -> FloatArray:
    """1, share of agreeing pairs, ratings per category of each case: (cases, 2 + categories).

    ``ratings`` (cases, raters) hold categories, all raters on all cases.
    """
    counts = np.stack([(ratings == category).sum(axis=1) for category in np.unique(ratings)], axis=1).astype(np.float64)
    raters = ratings.shape[1]
    agreed = (counts * (counts - 1)).sum(axis=1) / (raters * (raters - 1))
    return np.column_stack([np.ones(len(ratings)), agreed, counts])


def fleiss_kappa(sums: FloatArray) -> FloatArray:
    """Fleiss' kappa from ``fleiss_terms``; NaN where all ratings are equal."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = sums[..., 2:] / sums[..., 2:].sum(axis=-1, keepdims=True)
        agreed = sums[..., 1] / sums[..., 0]
    return _above_chance(agreed, (share**2).sum(axis=-1))


def coincidences(ratings: FloatArray) -> FloatArray:
    """Krippendorff's coincidences of each case, flattened: (cases, categories²); NaN is a missing rating.

    A case with fewer than two ratings has none.
    """
    known = ~np.isnan(ratings)
    categories = np.unique(ratings[known])
    counts = np.stack([(ratings == category).sum(axis=1) for category in categories], axis=1).astype(np.float64)
    pairs = np.einsum("ui,uj->uij", counts, counts) - np.einsum("ui,ij->uij", counts, np.eye(categories.size))
    size = known.sum(axis=1)
    weight = np.where(size > 1, 1.0 / np.maximum(size - 1, 1), 0.0)
    return np.asarray((pairs * weight[:, None, None]).reshape(len(ratings), -1))


def alpha(level: Literal["nominal", "ordinal"]) -> OfSums:
    """Krippendorff's alpha from ``coincidences``; NaN where nothing is rated twice or all ratings are equal."""

    def value(sums: FloatArray) -> FloatArray:
        size = math.isqrt(sums.shape[-1])
        observed = sums.reshape(*sums.shape[:-1], size, size)
        totals = observed.sum(axis=-1)
        distance = _distance(totals, level)
        total = totals.sum(axis=-1)
        expected = np.einsum("...i,...ij,...j->...", totals, distance, totals)
        return _disagreement((observed * distance).sum(axis=(-2, -1)), expected, total)

    return value


def _distance(totals: FloatArray, level: str) -> FloatArray:
    if level == "nominal":
        return np.broadcast_to(1 - np.eye(totals.shape[-1]), (*totals.shape, totals.shape[-1]))
    middle = np.cumsum(totals, axis=-1) - totals / 2
    return np.asarray((middle[..., :, None] - middle[..., None, :]) ** 2)


def _disagreement(observed: FloatArray, expected: FloatArray, total: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(expected > 0, 1 - observed * (total - 1) / expected, np.nan)


def interval_terms(ratings: FloatArray) -> FloatArray:
    """Squared differences within each case, ratings, their sum and sum of squares, of cases rated twice: (cases, 4)."""
    known = ~np.isnan(ratings)
    size = known.sum(axis=1)
    kept = np.where((size > 1)[:, None] & known, ratings, 0.0)
    size = np.where(size > 1, size, 0).astype(np.float64)
    total, squares = kept.sum(axis=1), (kept**2).sum(axis=1)
    within = 2 * (size * squares - total**2) / np.maximum(size - 1, 1)
    return np.column_stack([within, size, total, squares])


def interval_alpha(sums: FloatArray) -> FloatArray:
    """Krippendorff's alpha of measurements (interval level) from ``interval_terms``."""
    within, size, total, squares = (sums[..., i] for i in range(4))
    expected = 2 * (size * squares - total**2)
    settled = np.where(expected > COMPLETE * size * squares, expected, 0.0)
    return _disagreement(within, settled, size)
