"""Precision of a measurement from repeat acquisitions: repeatability, and reproducibility between sites or scanners.

Repeatability: repeats of one subject under one condition (same site, scanner, protocol, a short time apart).
Reproducibility: the same subjects under several conditions. Sources: Raunig et al., Stat Methods Med Res 2015;24:27.
Obuchowski & Bullen, Stat Methods Med Res 2018;27:3139. Bland & Altman, BMJ 1996;313:744. ISO 5725-2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from audit.records import BadInput, FloatArray, IntArray, Interval, Undefined
from audit.statistics.checks import dense_codes, finite_vector, same_length
from audit.statistics.variance_components import VarianceComponents, chi_square_limits, variance_components

COEFFICIENT = 1.96 * math.sqrt(2.0)
NO_REPEATS = Undefined("no subject was measured twice under one condition")
IDENTICAL = Undefined("all repeats are identical, the interval would have no width")


@dataclass(frozen=True, slots=True)
class Precision:
    """A standard deviation or coefficient with its interval, in the unit of the measurement or in %."""

    value: float
    interval: Interval | Undefined

    def times(self, factor: float) -> Precision:
        """The same quantity in another unit."""
        old = self.interval
        if isinstance(old, Undefined):
            return Precision(factor * self.value, old)
        return Precision(factor * self.value, Interval(factor * old.low, factor * old.high, old.method, old.confidence))


@dataclass(frozen=True, slots=True)
class Reproducibility:
    """Spread of one subject's values between conditions, repeat error included.

    ``coefficient`` (1.96 sqrt(2) SD) bounds, in 95 of 100 pairs, the difference of two values of a subject under two
    conditions. Components are printed as estimated, also where negative.
    """

    sd: Precision
    coefficient: Precision
    components: VarianceComponents


@dataclass(frozen=True, slots=True)
class Repeatability:
    """Within-subject precision. ``coefficient`` is 1.96 sqrt(2) ``within_sd``: a larger change of one subject is, at
    95 %, more than measurement error.

    ``cv_percent`` and ``coefficient_percent`` take each subject's SD relative to its mean and are undefined for
    measurements that are not positive. ``spread_with_size`` is Kendall's tau, with p, of the subjects' SD on their
    mean: where it is positive, prefer the figures in %. ``by_condition`` holds the SD under each condition.
    """

    n_subjects: int
    n_values: int
    df: int
    mean: float
    within_sd: Precision | Undefined
    coefficient: Precision | Undefined
    cv_percent: Precision | Undefined
    coefficient_percent: Precision | Undefined
    spread_with_size: tuple[float, float] | Undefined
    by_condition: Mapping[str, Precision | Undefined]
    reproducibility: Reproducibility | Undefined


def repeatability(
    values: ArrayLike, subject: ArrayLike, condition: ArrayLike | None = None, confidence: float = 0.95
) -> Repeatability | Undefined:
    """Precision of ``values`` (one per acquisition) of labelled subjects, under labelled conditions where given.

    Repeats share subject and condition; their variances are pooled by degrees of freedom, so that numbers of repeats
    may differ. Intervals of SDs: chi-square; of the %CV: chi-square after Obuchowski & Bullen, good below some 30 %;
    of reproducibility: Graybill & Wang. Parts without the data they need are undefined with a reason; all of it where
    there is no value at all. Raises ``BadInput`` for NaN, infinity and unequal lengths.
    """
    numbers = finite_vector(values, "values")
    who, subjects = _labels(subject, "subject", numbers)
    where, conditions = _labels(np.zeros(numbers.size) if condition is None else condition, "condition", numbers)
    if not numbers.size:
        return Undefined("no measurements")
    cells = _Cells.of(numbers, who * len(conditions) + where)
    relative = _relative_sd(cells, confidence)
    sd = _pooled_sd(cells, confidence)
    return Repeatability(
        n_subjects=len(subjects),
        n_values=numbers.size,
        df=cells.df,
        mean=float(numbers.mean()),
        within_sd=sd,
        coefficient=_scaled(sd, COEFFICIENT),
        cv_percent=_scaled(relative, 100.0),
        coefficient_percent=_scaled(relative, 100.0 * COEFFICIENT),
        spread_with_size=_spread_with_size(cells),
        by_condition=_by_condition(numbers, who, where, conditions, confidence) if condition is not None else {},
        reproducibility=_reproducibility(numbers, who, where, confidence),
    )


@dataclass(frozen=True, slots=True)
class _Cells:
    """Repeats of one subject under one condition: size, mean and sum of squares about it, cells of one value kept."""

    size: IntArray
    mean: FloatArray
    squares: FloatArray

    @staticmethod
    def of(values: FloatArray, code: IntArray) -> _Cells:
        dense, distinct = dense_codes(code)
        size = np.bincount(dense, minlength=len(distinct))
        mean = np.bincount(dense, values) / size
        squares = np.bincount(dense, np.square(values - mean[dense]))
        rounding = size * np.square(1e-12 * mean)
        return _Cells(size, mean, np.where(squares <= rounding, 0.0, squares))

    @property
    def df(self) -> int:
        return int((self.size - 1).sum())


def _pooled_sd(cells: _Cells, confidence: float) -> Precision | Undefined:
    if not cells.df:
        return NO_REPEATS
    return _precision(float(cells.squares.sum()) / cells.df, cells.df, confidence, "chi-square")


def _relative_sd(cells: _Cells, confidence: float) -> Precision | Undefined:
    """Within-subject coefficient of variation: root of the mean squared SD over mean, weighted by df."""
    if not cells.df:
        return NO_REPEATS
    repeated = cells.size > 1
    if bool(np.any(cells.mean[repeated] <= 0)):
        return Undefined("a coefficient of variation needs positive subject means")
    share = float((cells.squares[repeated] / np.square(cells.mean[repeated])).sum()) / cells.df
    return _precision(share, cells.df, confidence, "chi-square, Obuchowski-Bullen")


def _precision(variance: float, df: int, confidence: float, method: str) -> Precision:
    if variance == 0:
        return Precision(0.0, IDENTICAL)
    low, high = chi_square_limits(variance, df, confidence)
    return Precision(math.sqrt(variance), Interval(math.sqrt(low), math.sqrt(high), method, confidence))


def _spread_with_size(cells: _Cells) -> tuple[float, float] | Undefined:
    repeated = cells.size > 1
    sd = np.sqrt(cells.squares[repeated] / (cells.size[repeated] - 1))
    if sd.size < 3 or np.ptp(sd) == 0 or np.ptp(cells.mean[repeated]) == 0:
        return Undefined("needs three subjects with repeats that differ in mean and in spread")
    found = stats.kendalltau(sd, cells.mean[repeated])
    return float(found.statistic), float(found.pvalue)


def _by_condition(
    values: FloatArray, who: IntArray, where: IntArray, conditions: NDArray[Any], confidence: float
) -> dict[str, Precision | Undefined]:
    chosen = ((str(name), where == code) for code, name in enumerate(conditions))
    return {name: _pooled_sd(_Cells.of(values[keep], who[keep]), confidence) for name, keep in chosen}


def _reproducibility(
    values: FloatArray, who: IntArray, where: IntArray, confidence: float
) -> Reproducibility | Undefined:
    found = variance_components(values, who, where, confidence)
    if isinstance(found, Undefined):
        return found
    total = found.total
    if total == 0:
        sd = Precision(0.0, IDENTICAL)
    else:
        low, high = (math.sqrt(limit) for limit in found.total_limits)
        sd = Precision(math.sqrt(total), Interval(low, high, "Graybill-Wang", confidence))
    return Reproducibility(sd, sd.times(COEFFICIENT), found)


def _scaled(precision: Precision | Undefined, factor: float) -> Precision | Undefined:
    return precision if isinstance(precision, Undefined) else precision.times(factor)


def _labels(labels: ArrayLike, name: str, values: FloatArray) -> tuple[IntArray, NDArray[Any]]:
    array = np.asarray(labels)
    same_length(values=values, **{name: array})
    if array.dtype.kind == "O" and any(each is None or each != each for each in array):
        raise BadInput(f"'{name}' lacks a label in some entries; leave these acquisitions out or label them.")
    return dense_codes(array.astype(str) if array.dtype.kind == "O" else array)
