"""Studentised bootstrap over patients for ratios: every resample brings its own standard error.

Its limits follow the skewness that rare failures give to a mean, which percentile limits miss. Source: Efron &
Tibshirani, An Introduction to the Bootstrap, 1993, chapter 12.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from audit.records import FloatArray, Interval, Undefined
from audit.statistics.resampling import (
    LARGEST_UNDEFINED_SHARE,
    Counts,
    defined_replicates,
    per_patient,
    resampled_sums,
)

TERMS = 6
FLAT = 1e-12
"""Share of the sum of squares below which what remains is rounding."""


def ratio_pivots(counts: Counts, numerator: ArrayLike, denominator: ArrayLike) -> FloatArray:
    """(resample's ratio - ratio) / resample's linearised standard error: (resamples, k).

    ``numerator`` and ``denominator`` hold sums per patient, (n_patients, k) or (n_patients,) for k = 1, with zeros
    for patients outside a group. NaN where a resample holds fewer than two of the group's patients or no variation.
    """
    top, bottom = per_patient(numerator, counts), per_patient(denominator, counts)
    with np.errstate(divide="ignore", invalid="ignore"):
        residual = np.nan_to_num(top - bottom * (top.sum(axis=0) / bottom.sum(axis=0)))
    terms = (residual, bottom, residual**2, residual * bottom, bottom**2, (bottom > 0).astype(np.float64))
    e, n, ee, en, nn, k = np.split(resampled_sums(counts, np.hstack(terms)), TERMS, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = e / n
        squares = ee - 2 * shift * en + shift**2 * nn
        squares = np.where(squares > FLAT * ee, squares, 0.0)
        pivots = shift * n / np.sqrt(squares * k / (k - 1))
    return np.where(np.isfinite(pivots), pivots, np.nan)


def bootstrap_t_interval(
    value: float,
    error: float,
    pivots: ArrayLike,
    confidence: float = 0.95,
    bounds: tuple[float, float] = (-math.inf, math.inf),
    largest_undefined_share: float = LARGEST_UNDEFINED_SHARE,
) -> Interval | Undefined:
    """Limits ``value`` - q ``error`` at the two tail quantiles q (type 7) of ``pivots`` (resamples,), cut at
    ``bounds``.

    NaN marks a resample without a pivot; undefined when too many have none, or when ``error`` is 0.
    """
    if error <= 0:
        return Undefined("a standard error of 0 has no studentised bootstrap")
    found = defined_replicates(pivots, largest_undefined_share)
    if isinstance(found, Undefined):
        return found
    kept, note = found
    tail = (1 - confidence) / 2
    low, high = np.clip(value - np.quantile(kept, [1 - tail, tail]) * error, *bounds)
    return Interval(float(low), float(high), f"patient bootstrap-t, {note}", confidence)
