"""The level at which each claim of a family is read, so that an adjusted verdict stands on a confidence limit.

A claim is kept when its one-sided p does not exceed its own level; its limit at that level then lies beyond the bound.
Sources: Holm, Scand J Stat 1979;6:65. Benjamini & Yekutieli, JASA 2005;100:71 (intervals for the claims that
Benjamini-Hochberg selects). Hothorn, Bretz & Westfall, Biom J 2008;50:346 (max-T).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from audit.records import FloatArray
from audit.statistics.checks import finite_vector
from audit.statistics.multiplicity import SMALL_P, largest_normal


def holm_levels(p_values: ArrayLike, level: float) -> FloatArray:
    """``level`` / (m - i + 1) for the i-th smallest p that is kept; every other claim stands at the step that ended."""
    p = finite_vector(p_values, "p_values")
    steps = level / np.arange(p.size, 0, -1)
    order = np.argsort(p, kind="stable")
    kept = int(np.logical_and.accumulate(p[order] <= steps).sum())
    levels = np.empty(p.size)
    levels[order] = np.where(np.arange(p.size) < kept, steps, steps[min(kept, p.size - 1)])
    return levels


def benjamini_hochberg_levels(p_values: ArrayLike, level: float) -> FloatArray:
    """R ``level`` / m for the R claims that are kept, (R + 1) ``level`` / m for the others."""
    p = finite_vector(p_values, "p_values")
    steps = level * np.arange(1, p.size + 1) / p.size
    fits = np.flatnonzero(np.sort(p) <= steps)
    kept = int(fits[-1]) + 1 if fits.size else 0
    open_level = steps[min(kept, p.size - 1)]
    return np.where(p <= steps[kept - 1], steps[kept - 1], open_level) if kept else np.full(p.size, open_level)


def max_t(p_values: ArrayLike, replicates: FloatArray, level: float, seed: int) -> tuple[FloatArray, FloatArray]:
    """Levels and adjusted p of one-sided tests whose estimates go together as their ``replicates`` do.

    ``replicates`` (resamples, tests) point in the direction of the claims. One level for all: at it, the chance that
    any of m true null hypotheses is rejected is ``level``. It lies between ``level`` / m and ``level``. ``seed``
    scrambles the quasi-random points of the multivariate normal distribution; an adjusted p below 1e-3 is the
    Bonferroni bound, tight there.
    """
    p = finite_vector(p_values, "p_values")
    largest = largest_normal(correlation(replicates), seed)
    common = float(stats.norm.sf(np.quantile(largest, 1 - level)))
    reached = 1 - np.searchsorted(largest, stats.norm.isf(p), side="left") / largest.size
    bound = np.minimum(p * p.size, 1.0)
    adjusted = np.where(bound < SMALL_P, bound, np.clip(reached, p, bound))
    return np.full(p.size, min(max(common, level / p.size), level)), adjusted


def correlation(replicates: FloatArray) -> FloatArray:
    """Correlation of columns over the resamples that define all; a column that does not vary goes with none."""
    kept = replicates[np.isfinite(replicates).all(axis=1)]
    size = replicates.shape[1]
    if len(kept) < 2:
        return np.eye(size)
    moves = np.ptp(kept, axis=0) > 1e-12
    out = np.eye(size)
    if moves.any():
        out[np.ix_(moves, moves)] = np.atleast_2d(np.corrcoef(kept[:, moves], rowvar=False))
    return out
