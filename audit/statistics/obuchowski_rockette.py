"""Obuchowski-Rockette analysis of a fully crossed reader study, random readers and random cases, jackknife
covariances.

Sources: Obuchowski & Rockette, Commun Stat Simul 1995;24:285. Hillis, Stat Med 2007;26:596 and 2014;33:330.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import stats

from audit.records import BadInput, FloatArray, Interval, Undefined
from audit.statistics.checks import t_quantile


@dataclass(frozen=True, slots=True)
class VarianceComponents:
    """Reader, treatment-by-reader and error components as estimated; negative values are kept."""

    reader: float
    treatment_reader: float
    error: float
    cov1: float
    cov2: float
    cov3: float


@dataclass(frozen=True, slots=True)
class ReaderMean:
    """Mean figure of merit over readers with its standard error, df and interval."""

    value: float
    standard_error: float
    df: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class ReaderStudy:
    """Overall test, components, mean per treatment, and every pairwise difference (first minus second treatment)."""

    components: VarianceComponents
    f: float
    df1: int
    df2: float
    p: float
    means: tuple[ReaderMean, ...]
    differences: dict[tuple[int, int], ReaderMean]


def jackknife_covariance(replicates: FloatArray) -> FloatArray:
    """Covariance of figures of merit from leave-one-case-out values of shape (cases, treatments, readers).

    Returns (treatments, readers, treatments, readers).
    """
    cases, treatments, readers = replicates.shape
    flat = replicates.reshape(cases, treatments * readers)
    centred = flat - flat.mean(axis=0)
    covariance = (cases - 1) / cases * centred.T @ centred
    return np.asarray(covariance.reshape(treatments, readers, treatments, readers))


def reader_study(merit: FloatArray, covariance: FloatArray, confidence: float = 0.95) -> ReaderStudy | Undefined:
    """Random readers, random cases. ``merit`` is (treatments, readers), ``covariance`` as ``jackknife_covariance``.

    Undefined when the denominator of the test is zero; fewer than two treatments or readers raises ``BadInput``.
    """
    treatments, readers = merit.shape
    if treatments < 2 or readers < 2:
        raise BadInput(f"the analysis needs two treatments and two readers, got {treatments} and {readers}.")
    error, cov1, cov2, cov3 = _averages(covariance)
    row, column, grand = merit.mean(axis=1), merit.mean(axis=0), float(merit.mean())
    ms_treatment = readers * float(np.square(row - grand).sum()) / (treatments - 1)
    ms_reader = treatments * float(np.square(column - grand).sum()) / (readers - 1)
    residual = merit - row[:, None] - column[None, :] + grand
    ms_both = float(np.square(residual).sum()) / ((treatments - 1) * (readers - 1))
    components = VarianceComponents(
        (ms_reader - ms_both) / treatments - cov1 + cov3, ms_both - error + cov1 + cov2 - cov3, error, cov1, cov2, cov3
    )
    denominator = ms_both + readers * max(cov2 - cov3, 0.0)
    if denominator <= 0:
        return Undefined("readers and treatments do not vary beyond their main effects")
    df1 = treatments - 1
    df2 = math.inf if ms_both == 0 else denominator**2 / (ms_both**2 / (df1 * (readers - 1)))
    f = ms_treatment / denominator
    differences = {
        (a, b): _mean(float(row[a] - row[b]), 2 * denominator / readers, df2, confidence)
        for a, b in combinations(range(treatments), 2)
    }
    means = tuple(_single(merit[i], covariance[i, :, i, :], confidence) for i in range(treatments))
    return ReaderStudy(components, f, df1, df2, _f_tail(f, df1, df2), means, differences)


def _f_tail(f: float, df1: int, df2: float) -> float:
    return float(stats.chi2.sf(f * df1, df1) if math.isinf(df2) else stats.f.sf(f, df1, df2))


def _averages(covariance: FloatArray) -> tuple[float, float, float, float]:
    treatments, readers = covariance.shape[:2]
    same_treatment = np.eye(treatments, dtype=bool)[:, None, :, None]
    same_reader = np.eye(readers, dtype=bool)[None, :, None, :]
    kinds = (
        same_treatment & same_reader,
        ~same_treatment & same_reader,
        same_treatment & ~same_reader,
        ~same_treatment & ~same_reader,
    )
    error, cov1, cov2, cov3 = (float(covariance[np.broadcast_to(kind, covariance.shape)].mean()) for kind in kinds)
    return error, cov1, cov2, cov3


def _single(merit: FloatArray, covariance: FloatArray, confidence: float) -> ReaderMean:
    readers = merit.size
    spread = float(merit.var(ddof=1))
    shared = float(covariance[~np.eye(readers, dtype=bool)].mean())
    total = spread + readers * max(shared, 0.0)
    df = math.inf if spread == 0 else total**2 / (spread**2 / (readers - 1))
    return _mean(float(merit.mean()), total / readers, df, confidence)


def _mean(value: float, variance: float, df: float, confidence: float) -> ReaderMean:
    error = math.sqrt(variance)
    half = t_quantile(confidence, df) * error
    interval = Interval(value - half, value + half, "Obuchowski-Rockette, random readers and cases", confidence)
    return ReaderMean(value, error, df, interval)
