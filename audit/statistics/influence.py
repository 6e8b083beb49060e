"""Intervals from influence values: what one case's weight does to a quantity, summed within patients.

The influence of a case is the derivative of the quantity with respect to the weight of that case (the infinitesimal
jackknife). Summed within patients and squared it gives a variance over patients for any smooth quantity, whatever
number of cases a patient has. Sources: Jaeckel, Bell Labs memorandum 1972; Efron, The Jackknife, the Bootstrap and
Other Resampling Plans, 1982, chapter 6. Zou, Psychol Methods 2007;12:399 (difference of dependent estimates).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from audit.records import FloatArray, IntArray, Interval, Undefined
from audit.statistics.checks import t_quantile
from audit.statistics.recovered import recovered_difference

FLAT = 1e-12
STEP = 1e-30
OfTotals = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, slots=True)
class Scale:
    """Where an interval is symmetric: ``to`` the scale, ``back`` from it, ``slope`` of ``to``."""

    name: str
    to: Callable[[float], float]
    back: Callable[[float], float]
    slope: Callable[[float], float]


def _log_to(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf


LINEAR = Scale("linear", float, float, lambda _: 1.0)
LOG = Scale("log", _log_to, lambda x: float(np.exp(x)), lambda v: 1 / v if v > 0 else math.inf)
FISHER = Scale(
    "Fisher z",
    lambda v: float(np.arctanh(v)) if abs(v) < 1 else math.copysign(math.inf, v),
    lambda x: float(np.tanh(x)),
    lambda v: 1 / (1 - v * v) if abs(v) < 1 else math.inf,
)


def logit_scale(low: float, high: float) -> Scale:
    """The logit scale of a quantity that lies between ``low`` and ``high``."""
    width = high - low
    return Scale(
        "logit",
        lambda v: float(logit((v - low) / width)),
        lambda x: low + width * float(expit(x)),
        lambda v: width / ((v - low) * (high - v)) if low < v < high else math.inf,
    )


LOG_OF_REST = Scale(
    "log of 1 - value",
    lambda v: -_log_to(1 - v),
    lambda x: 1 - float(np.exp(-x)),
    lambda v: 1 / (1 - v) if v < 1 else math.inf,
)


def gradient(value: OfTotals, totals: FloatArray) -> FloatArray:
    """Derivative of ``value`` by each of the ``totals`` (k,), exact to rounding (complex step).

    ``value`` takes (..., k) and must be analytic there. Source: Squire & Trapp, SIAM Rev 1998;40:110.
    """
    stepped = totals + 1j * STEP * np.eye(totals.size)
    return np.asarray(np.imag(value(stepped)) / STEP)


def patient_influence(influence: FloatArray, patient: IntArray, n_patients: int) -> FloatArray:
    """Influence values summed within patients 0 to ``n_patients`` - 1."""
    return np.asarray(np.bincount(patient, influence, n_patients), dtype=np.float64)


def influence_error(influence: FloatArray, patient: IntArray) -> float | Undefined:
    """Standard error over patients; 0 where no patient moves the quantity. Undefined below two patients."""
    present, codes = np.unique(patient, return_inverse=True)
    k = present.size
    if k < 2:
        return Undefined("the variance over patients needs at least two patients")
    total = float(np.square(np.bincount(codes, influence)).sum())
    error = math.sqrt(k / (k - 1) * total)
    return error if error > FLAT else 0.0


def scaled_interval(
    value: float, error: float, scale: Scale, confidence: float, df: float, method: str
) -> Interval | Undefined:
    """``value`` plus or minus t quantile times ``error`` on ``scale``, transformed back.

    Undefined where the error is 0 or the value lies at an end of the scale.
    """
    slope = scale.slope(value)
    if error <= 0 or not math.isfinite(slope):
        return Undefined("no patient differs from the others, so the uncertainty cannot be shown")
    centre, half = scale.to(value), t_quantile(confidence, df) * error * slope
    label = f"{method}, {scale.name}" + (", t" if math.isfinite(df) else "")
    return Interval(scale.back(centre - half), scale.back(centre + half), label, confidence)


def dependent_difference(
    values: tuple[float, float],
    intervals: tuple[Interval, Interval],
    influences: tuple[FloatArray, FloatArray],
) -> Interval | Undefined:
    """First minus second value from their own intervals, with the correlation of their ``influences``.

    ``influences`` hold sums for the same patients, 0 where a patient has no case on a side. Undefined where no patient
    contributes to the difference.
    """
    first, second = influences
    if float(np.abs(first - second).max(initial=0.0)) <= FLAT:
        return Undefined("the patients do not vary in what they contribute to the difference")
    found = recovered_difference(values[0], intervals[0], values[1], intervals[1], correlation(first, second))
    method = found.method.replace("MOVER from MOVER from", "MOVER from")
    return Interval(found.low, found.high, f"{method}, dependent", found.confidence)


def correlation(first: FloatArray, second: FloatArray) -> float:
    """Correlation over patients of two estimates with these influences; 0 where one does not vary."""
    scale = math.sqrt(float(np.square(first).sum()) * float(np.square(second).sum()))
    return float(np.clip((first * second).sum() / scale, -1, 1)) if scale > 0 else 0.0
