"""Absence of a relevant difference: two one-sided tests, and the three-way reading of two intervals.

A large p value never shows equivalence. Sources: Schuirmann, J Pharmacokinet Biopharm 1987;15:657. Farrington &
Manning, Stat Med 1990;9:1447. ICH E9.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from scipy import stats

from audit.records import BadInput, Interval, Undefined
from audit.statistics.checks import t_quantile
from audit.statistics.differences import farrington_manning, newcombe

Reading = Literal["equivalent", "different but irrelevant", "different", "different and relevant", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Two one-sided tests against -margin and +margin; ``interval`` has confidence 1 - 2 alpha.

    ``p`` is the larger of the two one-sided p values; ``equivalent`` says that the interval lies inside the margins.
    """

    difference: float
    margin: float
    p_lower: float
    p_upper: float
    interval: Interval
    equivalent: bool
    method: str

    @property
    def p(self) -> float:
        return max(self.p_lower, self.p_upper)


def tost(
    difference: float, standard_error: float, margin: float, df: float = math.inf, alpha: float = 0.05
) -> Equivalence | Undefined:
    """Two one-sided Wald (or t, with finite ``df``) tests of a difference with known standard error.

    For AUROCs of independent groups, reader studies (Hillis df) and proportions. Undefined with a standard error of
    0.
    """
    _check_margin(margin)
    if standard_error <= 0:
        return Undefined("the standard error of the difference is zero")
    lower, upper = (difference + margin) / standard_error, (difference - margin) / standard_error
    half = t_quantile(1 - 2 * alpha, df) * standard_error
    name = "TOST, Wald" if math.isinf(df) else "TOST, t"
    interval = Interval(difference - half, difference + half, name, 1 - 2 * alpha)
    tails = _upper_tail(lower, df), 1 - _upper_tail(upper, df)
    return Equivalence(difference, margin, *tails, interval, inside(interval, margin), name)


def tost_proportions(
    events1: int, n1: int, events2: int, n2: int, margin: float, alpha: float = 0.05
) -> Equivalence | Undefined:
    """Two one-sided Farrington-Manning tests with Newcombe's interval, for two independent proportions.

    Undefined when a group has no cases.
    """
    _check_margin(margin)
    interval = newcombe(events1, n1, events2, n2, 1 - 2 * alpha)
    lower = farrington_manning(events1, n1, events2, n2, -margin)
    upper = farrington_manning(events1, n1, events2, n2, margin)
    if isinstance(interval, Undefined):
        return interval
    if isinstance(lower, Undefined) or isinstance(upper, Undefined):
        return Undefined("the variance at the margin is zero")
    difference = events1 / n1 - events2 / n2
    name = "TOST, Farrington-Manning; interval Newcombe"
    return Equivalence(difference, margin, lower.p, 1 - upper.p, interval, inside(interval, margin), name)


def inside(interval: Interval, margin: float) -> bool:
    """Whether the interval lies strictly within +/- ``margin``."""
    return -margin < interval.low and interval.high < margin


def reading(two_sided: Interval, one_sided: Interval, margin: float) -> Reading:
    """What a 95 % interval (difference) and a 90 % interval (equivalence) say together about a margin."""
    _check_margin(margin)
    excludes_zero = two_sided.low > 0 or two_sided.high < 0
    if inside(one_sided, margin):
        return "different but irrelevant" if excludes_zero else "equivalent"
    if two_sided.low > margin or two_sided.high < -margin:
        return "different and relevant"
    return "different" if excludes_zero else "inconclusive"


def _upper_tail(statistic: float, df: float) -> float:
    return float(stats.norm.sf(statistic) if math.isinf(df) else stats.t.sf(statistic, df))


def _check_margin(margin: float) -> None:
    if not margin > 0 or not math.isfinite(margin):
        raise BadInput(f"an equivalence margin must be positive, got {margin}.")
