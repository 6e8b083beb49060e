"""The smooth calibration curve on a grid, with a pointwise band over patients.

The smoother is a local straight line with tricube weights over the nearest two thirds of the cases, as ``lowess``
without robustness iterations: a weighted mean of the outcomes, whose variance over patients follows from the weights.
Sources: Cleveland, JASA 1979;74:829; Austin & Steyerberg, Stat Med 2014;33:517 (curve); Liang & Zeger, Biometrika
1986;73:13 (sandwich over patients).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from audit.records import FloatArray, Interval, Undefined
from audit.statistics.calibration import probabilities
from audit.statistics.checks import dense_codes, t_quantile
from audit.statistics.roc import missing_class

SPAN = 2 / 3
FEWEST_DISTINCT = 10
METHOD = "lowess, span 2/3; pointwise band, sandwich over patients, t"


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The smoothed outcome where the predicted probability is ``at``."""

    at: float
    value: float
    interval: Interval | Undefined


def calibration_band(
    probability: ArrayLike, positive: ArrayLike, patient: ArrayLike, at: ArrayLike, confidence: float = 0.95
) -> tuple[CurvePoint, ...] | Undefined:
    """The curve at each of ``at``; values outside 0 to 1 are cut there.

    Undefined when a class is empty or fewer than 10 distinct probabilities exist. A point has no interval where the
    outcomes around it do not vary. Student's t on the patients of the rarer class - 1.
    """
    p, y = probabilities(probability, positive)
    missing = missing_class(y)
    if missing is not None:
        return missing
    if np.unique(p).size < FEWEST_DISTINCT:
        return Undefined("a smooth calibration curve needs at least 10 distinct predicted probabilities")
    codes, outcome = dense_codes(patient)[0], y.astype(np.float64)
    fewest = min(np.unique(codes[y]).size, np.unique(codes[~y]).size)
    quantile = t_quantile(confidence, fewest - 1) if fewest > 1 else math.inf
    fitted = _fitted(p, outcome)
    points = np.asarray(at, dtype=np.float64)
    return tuple(_point(p, outcome, fitted, codes, float(x), quantile, confidence) for x in points)


def local_weights(x: FloatArray, at: float) -> FloatArray:
    """Weights of the cases' outcomes in the local straight line at ``at``: they sum to 1."""
    nearest = max(int(SPAN * x.size + 1e-10), 2)
    distance = np.abs(x - at)
    reach = float(np.partition(distance, nearest - 1)[nearest - 1])
    tricube = np.where(distance <= 0.999 * reach, (1 - np.minimum(distance / (reach or 1.0), 1.0) ** 3) ** 3, 0.0)
    tricube = np.where(distance <= 0.001 * reach, 1.0, tricube) if reach > 0 else (distance == 0).astype(np.float64)
    weight = tricube / tricube.sum()
    centre = float(weight @ x)
    spread = float(weight @ np.square(x - centre))
    if spread <= 1e-6 * float(np.ptp(x)) ** 2:
        return np.asarray(weight)
    return np.asarray(weight * (1 + (at - centre) * (x - centre) / spread))


def _fitted(p: FloatArray, outcome: FloatArray) -> FloatArray:
    """The curve at every case, from 100 points of it."""
    grid = np.unique(np.quantile(p, np.linspace(0, 1, 100)))
    curve = np.array([local_weights(p, float(x)) @ outcome for x in grid])
    return np.asarray(np.interp(p, grid, curve))


def _point(
    p: FloatArray,
    outcome: FloatArray,
    fitted: FloatArray,
    codes: np.ndarray,
    at: float,
    quantile: float,
    confidence: float,
) -> CurvePoint:
    weight = local_weights(p, at)
    value = float(np.clip(weight @ outcome, 0.0, 1.0))
    error = math.sqrt(float(np.square(np.bincount(codes, weight * (outcome - fitted))).sum()))
    if error == 0 or not math.isfinite(quantile):
        return CurvePoint(at, value, Undefined("the outcomes around this probability do not vary"))
    low, high = np.clip([value - quantile * error, value + quantile * error], 0.0, 1.0)
    return CurvePoint(at, value, Interval(float(low), float(high), METHOD, confidence))
