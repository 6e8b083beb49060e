"""Max-T adjustment from resampling: exact relabelling of two groups, and the parametric bootstrap of proportions.

Sources: Westfall & Young, Resampling-Based Multiple Testing, 1993. Ge, Dudoit & Speed, Test 2003;12:1.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import ArrayLike

from audit.records import BadInput, BoolArray, FloatArray, Undefined
from audit.statistics.checks import binary_vector

LARGEST_ENUMERATION = 200_000
ROUNDING = 1e-10


@dataclass(frozen=True, slots=True)
class MaxT:
    """Absolute Welch t, unadjusted permutation p and step-down max-T p of each endpoint, in input order."""

    statistics: FloatArray
    raw_p: FloatArray
    adjusted_p: FloatArray


@dataclass(frozen=True, slots=True)
class BootstrapMax:
    """Adjusted p per contrast, critical value, and which standard errors were used (``fixed`` or ``resampled``)."""

    adjusted_p: FloatArray
    critical: float
    errors: str


def exact_max_t(endpoints: ArrayLike, group: ArrayLike) -> MaxT | Undefined:
    """Westfall-Young step-down max-T over all relabellings; the observed labelling counts.

    ``endpoints`` is (endpoints, subjects), ``group`` 0 or 1 per subject. Undefined with fewer than two subjects in a
    group or an endpoint that does not vary; more than 200,000 relabellings raise ``BadInput``.
    """
    values, second = np.asarray(endpoints, dtype=np.float64), binary_vector(group, "group")
    size, chosen = second.size, int(second.sum())
    if values.ndim != 2 or values.shape[1] != size:
        raise BadInput(f"endpoints must be (endpoints, {size} subjects), got {values.shape}.")
    if min(chosen, size - chosen) < 2:
        return Undefined("each group needs at least two subjects")
    if comb(size, chosen) > LARGEST_ENUMERATION:
        raise BadInput(f"{comb(size, chosen)} relabellings are too many to enumerate; use fewer subjects.")
    if (np.ptp(values, axis=1) == 0).any():
        return Undefined("an endpoint does not vary")
    observed = _welch(values, second)
    permuted = np.array([_welch(values, labels) for labels in _labellings(size, chosen)])
    order = np.argsort(-observed, kind="stable")
    successive = np.maximum.accumulate(permuted[:, order][:, ::-1], axis=1)[:, ::-1]
    step = (successive >= observed[order] - ROUNDING).mean(axis=0)
    adjusted = np.empty(observed.size)
    adjusted[order] = np.maximum.accumulate(step)
    return MaxT(observed, (permuted >= observed - ROUNDING).mean(axis=0), adjusted)


def _labellings(size: int, chosen: int) -> list[BoolArray]:
    out = []
    for members in combinations(range(size), chosen):
        labels = np.zeros(size, dtype=np.bool_)
        labels[list(members)] = True
        out.append(labels)
    return out


def _welch(values: FloatArray, second: BoolArray) -> FloatArray:
    a, b = values[:, second], values[:, ~second]
    spread = a.var(axis=1, ddof=1) / a.shape[1] + b.var(axis=1, ddof=1) / b.shape[1]
    gap = np.abs(a.mean(axis=1) - b.mean(axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(spread > 0, gap / np.sqrt(spread), np.where(gap > 0, np.inf, 0.0)))


def bootstrap_max(
    events: ArrayLike,
    n: ArrayLike,
    contrasts: ArrayLike,
    resamples: int,
    seed: int,
    confidence: float = 0.95,
    studentised: bool = False,
) -> BootstrapMax | Undefined:
    """Parametric bootstrap of max |contrast| for proportions: binomial draws around each group's estimate.

    ``studentised`` recomputes the standard error in every resample (heavier tail); else the observed one stays. p is
    (1 + b) / (1 + B). Undefined when a contrast has zero variance.
    """
    x, size = np.asarray(events, dtype=np.int64), np.asarray(n, dtype=np.int64)
    matrix = np.asarray(contrasts, dtype=np.float64)
    p = x / size
    errors = np.sqrt((p * (1 - p) / size) @ (matrix**2).T)
    if (errors <= 0).any():
        return Undefined("a contrast has zero variance (every case right or wrong in both groups)")
    observed = np.abs(matrix @ p) / errors
    drawn = np.random.default_rng(seed).binomial(size, p, size=(resamples, size.size)) / size
    gaps = np.abs((drawn - p) @ matrix.T)
    spread = np.sqrt((drawn * (1 - drawn) / size) @ (matrix**2).T) if studentised else errors
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(gaps == 0, 0.0, gaps / spread)
    largest = ratio.max(axis=1)
    exceeded = (largest[:, None] >= observed - ROUNDING).sum(axis=0)
    critical = float(np.quantile(largest, confidence, method="inverted_cdf"))
    return BootstrapMax((1 + exceeded) / (1 + resamples), critical, "resampled" if studentised else "fixed")
