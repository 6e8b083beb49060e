"""Standard error of a ratio over patients, and the interval of a difference of two ratios, by linearisation.

A ratio is a sum over patients divided by a sum over patients: a mean per case, a rate, a predictive value. Sources:
Cochran, Sampling Techniques, 3rd ed. 1977, section 6.3 (ratio estimator) and 6.19 (comparison of two ratios); Rao &
Scott, Biometrics 1992;48:577 (patients as clusters).
"""

from __future__ import annotations

import math

import numpy as np

from audit.records import FloatArray, Interval, Undefined
from audit.statistics.checks import t_quantile

Sums = tuple[FloatArray, FloatArray]
"""Numerators and denominators summed within patients, one entry per patient."""
METHOD = "linearised over patients, t"
FLAT = 1e-12
NOTHING_TO_TELL = "the patients do not vary in what they contribute"
TOO_FEW = Undefined("the variance over patients needs at least two patients with cases")


def ratio_error(numerator: FloatArray, denominator: FloatArray) -> float | Undefined:
    """Standard error of sum / sum; patients with a denominator of 0 do not count.

    0 where every patient has the same ratio (to rounding). Undefined with fewer than two patients.
    """
    kept = denominator > 0
    return _error(_residuals(numerator, denominator)[kept], _scale(numerator, denominator))


def linearised_difference(
    first: Sums, second: Sums, confidence: float = 0.95, df: int | None = None
) -> Interval | Undefined:
    """First minus second ratio with Student's t interval, for the same, overlapping or separate patients.

    Both sides index the same patients (entries of 0 where a patient has no case on a side). ``df``
    omitted: patients on the smaller side - 1. Undefined with fewer than two patients on a side, or where all patients
    contribute the same to the difference.
    """
    fewest = min(int((denominator > 0).sum()) for _, denominator in (first, second))
    if fewest < 2:
        return TOO_FEW
    kept = (first[1] > 0) | (second[1] > 0)
    residuals = (_residuals(*first) - _residuals(*second))[kept]
    error = _error(residuals, max(_scale(*first), _scale(*second)))
    if isinstance(error, Undefined) or error == 0:
        return Undefined(NOTHING_TO_TELL)
    value = float(first[0].sum() / first[1].sum() - second[0].sum() / second[1].sum())
    half = t_quantile(confidence, fewest - 1 if df is None else df) * error
    return Interval(value - half, value + half, METHOD, confidence)


def interval_of_contributions(
    value: float, contributions: FloatArray, confidence: float, df: float, method: str = METHOD
) -> Interval | Undefined:
    """``value`` with Student's t interval from what each patient adds to its error, to first order.

    The squares of ``contributions`` sum to the variance. For a difference subtract those of the second side from those
    of the first, patient by patient, with 0 where a patient has no case on a side: shared patients are then paired.
    Undefined where fewer than two patients contribute.
    """
    error = math.sqrt(float(np.square(contributions).sum()))
    if error <= FLAT * max(1.0, abs(value)):
        return Undefined(NOTHING_TO_TELL)
    if np.count_nonzero(contributions) < 2:
        return TOO_FEW
    half = t_quantile(confidence, df) * error
    return Interval(value - half, value + half, method, confidence)


def _residuals(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    total = denominator.sum()
    return np.asarray((numerator - denominator * (numerator.sum() / total)) / total)


def _scale(numerator: FloatArray, denominator: FloatArray) -> float:
    """Mean absolute numerator per unit of denominator, against which rounding errors are judged."""
    return float(np.abs(numerator).sum() / denominator.sum())


def _error(residuals: FloatArray, scale: float) -> float | Undefined:
    k = residuals.size
    if k < 2:
        return TOO_FEW
    error = math.sqrt(k / (k - 1) * float(np.square(residuals).sum()))
    return error if error > FLAT * scale else 0.0
