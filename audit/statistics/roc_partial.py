"""The empirical ROC curve, areas over part of it, and one rate at a fixed value of the other.

Sources: McClish, Med Decis Making 1989;9:190. Platt, Hanley & Yang, Stat Med 2000;19:313 (threshold chosen
on the same cases: stratified bootstrap).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from audit.records import BadInput, FloatArray, Undefined
from audit.statistics.checks import score_and_reference
from audit.statistics.roc import missing_class

Focus = Literal["specificity", "sensitivity"]


@dataclass(frozen=True, slots=True)
class RocCurve:
    """Operating points of the rule ``score >= threshold``, from the strictest (0, 0) to the laxest (1, 1).

    ``threshold`` starts at +infinity; ``false_positive_rate`` and ``sensitivity`` never decrease.
    """

    threshold: FloatArray
    false_positive_rate: FloatArray
    sensitivity: FloatArray

    @property
    def specificity(self) -> FloatArray:
        return np.asarray(1.0 - self.false_positive_rate)


def roc_curve(score: ArrayLike, positive: ArrayLike, weights: FloatArray | None = None) -> RocCurve | Undefined:
    """The empirical curve, one point per distinct score; ``weights`` are counts per case, for example of a
    resample.

    Undefined when a class is empty.
    """
    scores, reference = score_and_reference(score, positive)
    weight = np.ones(scores.size) if weights is None else np.asarray(weights, dtype=np.float64)
    missing = missing_class(reference[weight > 0])
    if missing is not None:
        return missing
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    hits = np.cumsum(np.where(reference, weight, 0.0)[order])[last]
    alarms = np.cumsum(np.where(reference, 0.0, weight)[order])[last]
    return RocCurve(
        np.concatenate([[np.inf], ordered[last]]),
        np.concatenate([[0.0], alarms / alarms[-1]]),
        np.concatenate([[0.0], hits / hits[-1]]),
    )


def sensitivity_at_specificity(curve: RocCurve, specificity: float, interpolated: bool = True) -> float:
    """Sensitivity at a fixed specificity: on the straight lines of the curve, or at an observed operating
    point.

    Not interpolated: the best sensitivity among observed points whose specificity is at least the target.
    """
    if interpolated:
        return _upper_interpolation(1 - specificity, curve.false_positive_rate, curve.sensitivity)
    allowed = curve.specificity >= specificity - 1e-12
    return float(curve.sensitivity[allowed].max())


def specificity_at_sensitivity(curve: RocCurve, sensitivity: float, interpolated: bool = True) -> float:
    """Specificity at a fixed sensitivity, by the same two rules."""
    if interpolated:
        return _upper_interpolation(1 - sensitivity, 1 - curve.sensitivity[::-1], curve.specificity[::-1])
    allowed = curve.sensitivity >= sensitivity - 1e-12
    return float(curve.specificity[allowed].max())


def partial_area(curve: RocCurve, low: float, high: float, focus: Focus = "specificity") -> float:
    """Area under the curve where ``focus`` lies between ``low`` and ``high``; not divided by the width."""
    _check_region(low, high)
    if focus == "specificity":
        x, y = curve.false_positive_rate, curve.sensitivity
    else:
        x, y = 1 - curve.sensitivity[::-1], curve.specificity[::-1]
    left, right = 1 - high, 1 - low
    inside = (x > left) & (x < right)
    xs = np.concatenate([[left], x[inside], [right]])
    ys = np.concatenate([[_upper_interpolation(left, x, y)], y[inside], [_lower_interpolation(right, x, y)]])
    return float(np.trapezoid(ys, xs))


def mcclish(area: float, low: float, high: float) -> float | Undefined:
    """Partial area rescaled to 0.5 for chance and 1 for a perfect test; undefined below the chance line."""
    _check_region(low, high)
    least, most = mcclish_bounds(low, high)
    if area < least:
        return Undefined("the partial area lies below the chance line, McClish's correction does not apply")
    return (1 + (area - least) / (most - least)) / 2


def mcclish_bounds(low: float, high: float) -> tuple[float, float]:
    """Partial area of chance and of a perfect test."""
    left, right = 1 - high, 1 - low
    return (right * right - left * left) / 2, right - left


def _check_region(low: float, high: float) -> None:
    if not 0 <= low < high <= 1:
        raise BadInput(f"a partial area needs 0 <= low < high <= 1, got {low} to {high}.")


def _upper_interpolation(at: float, x: FloatArray, y: FloatArray) -> float:
    """Linear interpolation of a non-decreasing step curve, taking the top of a vertical rise."""
    return _interpolate(at, x, y, int(np.searchsorted(x, at + 1e-12, side="right")) - 1)


def _lower_interpolation(at: float, x: FloatArray, y: FloatArray) -> float:
    """The same, taking the foot of a vertical rise: the end of an area must not include what follows."""
    right = int(np.searchsorted(x, at - 1e-12, side="left"))
    return float(y[right]) if abs(x[right] - at) < 1e-12 else _interpolate(at, x, y, right - 1)


def _interpolate(at: float, x: FloatArray, y: FloatArray, left: int) -> float:
    if left + 1 >= x.size or abs(x[left] - at) < 1e-12:
        return float(y[left])
    share = (at - x[left]) / (x[left + 1] - x[left])
    return float(y[left] + share * (y[left + 1] - y[left]))
