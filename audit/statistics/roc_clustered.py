"""AUROC and comparisons of AUROCs when a patient contributes one case or several.

The variance of Obuchowski, Biometrics 1997;53:567, which equals DeLong's when every patient has one case.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from audit.records import FloatArray, Interval, Undefined
from audit.statistics.checks import t_quantile, two_sided_p
from audit.statistics.roc import (
    FEWEST_FOR_DELONG,
    AurocMethod,
    Placements,
    bounded_interval,
    newcombe5,
)
from audit.statistics.roc_sums import covariance_of, patient_sums


@dataclass(frozen=True, slots=True)
class ClusteredAuroc:
    """AUROC, its variance over patients, its interval and the numbers of patients behind it.

    A patient with positive and negative cases is counted in both classes.
    """

    value: float
    variance: float | Undefined
    interval: Interval | Undefined
    n_patients: int
    patients_with_positive: int
    patients_with_negative: int


@dataclass(frozen=True, slots=True)
class AurocDifference:
    """First minus second AUROC with standard error, test statistic (df infinite: normal) and two-sided p."""

    value: float
    standard_error: float
    covariance: float
    statistic: float
    df: float
    p: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class OverallTest:
    """Chi-square test that several quantities are equal."""

    chi2: float
    df: int
    p: float


def clustered_auroc(
    score: ArrayLike,
    positive: ArrayLike,
    patient: ArrayLike,
    confidence: float = 0.95,
    method: AurocMethod = "logit",
) -> ClusteredAuroc | Undefined:
    """AUROC with an interval that treats the patient as the unit; plain DeLong when each patient has one
    case.

    ``patient`` holds one label per case. With several cases per patient and fewer than 30 patients in a
    class the quantile is Student's t with (patients in the smaller class) - 1 df; with fewer than 10
    patients in a class, or a variance of zero, the interval is Newcombe's method 5 on the numbers of
    patients. Undefined when a class is empty.
    """
    sums = patient_sums((score,), positive, patient)
    if isinstance(sums, Undefined):
        return sums
    value = float(sums.value[0])
    covariance = covariance_of(sums)
    sizes = sums.with_positive, sums.with_negative
    interval: Interval | Undefined
    if isinstance(covariance, Undefined) or sums.fewest < FEWEST_FOR_DELONG:
        unit = "patients" if sums.clustered else "cases"
        interval = newcombe5(value, *sizes, confidence, why=f"fewer than {FEWEST_FOR_DELONG} {unit} in a class")
    else:
        interval = bounded_interval(value, float(covariance[0, 0]), sizes, confidence, method, sums.name, sums.df)
    variance = covariance if isinstance(covariance, Undefined) else float(covariance[0, 0])
    return ClusteredAuroc(value, variance, interval, sums.positive.shape[1], *sizes)


def paired_auroc_difference(
    first: ArrayLike,
    second: ArrayLike,
    positive: ArrayLike,
    patient: ArrayLike | None = None,
    confidence: float = 0.95,
) -> AurocDifference | Undefined:
    """Difference of two AUROCs on the same cases (DeLong 1988; Obuchowski 1997 with several cases per
    patient).

    ``patient`` omitted: every case is its own patient. Undefined when a class is empty or the variance is
    zero.
    """
    sums = patient_sums((first, second), positive, patient)
    if isinstance(sums, Undefined):
        return sums
    covariance = covariance_of(sums)
    if isinstance(covariance, Undefined):
        return covariance
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    if variance <= 1e-15:
        return Undefined("the difference of the two AUROCs has no variance in these cases")
    value = float(sums.value[0] - sums.value[1])
    return _difference(value, variance, float(covariance[0, 1]), confidence, f"{sums.name}, paired", sums.df)


def independent_auroc_difference(
    first: Placements, second: Placements, confidence: float = 0.95, welch: bool = False
) -> AurocDifference | Undefined:
    """Difference of the AUROCs of two groups without common patients.

    Normal quantiles, or with ``welch`` Student's t on Welch-Satterthwaite df as in pROC 1.19. Undefined
    when either variance is undefined or both are zero.
    """
    variances = first.variance, second.variance
    for variance in variances:
        if isinstance(variance, Undefined):
            return variance
    a, b = (float(v) for v in variances if not isinstance(v, Undefined))
    if a + b <= 0:
        return Undefined("both AUROCs have a variance of zero")
    sizes = [p.by_positive.size + p.by_negative.size for p in (first, second)]
    df = (a + b) ** 2 / (a * a / (sizes[0] - 1) + b * b / (sizes[1] - 1)) if welch else math.inf
    name = "DeLong, independent groups" + (", Welch t" if welch else "")
    return _difference(first.auroc - second.auroc, a + b, 0.0, confidence, name, df)


def overall_auroc_test(
    scores: tuple[ArrayLike, ...], positive: ArrayLike, patient: ArrayLike | None = None
) -> OverallTest | Undefined:
    """Chi-square test that all scores have the same AUROC on the same cases (DeLong 1988, contrast form)."""
    sums = patient_sums(scores, positive, patient)
    if isinstance(sums, Undefined):
        return sums
    covariance = covariance_of(sums)
    if isinstance(covariance, Undefined):
        return covariance
    contrast = np.eye(len(scores) - 1, len(scores)) - np.eye(len(scores) - 1, len(scores), k=1)
    difference = contrast @ sums.value
    spread = contrast @ covariance @ contrast.T
    rank = int(np.linalg.matrix_rank(spread))
    if rank == 0:
        return Undefined("the AUROCs do not vary between the scores in these cases")
    chi2 = float(difference @ np.linalg.pinv(spread) @ difference)
    return OverallTest(chi2, rank, float(stats.chi2.sf(chi2, rank)))


def auroc_covariance(
    scores: tuple[ArrayLike, ...], positive: ArrayLike, patient: ArrayLike | None = None
) -> FloatArray | Undefined:
    """Covariance matrix (scores x scores) of the AUROCs on the same cases, patients as the unit."""
    sums = patient_sums(scores, positive, patient)
    return sums if isinstance(sums, Undefined) else covariance_of(sums)


def jackknife_auroc_variance(score: ArrayLike, positive: ArrayLike, patient: ArrayLike) -> float | Undefined:
    """Infinitesimal-jackknife variance over patients: Obuchowski's without the I/(I-1) factors (R
    survival).
    """
    sums = patient_sums((score,), positive, patient)
    if isinstance(sums, Undefined):
        return sums
    return float(np.square(sums.positive[0] / sums.m + sums.negative[0] / sums.n).sum())


def _difference(
    value: float, variance: float, covariance: float, confidence: float, method: str, df: float
) -> AurocDifference:
    error = math.sqrt(variance)
    half = t_quantile(confidence, df) * error
    interval = Interval(value - half, value + half, method, confidence)
    return AurocDifference(value, error, covariance, value / error, df, two_sided_p(value / error, df), interval)
