"""Delete-one-patient jackknife of smooth functions of sums: kappa, intraclass correlation, limits of agreement.

A patient is left out with all cases, so that clustering is in the error. Sources: Tukey, Ann Math Stat 1958;29:614;
Efron & Stein, Ann Stat 1981;9:586.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from audit.records import BoolArray, FloatArray, Interval, Undefined
from audit.statistics.checks import t_quantile

OfSums = Callable[[FloatArray], FloatArray]
"""From sums (..., k) to the quantity (...), NaN where it does not exist."""
METHOD = "jackknife over patients, t"
FLAT = 1e-12
TOO_FEW = Undefined("the variance over patients needs at least two patients with cases")


def jackknife_error(value: OfSums, sums: FloatArray) -> float | Undefined:
    """Standard error of ``value`` at the totals; ``sums`` (patients, k), rows of zeros are patients without a case.

    0 where no patient moves the value. Undefined below two patients, or where the value does not exist without one.
    """
    return _error([_without(value, sums, _present(sums))])


def jackknife_interval(
    value: OfSums, sums: FloatArray, confidence: float = 0.95, bounds: tuple[float, float] = (-math.inf, math.inf)
) -> Interval | Undefined:
    """Value +/- t (patients - 1 df) standard errors, cut at ``bounds``; undefined without variation over patients."""
    error = jackknife_error(value, sums)
    if isinstance(error, Undefined):
        return error
    if error == 0:
        return Undefined("no patient differs from the others, so the uncertainty cannot be shown")
    point = float(value(sums.sum(axis=0)))
    half = t_quantile(confidence, int(_present(sums).sum()) - 1) * error
    low, high = np.clip([point - half, point + half], *bounds)
    return Interval(float(min(low, point)), float(max(high, point)), METHOD, confidence)


def jackknife_difference(
    value: OfSums, first: FloatArray, second: FloatArray, confidence: float = 0.95
) -> Interval | Undefined:
    """First minus second, for the same, overlapping or separate patients (rows of both index the same patients).

    Degrees of freedom: patients of the smaller side - 1. Undefined as above.
    """
    present = [_present(sums) for sums in (first, second)]
    fewest = min(int(each.sum()) for each in present)
    if fewest < 2:
        return TOO_FEW
    kept = present[0] | present[1]
    error = _error([_without(value, first, kept), -_without(value, second, kept)])
    if isinstance(error, Undefined) or error == 0:
        return Undefined("the patients do not vary in what they contribute to the difference")
    point = float(value(first.sum(axis=0)) - value(second.sum(axis=0)))
    half = t_quantile(confidence, fewest - 1) * error
    return Interval(point - half, point + half, METHOD, confidence)


def _present(sums: FloatArray) -> BoolArray:
    return np.asarray((sums != 0).any(axis=1))


def _without(value: OfSums, sums: FloatArray, kept: BoolArray) -> FloatArray:
    return np.asarray(value(sums.sum(axis=0) - sums[kept]))


def _error(parts: list[FloatArray]) -> float | Undefined:
    found = np.sum(parts, axis=0)
    if found.size < 2:
        return TOO_FEW
    if not np.isfinite(found).all():
        return Undefined("without one of its patients the quantity does not exist")
    error = math.sqrt((found.size - 1) / found.size * float(np.square(found - found.mean()).sum()))
    scale = max(float(np.abs(part).max()) for part in parts)
    return error if error > FLAT * scale else 0.0
