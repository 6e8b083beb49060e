"""Agreement of two or more raters on categories or values, ratings possibly missing.

Sources: Fleiss, Psychol Bull 1971;76:378 and Statistical Methods for Rates and Proportions. Conger, Psychol Bull
1980;88:322. Light, Psychol Bull 1971;76:365. Gwet, Br J Math Stat Psychol 2008;61:29. Krippendorff 2011.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from audit.records import BadInput, FloatArray, IntArray, Undefined
from audit.statistics.agreement_categorical import Coefficient, cohen_kappa
from audit.statistics.checks import dense_codes

Level = Literal["nominal", "ordinal", "interval", "ratio"]
ONE_CATEGORY = Undefined("all ratings fall into one category")


@dataclass(frozen=True, slots=True)
class FleissKappa:
    """Fleiss' kappa with its test of zero agreement, its standard error over cases (Gwet) and kappa per category."""

    value: float
    z_null: float
    standard_error: float
    by_category: dict[str, tuple[float, float]]


def category_counts(ratings: ArrayLike) -> tuple[FloatArray, list[str]]:
    """Ratings (cases x raters, complete) as counts per case and category (cases x categories), and the categories."""
    array = np.asarray(ratings)
    if array.ndim != 2 or array.shape[1] < 2:
        raise BadInput(f"ratings must be cases x raters with two raters or more, got shape {array.shape}.")
    codes, labels = dense_codes(array)
    codes = codes.reshape(array.shape)
    counts = np.stack([(codes == code).sum(axis=1) for code in range(labels.size)], axis=1)
    return counts.astype(np.float64), [str(label) for label in labels]


def fleiss_kappa(ratings: ArrayLike) -> FleissKappa | Undefined:
    """Kappa of many raters who need not be the same for every case; undefined when all ratings are equal."""
    counts, labels = category_counts(ratings)
    share = counts.sum(axis=0) / counts.sum()
    chance = float((share**2).sum())
    if chance >= 1:
        return ONE_CATEGORY
    per_case = _case_agreement(counts)
    value = (float(per_case.mean()) - chance) / (1 - chance)
    cases, raters = counts.shape[0], float(counts[0].sum())
    spread = share * (1 - share)
    variance = float(spread.sum()) ** 2 - float((spread * (1 - 2 * share)).sum())
    null = math.sqrt(2 * variance / (cases * raters * (raters - 1))) / float(spread.sum())
    expected = counts @ share / raters
    error = _linearised_error(per_case, expected, value, chance)
    return FleissKappa(value, value / null, error, _by_category(counts, labels, share))


def _by_category(counts: FloatArray, labels: list[str], share: FloatArray) -> dict[str, tuple[float, float]]:
    cases, raters = counts.shape[0], float(counts[0].sum())
    null = math.sqrt(2 / (cases * raters * (raters - 1)))
    split = (counts * (raters - counts)).sum(axis=0) / (cases * raters * (raters - 1) * share * (1 - share))
    return {label: (float(1 - one), float(1 - one) / null) for label, one in zip(labels, split, strict=True)}


def conger_kappa(ratings: ArrayLike) -> float | Undefined:
    """Exact kappa of the same raters on all cases (Conger): chance agreement from each rater's own proportions."""
    counts, _ = category_counts(ratings)
    codes = _codes(ratings)
    raters = codes.shape[1]
    own = np.array([(codes == code).mean(axis=0) for code in range(counts.shape[1])])
    chance = float((own.mean(axis=1) ** 2).sum() - (own.var(axis=1, ddof=1) / raters).sum())
    if chance >= 1:
        return ONE_CATEGORY
    return (float(_case_agreement(counts).mean()) - chance) / (1 - chance)


def light_kappa(ratings: ArrayLike) -> float | Undefined:
    """Mean of Cohen's kappa over all pairs of raters; undefined when one pair's is."""
    codes = _codes(ratings)
    size = max(int(codes.max()) + 1, 2)
    found = []
    for a, b in combinations(range(codes.shape[1]), 2):
        table = np.bincount(codes[:, a] * size + codes[:, b], minlength=size * size).reshape(size, size)
        kappa = cohen_kappa(table)
        if isinstance(kappa, Undefined):
            return kappa
        found.append(kappa.value)
    return float(np.mean(found))


def gwet_ac1(ratings: ArrayLike) -> Coefficient | Undefined:
    """Gwet's AC1 of many raters with its standard error; undefined with one category only."""
    counts, labels = category_counts(ratings)
    size, raters = len(labels), float(counts[0].sum())
    if size < 2:
        return ONE_CATEGORY
    share = counts.sum(axis=0) / counts.sum()
    chance = float((share * (1 - share)).sum()) / (size - 1)
    per_case = _case_agreement(counts)
    value = (float(per_case.mean()) - chance) / (1 - chance)
    expected = counts @ (1 - share) / (raters * (size - 1))
    return Coefficient(value, _linearised_error(per_case, expected, value, chance))


def krippendorff_alpha(ratings: ArrayLike, level: Level = "nominal") -> float | Undefined:
    """Krippendorff's alpha of raters x cases; NaN is a missing rating and cases with one rating drop out.

    Undefined when nothing is rated twice or all ratings are equal; ratio level refuses negative values.
    """
    values = np.asarray(ratings, dtype=np.float64)
    if values.ndim != 2:
        raise BadInput(f"ratings must be raters x cases, got shape {values.shape}.")
    if level == "ratio" and (values < 0).any():
        raise BadInput("the ratio level needs non-negative ratings.")
    values = values[:, (~np.isnan(values)).sum(axis=0) >= 2]
    distinct = np.unique(values[~np.isnan(values)])
    if distinct.size == 0:
        return Undefined("no case has two ratings")
    if distinct.size == 1:
        return ONE_CATEGORY
    counts = np.stack([(values == one).sum(axis=0) for one in distinct], axis=1).astype(np.float64)
    pairs = np.einsum("ui,uj->uij", counts, counts) - np.stack([np.diag(row) for row in counts])
    observed = (pairs / (counts.sum(axis=1) - 1)[:, None, None]).sum(axis=0)
    totals = observed.sum(axis=1)
    distance = _distance(distinct, totals, level)
    expected = float((np.outer(totals, totals) * distance).sum()) / (float(totals.sum()) - 1)
    return 1 - float((observed * distance).sum()) / expected


def _distance(values: FloatArray, totals: FloatArray, level: Level) -> FloatArray:
    if level == "nominal":
        return 1 - np.eye(values.size)
    if level == "ordinal":
        middle = np.cumsum(totals) - totals / 2
        return np.asarray(np.subtract.outer(middle, middle) ** 2)
    gap = np.subtract.outer(values, values)
    if level == "interval":
        return np.asarray(gap**2)
    total = np.add.outer(values, values)
    return np.asarray(np.where(total == 0, 0.0, gap / np.where(total == 0, 1.0, total)) ** 2)


def _codes(ratings: ArrayLike) -> IntArray:
    array = np.asarray(ratings)
    return dense_codes(array)[0].reshape(array.shape)


def _case_agreement(counts: FloatArray) -> FloatArray:
    raters = counts.sum(axis=1)
    return np.asarray((counts * (counts - 1)).sum(axis=1) / (raters * (raters - 1)))


def _linearised_error(per_case: FloatArray, expected: FloatArray, value: float, chance: float) -> float:
    cases = per_case.size
    influence = (per_case - chance) / (1 - chance) - 2 * (1 - value) * (expected - chance) / (1 - chance)
    return math.sqrt(float(np.square(influence - value).sum()) / (cases * (cases - 1)))
