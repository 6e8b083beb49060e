"""Variance of a measurement split between subjects, conditions (sites, scanners), their interaction and repeats.

Two-way random effects by expected mean squares, on unweighted cell means where numbers of repeats differ. Sources:
Burdick, Borror & Montgomery, Design and Analysis of Gauge R&R Studies, SIAM 2005. Graybill & Wang, J Am Stat Assoc
1980;75:869.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from audit.records import FloatArray, IntArray, Undefined


@dataclass(frozen=True, slots=True)
class VarianceComponents:
    """Variances as estimated, negative ones included.

    Without repeats under one condition ``repeat`` is undefined and ``interaction`` holds both. ``total`` is the
    variance of one subject's values between conditions: condition + interaction + repeat.
    """

    subject: float
    condition: float
    interaction: float
    repeat: float | Undefined
    total: float
    total_limits: tuple[float, float]
    n_subjects: int
    n_conditions: int


def variance_components(
    values: FloatArray, subject: IntArray, condition: IntArray, confidence: float = 0.95
) -> VarianceComponents | Undefined:
    """Components from codes 0..k-1 of subject and condition, one per value.

    Undefined unless two or more subjects were each measured under all of two or more conditions: a site effect cannot
    be told from the subjects measured there.
    """
    shape = int(subject.max()) + 1, int(condition.max()) + 1
    reason = _not_crossed(subject, condition, shape)
    if reason is not None:
        return reason
    cell = subject * shape[1] + condition
    size = np.bincount(cell, minlength=shape[0] * shape[1])
    mean = np.bincount(cell, values, minlength=size.size) / size
    squares = float(np.square(values - mean[cell]).sum())
    return _from_table(
        mean.reshape(shape), float(size.size / (1 / size).sum()), squares, values.size - size.size, confidence
    )


def chi_square_limits(variance: float, df: int, confidence: float) -> tuple[float, float]:
    """Limits of a variance estimated with ``df`` degrees of freedom from normal values."""
    tail = (1 - confidence) / 2
    return df * variance / float(stats.chi2.isf(tail, df)), df * variance / float(stats.chi2.ppf(tail, df))


def sum_limits(parts: list[tuple[float, int]], confidence: float) -> tuple[float, float]:
    """Graybill-Wang limits of a sum of independent (non-negative) variance estimates, each with its df."""
    limits = [chi_square_limits(value, df, confidence) for value, df in parts]
    total = math.fsum(value for value, _ in parts)
    below = math.sqrt(math.fsum((value - low) ** 2 for (value, _), (low, _) in zip(parts, limits, strict=True)))
    above = math.sqrt(math.fsum((high - value) ** 2 for (value, _), (_, high) in zip(parts, limits, strict=True)))
    return max(total - below, 0.0), total + above


def _not_crossed(subject: IntArray, condition: IntArray, shape: tuple[int, int]) -> Undefined | None:
    if shape[1] < 2:
        return Undefined("reproducibility needs measurements under two or more conditions")
    if shape[0] < 2:
        return Undefined("reproducibility needs two or more subjects")
    filled = np.unique(subject * shape[1] + condition).size
    if filled < shape[0] * shape[1]:
        missing = shape[0] * shape[1] - filled
        return Undefined(
            f"reproducibility needs every subject under every condition; {missing} of {shape[0] * shape[1]} "
            "combinations were not measured"
        )
    return None


def _from_table(table: FloatArray, repeats: float, squares: float, df: int, confidence: float) -> VarianceComponents:
    """From cell means (subjects, conditions), the harmonic mean number of repeats and the error sum of squares."""
    n, k = table.shape
    grand = table.mean()
    rows = float(k * np.square(table.mean(axis=1) - grand).sum()) / (n - 1)
    columns = float(n * np.square(table.mean(axis=0) - grand).sum()) / (k - 1)
    rest = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0, keepdims=True) + grand
    both = float(np.square(rest).sum()) / ((n - 1) * (k - 1))
    error = squares / df if df else 0.0
    parts = [(columns / n, k - 1), (both * (n - 1) / n, (n - 1) * (k - 1))]
    parts += [(error * (1 - 1 / repeats), df)] if df else []
    return VarianceComponents(
        subject=(rows - both) / k,
        condition=(columns - both) / n,
        interaction=both - error / repeats,
        repeat=error if df else Undefined("no subject was measured twice under one condition"),
        total=math.fsum(value for value, _ in parts),
        total_limits=sum_limits(parts, confidence),
        n_subjects=n,
        n_conditions=k,
    )
