"""How many patients: precision of an AUROC or a proportion, and power of simple tests.

Patients counted here are independent; several cases per patient need the design effect on top. Sources: Hanley &
McNeil, Radiology 1982;143:29. Obuchowski & McClish, Stat Med 1997;16:1529. Obuchowski, Lieber & Wians, Acad Radiol
2004;11:980. Buderer, Acad Emerg Med 1996;3:895. Connor, Biometrics 1987;43:207.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats
from scipy.optimize import brentq

from audit.records import BadInput, Undefined
from audit.statistics.checks import normal_quantile

ProportionInterval = Literal["wilson", "exact", "agresti-coull", "wald"]


@dataclass(frozen=True, slots=True)
class CaseNumbers:
    """Unrounded numbers of positive and negative cases; ``total`` adds each rounded up."""

    positives: float
    negatives: float

    @property
    def total(self) -> int:
        return math.ceil(self.positives - 1e-9) + math.ceil(self.negatives - 1e-9)


@dataclass(frozen=True, slots=True)
class ExactTest:
    """Smallest count that passes a performance goal, and the chance to reach it."""

    critical: int
    power: float


def hanley_mcneil_error(auroc: float, positives: float, negatives: float) -> float:
    """Standard error of an AUROC expected to be ``auroc``, exponential model."""
    _open_unit(auroc=auroc)
    q1, q2 = auroc / (2 - auroc), 2 * auroc**2 / (1 + auroc)
    spread = auroc * (1 - auroc) + (positives - 1) * (q1 - auroc**2) + (negatives - 1) * (q2 - auroc**2)
    return math.sqrt(spread / (positives * negatives))


def auroc_width(auroc: float, n_total: float, prevalence: float, confidence: float = 0.95) -> float:
    """Full width of the Wald interval of an AUROC with ``n_total`` cases."""
    _open_unit(prevalence=prevalence)
    error = hanley_mcneil_error(auroc, n_total * prevalence, n_total * (1 - prevalence))
    return 2 * normal_quantile(confidence) * error


def cases_for_auroc_width(auroc: float, width: float, prevalence: float, confidence: float = 0.95) -> CaseNumbers:
    """Cases for an interval of full ``width`` at the expected AUROC."""
    _open_unit(auroc=auroc, width=width, prevalence=prevalence)
    n = _solve(lambda n: auroc_width(auroc, n, prevalence, confidence) - width, 2 / min(prevalence, 1 - prevalence))
    return CaseNumbers(n * prevalence, n * (1 - prevalence))


def auroc_power(auroc: float, positives: float, negatives: float, alpha: float = 0.05) -> float:
    """Power of the two-sided test that an AUROC differs from 0.5 (Obuchowski's binormal variance)."""
    _open_unit(auroc=auroc, alpha=alpha)
    ratio = negatives / positives
    null, spread = math.sqrt(0.0792 * (1 + 1 / ratio)), math.sqrt(_binormal_variance(auroc, ratio))
    gain = math.sqrt(positives) * abs(auroc - 0.5) - float(stats.norm.isf(alpha / 2)) * null
    return float(stats.norm.cdf(gain / spread))


def cases_for_auroc_power(
    auroc: float, power: float, negatives_per_positive: float, alpha: float = 0.05
) -> CaseNumbers:
    """Cases for the power of the two-sided test of an AUROC against 0.5."""
    _open_unit(auroc=auroc, power=power, alpha=alpha)
    if auroc == 0.5:
        raise BadInput("an AUROC of 0.5 cannot be told from 0.5; state the AUROC you expect.")
    ratio = negatives_per_positive
    null, spread = math.sqrt(0.0792 * (1 + 1 / ratio)), math.sqrt(_binormal_variance(auroc, ratio))
    z = float(stats.norm.isf(alpha / 2)) * null + float(stats.norm.ppf(power)) * spread
    positives = (z / (auroc - 0.5)) ** 2
    return CaseNumbers(positives, ratio * positives)


@dataclass(frozen=True, slots=True)
class PairedAurocPilot:
    """AUROCs and DeLong (co)variances of a pilot with ``positives`` positive cases; the first score is the
    reference.
    """

    first: float
    second: float
    variance_first: float
    variance_second: float
    covariance: float
    positives: int

    @property
    def null_error(self) -> float:
        return math.sqrt(self.positives * 2 * (self.variance_first - self.covariance))

    @property
    def error(self) -> float:
        spread = self.variance_first + self.variance_second - 2 * self.covariance
        return math.sqrt(self.positives * spread)


def paired_auroc_power(pilot: PairedAurocPilot, positives: float, alpha: float = 0.05) -> float | Undefined:
    """Power of the two-sided paired comparison with ``positives`` positive cases in the pilot's class ratio."""
    if pilot.error <= 0:
        return Undefined("the pilot's difference has no variance")
    gain = math.sqrt(positives) * abs(pilot.first - pilot.second)
    return float(stats.norm.cdf((gain - float(stats.norm.isf(alpha / 2)) * pilot.null_error) / pilot.error))


def positives_for_paired_auroc(pilot: PairedAurocPilot, power: float, alpha: float = 0.05) -> float | Undefined:
    """Unrounded number of positive cases for the power of the paired comparison; undefined without a difference."""
    _open_unit(power=power, alpha=alpha)
    if pilot.first == pilot.second:
        return Undefined("the pilot's AUROCs are equal")
    z = float(stats.norm.isf(alpha / 2)) * pilot.null_error + float(stats.norm.ppf(power)) * pilot.error
    return (z / (pilot.first - pilot.second)) ** 2


def proportion_width(p: float, n: float, method: ProportionInterval = "wilson", confidence: float = 0.95) -> float:
    """Full width of an interval at an expected proportion, with ``n p`` events (possibly fractional)."""
    _open_unit(p=p)
    z = normal_quantile(confidence)
    if method == "exact":
        tail, events = (1 - confidence) / 2, n * p
        low = stats.beta.ppf(tail, events, n - events + 1)
        return float(stats.beta.isf(tail, events + 1, n - events) - low)
    if method == "wilson":
        return 2 * z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    if method == "agresti-coull":
        total = n + z * z
        centre = (n * p + z * z / 2) / total
        return 2 * z * math.sqrt(centre * (1 - centre) / total)
    return 2 * z * math.sqrt(p * (1 - p) / n)


def cases_for_proportion_width(
    p: float, width: float, method: ProportionInterval = "wilson", confidence: float = 0.95
) -> float:
    """Unrounded number of cases for an interval of full ``width``; divide by prevalence for patients to recruit."""
    _open_unit(p=p, width=width)
    return _solve(lambda n: proportion_width(p, n, method, confidence) - width, 1.0)


def buderer(p: float, half_width: float, confidence: float = 0.95) -> float:
    """Unrounded Wald number of cases of the class in question (Buderer 1996)."""
    _open_unit(p=p, half_width=half_width)
    return normal_quantile(confidence) ** 2 * p * (1 - p) / half_width**2


def exact_goal(n: int, goal: float, expected: float, alpha: float = 0.025) -> ExactTest | Undefined:
    """Exact one-sided binomial test of exceeding ``goal`` with ``n`` cases: critical count and power at ``expected``.

    Undefined when not even n of n events would pass.
    """
    _open_unit(goal=goal, expected=expected, alpha=alpha)
    critical = int(stats.binom.isf(alpha, n, goal)) + 1
    if critical > n:
        return Undefined(f"{n} cases cannot show a proportion above {goal}, even without a miss")
    return ExactTest(critical, float(stats.binom.sf(critical - 1, n, expected)))


def connor(discordant: float, difference: float, power: float, alpha: float = 0.05) -> float:
    """Unrounded number of pairs for McNemar's test: share of discordant pairs and difference expected."""
    if not 0 < abs(difference) <= discordant <= 1:
        raise BadInput("the difference must be non-zero and not larger than the share of discordant pairs.")
    z = float(stats.norm.isf(alpha / 2)) * math.sqrt(discordant)
    z += float(stats.norm.ppf(power)) * math.sqrt(discordant - difference**2)
    return z**2 / difference**2


def exact_mcnemar_power(n: int, first_only: float, second_only: float, alpha: float = 0.05) -> float:
    """Power of the two-sided exact conditional McNemar test with ``n`` pairs and the two discordant probabilities."""
    total = first_only + second_only
    if not 0 < total <= 1:
        raise BadInput("the discordant probabilities must add up to more than 0 and at most 1.")
    power = 0.0
    for count in range(1, n + 1):
        chance = float(stats.binom.pmf(count, n, total))
        events = np.arange(count + 1)
        tail = 2 * stats.binom.cdf(np.minimum(events, count - events), count, 0.5)
        rejected = events[np.minimum(tail, 1.0) <= alpha]
        power += chance * float(stats.binom.pmf(rejected, count, first_only / total).sum())
    return power


def _binormal_variance(auroc: float, ratio: float) -> float:
    a = 1.414 * float(stats.norm.ppf(auroc))
    return 0.0099 * math.exp(-(a**2) / 2) * ((5 * a**2 + 8) + (a**2 + 8) / ratio)


def _solve(excess: Callable[[float], float], least: float) -> float:
    if excess(least) <= 0:
        return least
    most = least
    while excess(most) > 0:
        most *= 2
        if most > 1e12:
            raise BadInput("no feasible number of cases reaches this width; ask for a wider interval.")
    return float(brentq(excess, most / 2, most, xtol=1e-9))


def _open_unit(**values: float) -> None:
    for name, value in values.items():
        if not 0 < value < 1:
            raise BadInput(f"'{name}' must lie strictly between 0 and 1, got {value}.")
