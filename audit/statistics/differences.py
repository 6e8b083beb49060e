"""Difference of two independent proportions: intervals and tests.

Sources: Newcombe, Stat Med 1998;17:873 (method 10). Miettinen & Nurminen, Stat Med 1985;4:213. Mee, Biometrics
1984;40:1175. Farrington & Manning, Stat Med 1990;9:1447. All take events and cases of the first and second group.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.optimize import brentq

from audit.records import BadInput, Interval, Undefined
from audit.statistics.checks import normal_quantile
from audit.statistics.proportions import NO_CASES, wilson

EDGE = 1e-10


@dataclass(frozen=True, slots=True)
class TestResult:
    """A test statistic, its p value and the name of the test."""

    __test__ = False
    statistic: float
    p: float
    method: str


def newcombe(events1: int, n1: int, events2: int, n2: int, confidence: float = 0.95) -> Interval | Undefined:
    """Hybrid score interval from the two Wilson intervals; undefined when a group has no cases."""
    first, second = wilson(events1, n1, confidence), wilson(events2, n2, confidence)
    if isinstance(first, Undefined) or isinstance(second, Undefined):
        return NO_CASES
    p1, p2 = events1 / n1, events2 / n2
    low = p1 - p2 - math.hypot(p1 - first.low, second.high - p2)
    high = p1 - p2 + math.hypot(first.high - p1, p2 - second.low)
    return Interval(low, high, "Newcombe hybrid score", confidence)


def miettinen_nurminen(events1: int, n1: int, events2: int, n2: int, confidence: float = 0.95) -> Interval | Undefined:
    """Score interval with the factor N/(N-1); the default, usable at no events and at all events."""
    return _score_difference(events1, n1, events2, n2, confidence, True, "Miettinen-Nurminen score")


def mee(events1: int, n1: int, events2: int, n2: int, confidence: float = 0.95) -> Interval | Undefined:
    """Score interval without the factor N/(N-1)."""
    return _score_difference(events1, n1, events2, n2, confidence, False, "Mee score")


def farrington_manning(events1: int, n1: int, events2: int, n2: int, margin: float) -> TestResult | Undefined:
    """One-sided test that first minus second exceeds ``margin`` (negative for non-inferiority): z and upper-tail p.

    The variance is at the maximum-likelihood estimate under a difference of exactly ``margin``. Undefined without
    cases in a group or with zero variance.
    """
    _check(events1, n1, events2, n2)
    if not -1 < margin < 1:
        raise BadInput(f"a margin of a difference of proportions must lie between -1 and 1, got {margin}.")
    if not n1 or not n2:
        return NO_CASES
    variance = _variance_at(events1, n1, events2, n2, margin)
    if variance <= 0:
        return Undefined("the variance under the margin is zero")
    z = (events1 / n1 - events2 / n2 - margin) / math.sqrt(variance)
    return TestResult(z, float(stats.norm.sf(z)), "Farrington-Manning")


def chi_square(events1: int, n1: int, events2: int, n2: int) -> TestResult | Undefined:
    """Pearson's chi-square with one df, no continuity correction; undefined when all cases or none are events."""
    _check(events1, n1, events2, n2)
    table = np.array([[events1, n1 - events1], [events2, n2 - events2]])
    if (table.sum(axis=0) == 0).any() or (table.sum(axis=1) == 0).any():
        return Undefined("a margin of the two-by-two table is zero")
    found = stats.chi2_contingency(table, correction=False)
    return TestResult(float(found.statistic), float(found.pvalue), "Pearson chi-square")


def fisher(events1: int, n1: int, events2: int, n2: int) -> float | Undefined:
    """Two-sided p of Fisher's exact test; undefined when a group has no cases."""
    _check(events1, n1, events2, n2)
    if not n1 or not n2:
        return NO_CASES
    return float(stats.fisher_exact([[events1, n1 - events1], [events2, n2 - events2]])[1])


def _score_difference(
    x1: int, n1: int, x2: int, n2: int, confidence: float, corrected: bool, name: str
) -> Interval | Undefined:
    _check(x1, n1, x2, n2)
    if not n1 or not n2:
        return NO_CASES
    z = normal_quantile(confidence)
    factor = (n1 + n2) / (n1 + n2 - 1) if corrected else 1.0
    observed = x1 / n1 - x2 / n2

    def excess(difference: float) -> float:
        spread = math.sqrt(max(factor * _variance_at(x1, n1, x2, n2, difference), 0.0))
        return abs(observed - difference) - z * spread

    low, high = outer_roots(excess, observed, -1.0, 1.0)
    return Interval(low, high, name, confidence)


def outer_roots(excess: Callable[[float], float], point: float, least: float, most: float) -> tuple[float, float]:
    """Where ``excess`` (negative at ``point``) turns positive below and above it, else the end of the range."""
    low = least if point <= least + EDGE else _root_between(excess, point, least + EDGE, least)
    high = most if point >= most - EDGE else _root_between(excess, point, most - EDGE, most)
    return low, high


def _root_between(excess: Callable[[float], float], inside: float, outside: float, limit: float) -> float:
    near = inside + (EDGE if outside > inside else -EDGE)
    if excess(near) >= 0:
        return inside
    return float(brentq(excess, near, outside, xtol=1e-12)) if excess(outside) > 0 else limit


def _variance_at(x1: int, n1: int, x2: int, n2: int, difference: float) -> float:
    second = _restricted_second(x1, n1, x2, n2, difference)
    first = min(max(second + difference, 0.0), 1.0)
    return first * (1 - first) / n1 + second * (1 - second) / n2


def _restricted_second(x1: int, n1: int, x2: int, n2: int, difference: float) -> float:
    """Maximum-likelihood second proportion given the difference (closed form of the cubic)."""
    total = n1 + n2
    c2 = (n1 + 2 * n2) * difference - total - x1 - x2
    c1 = (n2 * difference - total - 2 * x2) * difference + x1 + x2
    c0 = x2 * difference * (1 - difference)
    q = c2**3 / (3 * total) ** 3 - c1 * c2 / (6 * total**2) + c0 / (2 * total)
    p = math.copysign(math.sqrt(max(c2**2 / (3 * total) ** 2 - c1 / (3 * total), 0.0)), q)
    ratio = 0.0 if p == 0 else min(max(q / p**3, -1.0), 1.0)
    angle = (math.pi + math.acos(ratio)) / 3
    return min(max(2 * p * math.cos(angle) - c2 / (3 * total), 0.0), 1.0)


def _check(x1: int, n1: int, x2: int, n2: int) -> None:
    if not (0 <= x1 <= n1 and 0 <= x2 <= n2):
        raise BadInput(f"each group needs 0 <= events <= cases, got {x1} of {n1} and {x2} of {n2}.")
