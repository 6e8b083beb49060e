"""Interval of an AUROC that also holds with few patients in the rarer class, and of a difference of two AUROCs.

DeLong's variance is small exactly where the AUROC came out too high: with 20 positive cases and an AUROC near 0.95 its
intervals cover 86 to 91 %. Here the variance is a function of the limit under test, as in Wilson's interval of a
proportion and in Newcombe's method 5 of an AUROC: that of a binormal pair of score distributions of equal spread with
this AUROC. Where the cases show more variance than this model (positives that scatter widely, several cases per
patient) it is scaled up to theirs, never down. Sources: Newcombe, Stat Med 2006;25:559 (variance at the limit);
Owen, Ann Math Stat 1956;27:1075 (bivariate normal); Obuchowski, Biometrics 1997;53:567 (patients as clusters).
"""

from __future__ import annotations

import math

from scipy import special

from audit.records import Interval, Undefined
from audit.statistics.linearised import interval_of_contributions
from audit.statistics.roc import bounded_interval, score_limits
from audit.statistics.roc_sums import PatientSums, contributions_of, covariance_of

SCORE = "binormal score"
ENOUGH_FOR_DELONG = 100
NO_VARIANCE = 1e-15


def auroc_over_patients(sums: PatientSums, confidence: float = 0.95) -> Interval:
    """The interval to print for one AUROC: DeLong's (Obuchowski's) on the logit scale from 100 patients in the rarer
    class on, where it needs no model; the score interval below, and where the patients do not vary.
    """
    covariance = covariance_of(sums)
    if isinstance(covariance, Undefined) or sums.fewest < ENOUGH_FOR_DELONG or flat(sums):
        return auroc_score_interval(sums, confidence)
    sizes = sums.with_positive, sums.with_negative
    return bounded_interval(float(sums.value[0]), float(covariance[0, 0]), sizes, confidence, "logit", sums.name)


def auroc_score_interval(sums: PatientSums, confidence: float = 0.95) -> Interval:
    """Limits at which the estimate lies a normal quantile of standard errors away, the variance taken at the limit.

    ``sums`` of one score. Where the patients do not vary (perfect separation, one patient in a class) the variance is
    the model's on the numbers of patients.
    """
    value, sizes, excess = float(sums.value[0]), (sums.m, sums.n), excess_variance(sums)
    if isinstance(excess, Undefined):
        sizes = sums.with_positive, sums.with_negative
    scale = 1.0 if isinstance(excess, Undefined) else excess
    name = f"{SCORE} over patients" if sums.clustered else SCORE
    return score_limits(value, lambda t: scale * binormal_variance(t, *sizes), 0.0, confidence, name)


def binormal_variance(value: float, n_positive: int, n_negative: int) -> float:
    """Variance of the Mann-Whitney estimate of an AUROC of ``value`` for normal scores of equal spread in both classes.

    The chance that two negative cases both score below one positive case is value - 2 T(h, 1/sqrt(3)), h the normal
    quantile of ``value`` and T Owen's function; that two positive cases both score above one negative is the same.
    """
    h = float(special.ndtri(value))
    both = value - 2 * float(special.owens_t(h, 1 / math.sqrt(3)))
    shared = (n_positive + n_negative - 2) * (both - value * value)
    return max(value * (1 - value) + shared, 0.0) / (n_positive * n_negative)


def excess_variance(sums: PatientSums) -> float | Undefined:
    """Variance over patients relative to the binormal model's, or to DeLong's where that ratio is larger; at least 1.

    Undefined where the patients do not vary, or a class has fewer than two.
    """
    covariance = covariance_of(sums)
    if isinstance(covariance, Undefined) or flat(sums):
        return Undefined("the patients do not vary")
    observed = float(covariance[0, 0])
    model = binormal_variance(float(sums.value[0]), sums.m, sums.n)
    return max(1.0, observed / float(sums.of_cases[0]), observed / model)


def flat(sums: PatientSums) -> bool:
    """Whether an AUROC has no variance over patients: the classes are separated, or all scores are equal."""
    covariance = covariance_of(sums)
    least = math.nan if isinstance(covariance, Undefined) else float(min(covariance[0, 0], sums.of_cases[0]))
    return not least > NO_VARIANCE


def auroc_difference_of_groups(
    first: PatientSums, second: PatientSums, n_patients: int, confidence: float = 0.95
) -> Interval | Undefined:
    """First minus second AUROC of two groups of cases, whose patients may be the same: linearised, Student's t.

    Degrees of freedom: patients in the rarer class of both groups together - 2. ``n_patients``: labels of patients run
    from 0 to below it. Undefined where the patients of a group do not vary.
    """
    if flat(first) or flat(second):
        return Undefined("the patients of a group do not vary")
    value = float(first.value[0] - second.value[0])
    moved = contributions_of(first, n_patients) - contributions_of(second, n_patients)
    return interval_of_contributions(value, moved, confidence, first.fewest + second.fewest - 2)
