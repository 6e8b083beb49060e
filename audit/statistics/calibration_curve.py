"""Calibration curves, smooth or in bins, and what is read off them.

Sources: Austin & Steyerberg, Stat Med 2019;38:4051 (ICI, E50, E90). Cleveland, JASA 1979;74:829 (lowess, loess).
Hosmer & Lemeshow, Commun Stat 1980;A9:1043.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.interpolate import CubicHermiteSpline
from statsmodels.nonparametric.smoothers_lowess import lowess

from audit.records import FloatArray, IntArray, Interval, Undefined
from audit.statistics.calibration import probabilities
from audit.statistics.proportions import wilson
from audit.statistics.roc import missing_class

Smoother = Literal["lowess", "loess"]
Bins = Literal["equal width", "quantile"]


@dataclass(frozen=True, slots=True)
class SmoothCalibration:
    """The smoothed outcome at every case and the distances |smooth - p|: mean (ICI), median, 90th centile, maximum."""

    probability: FloatArray
    smoothed: FloatArray
    ici: float
    e50: float
    e90: float
    largest: float
    smoother: Smoother


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Cases of one bin: mean prediction, observed share with Wilson's interval."""

    n: int
    events: int
    mean_probability: float
    observed: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class BinnedError:
    """Expected and maximum calibration error over non-empty bins."""

    expected: float
    maximum: float
    bins: tuple[CalibrationBin, ...]


@dataclass(frozen=True, slots=True)
class HosmerLemeshow:
    """Chi-square over groups of increasing risk; ``df`` is the number of groups (external data) or less 2."""

    chi2: float
    df: int
    p: float
    observed: FloatArray
    expected: FloatArray


def smooth_calibration(
    probability: ArrayLike, positive: ArrayLike, smoother: Smoother = "lowess"
) -> SmoothCalibration | Undefined:
    """Smooth calibration curve and its errors.

    ``lowess``: span 2/3, local lines, no robustness iterations, as in R rms ``val.prob``. ``loess``: span 0.75, local
    parabolas, as in Austin & Steyerberg. Undefined when a class is empty or fewer than 10 distinct predictions exist.
    """
    p, y = probabilities(probability, positive)
    missing = missing_class(y)
    if missing is not None:
        return missing
    if np.unique(p).size < 10:
        return Undefined("a smooth calibration curve needs at least 10 distinct predicted probabilities")
    outcome = y.astype(np.float64)
    if smoother == "lowess":
        curve = lowess(outcome, p, frac=2 / 3, it=0, delta=0.01 * float(np.ptp(p)), return_sorted=False)
    else:
        curve = _loess(p, outcome)
    distance = np.abs(curve - p)
    middle, ninety = np.quantile(distance, [0.5, 0.9])
    return SmoothCalibration(
        p, np.asarray(curve), float(distance.mean()), float(middle), float(ninety), float(distance.max()), smoother
    )


def _loess(x: FloatArray, y: FloatArray, span: float = 0.75, cell: float = 0.2) -> FloatArray:
    """R's loess of degree 2: fitted at the cuts of a k-d tree, cubic Hermite interpolation between them."""
    nearest = min(max(int(np.floor(x.size * span + 1e-5)), 3), x.size)
    ordered = np.sort(x)
    margin = 0.005 * float(ordered[-1] - ordered[0])
    inner = _median_cuts(ordered, max(int(np.floor(x.size * span * cell)), 1))
    knots = np.unique([ordered[0] - margin, *inner, ordered[-1] + margin])
    fits = np.array([_local_parabola(x, y, float(knot), nearest) for knot in knots])
    return np.asarray(CubicHermiteSpline(knots, fits[:, 0], fits[:, 1])(x), dtype=np.float64)


def _median_cuts(ordered: FloatArray, largest: int) -> list[float]:
    if ordered.size <= largest or ordered[0] == ordered[-1]:
        return []
    middle = (ordered.size + 1) // 2
    cut = float(ordered[middle - 1] + ordered[middle]) / 2
    left, right = ordered[:middle], ordered[middle:]
    return [*_median_cuts(left, largest), cut, *_median_cuts(right, largest)]


def _local_parabola(x: FloatArray, y: FloatArray, point: float, nearest: int) -> FloatArray:
    """Value and slope at ``point`` of the tricube-weighted parabola through its ``nearest`` cases."""
    distance = np.abs(x - point)
    reach = float(np.partition(distance, nearest - 1)[nearest - 1]) or 1.0
    weight = np.sqrt(np.clip(1 - (distance / reach) ** 3, 0, None) ** 3)
    centred = (x - point) / reach
    design = np.column_stack([np.ones_like(x), centred, centred**2]) * weight[:, None]
    solved = np.linalg.lstsq(design, y * weight, rcond=None)[0]
    return np.array([solved[0], solved[1] / reach])


def binned_error(
    probability: ArrayLike, positive: ArrayLike, bins: int = 10, rule: Bins = "equal width"
) -> BinnedError | Undefined:
    """Calibration error over bins closed on the right; quantile limits (type 7) that coincide are merged.

    Undefined without cases. Values depend on number and rule of the bins, so both belong beside the number.
    """
    p, y = probabilities(probability, positive)
    if not p.size:
        return Undefined("no cases")
    codes = _bin_codes(p, _edges(p, bins, rule))
    found = tuple(_one_bin(p[codes == code], y[codes == code].astype(np.int64)) for code in np.unique(codes))
    gaps = np.array([abs(one.observed - one.mean_probability) for one in found])
    sizes = np.array([one.n for one in found])
    return BinnedError(float((gaps * sizes).sum() / sizes.sum()), float(gaps.max()), found)


def hosmer_lemeshow(
    probability: ArrayLike, positive: ArrayLike, groups: int = 10, external: bool = True
) -> HosmerLemeshow | Undefined:
    """Hosmer-Lemeshow test; on data that did not build the model df is the number of groups, else less 2.

    Undefined without cases or when a group expects no events or only events.
    """
    p, y = probabilities(probability, positive)
    if not p.size:
        return Undefined("no cases")
    codes = _bin_codes(p, _edges(p, groups, "quantile"))
    used = np.unique(codes)
    sizes = np.array([(codes == code).sum() for code in used])
    observed = np.array([y[codes == code].sum() for code in used], dtype=np.float64)
    expected = np.array([p[codes == code].sum() for code in used])
    spread = expected * (1 - expected / sizes)
    df = used.size if external else used.size - 2
    if (spread <= 0).any() or df < 1:
        return Undefined("a risk group expects no events or only events, or too few groups remain")
    chi2 = float((np.square(observed - expected) / spread).sum())
    return HosmerLemeshow(chi2, df, float(stats.chi2.sf(chi2, df)), observed, expected)


def _edges(p: FloatArray, bins: int, rule: Bins) -> FloatArray:
    if rule == "equal width":
        return np.linspace(0, 1, bins + 1)
    return np.unique(np.quantile(p, np.linspace(0, 1, bins + 1)))


def _bin_codes(p: FloatArray, edges: FloatArray) -> IntArray:
    return np.clip(np.searchsorted(edges, p, side="left") - 1, 0, max(edges.size - 2, 0))


def _one_bin(p: FloatArray, y: IntArray) -> CalibrationBin:
    events, n = int(y.sum()), int(y.size)
    interval = wilson(events, n)
    assert isinstance(interval, Interval)
    return CalibrationBin(n, events, float(p.mean()), events / n, interval)
