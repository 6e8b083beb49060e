"""Two-sided confidence intervals of one proportion.

Wilson is the default for description, Clopper-Pearson for a performance goal. Every function takes a count of
events and of cases and answers ``Undefined`` when there are no cases.
Sources: Newcombe, Stat Med 1998;17:857. Brown, Cai & DasGupta, Stat Sci 2001;16:101.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from scipy import stats
from scipy.optimize import brentq

from audit.records import BadInput, Interval, Undefined
from audit.statistics.checks import normal_quantile

NO_CASES = Undefined("no cases in the denominator")


def proportion(events: int, n: int) -> float | Undefined:
    """Events over cases."""
    _check_counts(events, n)
    return events / n if n else NO_CASES


def wilson(events: int, n: int, confidence: float = 0.95) -> Interval | Undefined:
    """Score interval of Wilson 1927, without continuity correction."""
    _check_counts(events, n)
    if not n:
        return NO_CASES
    return score_interval(events / n, n, confidence, "Wilson")


def score_interval(p: float, n: float, confidence: float, method: str) -> Interval:
    """Wilson's limits for a proportion ``p`` on a (possibly effective, non-integer) sample size ``n`` > 0."""
    z2 = normal_quantile(confidence) ** 2
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (p * (1 - p) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    low, high = (0.0 if p == 0 else centre - half), (1.0 if p == 1 else centre + half)
    return Interval(max(low, 0.0), min(high, 1.0), method, confidence)


def wilson_continuity(events: int, n: int, confidence: float = 0.95) -> Interval | Undefined:
    """Score interval with continuity correction (Newcombe 1998, method 4; R ``prop.test``)."""
    _check_counts(events, n)
    if not n:
        return NO_CASES
    found = stats.binomtest(events, n).proportion_ci(confidence, method="wilsoncc")
    return Interval(float(found.low), float(found.high), "Wilson, continuity-corrected", confidence)


def clopper_pearson(events: int, n: int, confidence: float = 0.95) -> Interval | Undefined:
    """Interval from the two one-sided exact binomial tests; coverage never below ``confidence``."""
    _check_counts(events, n)
    if not n:
        return NO_CASES
    tail = (1 - confidence) / 2
    low = 0.0 if events == 0 else float(stats.beta.ppf(tail, events, n - events + 1))
    high = 1.0 if events == n else float(stats.beta.isf(tail, events + 1, n - events))
    return Interval(low, high, "Clopper-Pearson", confidence)


def agresti_coull(events: int, n: int, confidence: float = 0.95) -> Interval | Undefined:
    """Wald interval around Wilson's centre with z squared added cases, clipped to 0..1."""
    _check_counts(events, n)
    if not n:
        return NO_CASES
    z = normal_quantile(confidence)
    total = n + z * z
    centre = (events + z * z / 2) / total
    half = z * math.sqrt(centre * (1 - centre) / total)
    return Interval(max(centre - half, 0.0), min(centre + half, 1.0), "Agresti-Coull", confidence)


def jeffreys(events: int, n: int, confidence: float = 0.95) -> Interval | Undefined:
    """Equal-tailed Beta(1/2, 1/2) posterior interval; limit 0 at no events and 1 at all events."""
    _check_counts(events, n)
    if not n:
        return NO_CASES
    tail = (1 - confidence) / 2
    low = 0.0 if events == 0 else float(stats.beta.ppf(tail, events + 0.5, n - events + 0.5))
    high = 1.0 if events == n else float(stats.beta.isf(tail, events + 0.5, n - events + 0.5))
    return Interval(low, high, "Jeffreys", confidence)


def mid_p(events: int, n: int, confidence: float = 0.95) -> Interval | Undefined:
    """Clopper-Pearson with half the probability of the observed count in each tail."""
    _check_counts(events, n)
    if not n:
        return NO_CASES
    tail = (1 - confidence) / 2

    def above(p: float) -> float:
        return float(stats.binom.sf(events, n, p) + stats.binom.pmf(events, n, p) / 2)

    low = 0.0 if events == 0 else _root(lambda p: above(p) - tail)
    high = 1.0 if events == n else _root(lambda p: 1 - above(p) - tail)
    return Interval(low, high, "mid-P", confidence)


def _root(function: Callable[[float], float]) -> float:
    return float(brentq(function, 0.0, 1.0, xtol=1e-13))


def _check_counts(events: int, n: int) -> None:
    if not 0 <= events <= n:
        raise BadInput(f"a proportion needs 0 <= events <= cases, got {events} events of {n} cases.")
