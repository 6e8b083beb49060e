"""Power of a criterion that is judged on a confidence limit, and the cases that give it.

The limits are those the suite prints: Clopper-Pearson for a proportion against a pass mark, the logit scale for an
AUROC (printed from 100 patients in the rarer class on; the score interval below it is near), Student's t for a mean
(what the patient bootstrap approaches), Tango for paired proportions. Cases are independent here; design effects belong
to ``audit.planning.power``. Sources: Chernick & Liu, Am Stat 2002;56:149 (power of the exact test is a saw). Hanley &
McNeil, Radiology 1982;143:29. Tango, Stat Med 1998;17:891.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.optimize import brentq
from scipy.special import expit, logit

from audit.records import BadInput, FloatArray
from audit.statistics.checks import normal_quantile, t_quantile
from audit.statistics.sample_size import CaseNumbers

MOST_CASES = 2**18
SAW = 40


def goal_power(n: ArrayLike, expected: float, goal: float, confidence: float = 0.95) -> FloatArray:
    """Exact chance, for each number of cases, that the lower Clopper-Pearson limit reaches ``goal``.

    0 where not even n of n events would reach it. For an upper limit mirror both proportions (1 - p).
    """
    cases = np.asarray(n, dtype=np.int64)
    critical = stats.binom.isf((1 - confidence) / 2, cases, goal) + 1
    return np.asarray(stats.binom.sf(critical - 1, cases, expected), dtype=np.float64)


def cases_for_goal(expected: float, goal: float, power: float, confidence: float = 0.95) -> int:
    """Least number of cases from which on the power never falls below ``power`` again."""
    _ordered(expected, goal)
    z = normal_quantile(confidence), float(stats.norm.ppf(power))
    spread = z[0] * math.sqrt(goal * (1 - goal)) + z[1] * math.sqrt(expected * (1 - expected))
    most = 2 ** max(6, math.ceil(2 * math.log2(max(spread, 1e-9) / (expected - goal))))
    while most <= MOST_CASES:
        enough = goal_power(np.arange(1, most + 1), expected, goal, confidence) >= power
        if enough[most // 2 :].all():
            return int(np.flatnonzero(~enough)[-1]) + 2 if not enough.all() else 1
        most *= 2
    raise _too_many(expected, goal)


def auroc_goal_power(
    expected: float, goal: float, positives: float, negatives: float, confidence: float = 0.95
) -> float:
    """Chance that the lower limit of the AUROC, logit scale, Hanley-McNeil standard error, reaches ``goal``.

    The observed AUROC is taken as beta-distributed; of the two orientations of the exponential model (which class
    spreads more) the one with the larger error counts. 0 where by this error not even an observed AUROC next to 1
    would reach ``goal``: too few cases for the formula.
    """
    if min(positives, negatives) < 1:
        return 0.0
    critical = _critical_auroc(goal, positives, negatives, confidence)
    if critical is None:
        return 0.0
    size = expected * (1 - expected) / float(_auroc_variance(np.array(expected), positives, negatives)) - 1
    return float(stats.beta.sf(critical, expected * size, (1 - expected) * size))


def cases_for_auroc_goal(
    expected: float, goal: float, power: float, prevalence: float, confidence: float = 0.95
) -> CaseNumbers:
    """Least whole number of cases, split by ``prevalence``, for the power of an AUROC's lower limit."""
    _ordered(expected, goal)

    def at(n: int) -> float:
        return auroc_goal_power(expected, goal, n * prevalence, n * (1 - prevalence), confidence)

    n = _least(at, power, f"an AUROC of {expected:g} above {goal:g}")
    return CaseNumbers(n * prevalence, n * (1 - prevalence))


def mean_half_width(n: float, sd: float, confidence: float = 0.95) -> float:
    """Expected half-width of the t interval of a mean of ``n`` (> 1) independent values."""
    return t_quantile(confidence, n - 1) * sd / math.sqrt(n)


def cases_for_mean_half_width(half_width: float, sd: float, confidence: float = 0.95) -> int:
    """Least number of cases whose t interval is no wider than twice ``half_width``."""

    def at(n: int) -> float:
        return -mean_half_width(n, sd, confidence) if n > 1 else -math.inf

    return _least(at, -half_width, f"a half-width of {half_width:g}")


def mean_goal_power(n: float, expected: float, goal: float, sd: float, confidence: float = 0.95) -> float:
    """Chance that the lower t limit of a mean reaches ``goal`` (noncentral t); 0 below two cases."""
    if n < 2:
        return 0.0
    shift = (expected - goal) * math.sqrt(n) / sd
    return float(stats.nct.sf(t_quantile(confidence, n - 1), n - 1, shift))


def cases_for_mean_goal(expected: float, goal: float, power: float, sd: float, confidence: float = 0.95) -> int:
    """Least number of cases for the power of a mean's lower limit."""
    _ordered(expected, goal)
    return _least(
        lambda n: mean_goal_power(n, expected, goal, sd, confidence), power, f"a mean of {expected:g} above {goal:g}"
    )


def paired_margin_power(
    n: int, difference: float, discordant: float, margin: float, confidence: float = 0.95, *, both_sides: bool = False
) -> float:
    """Exact chance that Tango's lower limit of first minus second exceeds -``margin``; ``margin`` 0 is superiority.

    ``difference`` is the true one, ``discordant`` the share of cases on which the two disagree. ``both_sides``: also
    the upper limit below ``margin`` (equivalence). Sums over all discordant counts but those with a chance below 1e-9.
    """
    _check_discordant(difference, discordant)
    if n < 1:
        return 0.0
    first, second = (discordant + difference) / 2, (discordant - difference) / 2
    b = _likely(n, first)[:, None]
    c = _likely(n, second)[None, :]
    chance = stats.binom.pmf(b, n, first) * stats.binom.pmf(c, np.maximum(n - b, 0), _share(second, 1 - first))
    met = _lower_exceeds(b, c, n, -margin, confidence)
    if both_sides:
        met &= _lower_exceeds(c, b, n, -margin, confidence)
    return float(min(chance[met].sum(), 1.0))


def cases_for_paired_margin(
    difference: float, discordant: float, margin: float, power: float, confidence: float = 0.95
) -> int:
    """Least number of cases for the power of non-inferiority (or, with ``margin`` 0, of superiority)."""
    _check_discordant(difference, discordant)
    if difference <= -margin:
        raise BadInput(
            f"a true difference of {difference:g} cannot be shown to exceed {-margin:g}; expect a larger difference "
            "or allow a larger margin."
        )

    def at(n: int) -> float:
        return paired_margin_power(n, difference, discordant, margin, confidence)

    return _least(at, power, f"a difference of {difference:g} above {-margin:g}", saw=SAW)


def _critical_auroc(goal: float, positives: float, negatives: float, confidence: float) -> float | None:
    """Least observed AUROC whose lower limit reaches ``goal``."""
    start = float(logit(goal))

    def excess(x: ArrayLike) -> FloatArray:
        area = expit(np.asarray(x, dtype=np.float64))
        error = np.sqrt(_auroc_variance(area, positives, negatives)) / (area * (1 - area))
        return np.asarray(x - normal_quantile(confidence) * error - start)

    grid = np.linspace(start, start + 10.0, 200)
    reached = np.flatnonzero(excess(grid) >= 0)
    if not reached.size:
        return None
    return float(expit(brentq(lambda x: float(excess(x)), grid[reached[0] - 1], grid[reached[0]])))


def _auroc_variance(area: FloatArray, positives: float, negatives: float) -> FloatArray:
    """Hanley-McNeil variance in the worse orientation of the two classes."""
    q1, q2 = area / (2 - area) - area**2, 2 * area**2 / (1 + area) - area**2
    plain = (positives - 1) * q1 + (negatives - 1) * q2
    turned = (negatives - 1) * q1 + (positives - 1) * q2
    return np.asarray((area * (1 - area) + np.maximum(plain, turned)) / (positives * negatives))


def _lower_exceeds(b: FloatArray, c: FloatArray, n: int, limit: float, confidence: float) -> np.ndarray:
    """Whether Tango's lower limit exceeds ``limit``: the score test of that difference rejects from above."""
    linear = -b - c + (2 * n - b + c) * limit
    root = np.sqrt(np.maximum(linear**2 + 8 * n * c * limit * (1 - limit), 0.0))
    variance = n * (2 * (root - linear) / (4 * n) + limit * (1 - limit))
    excess = (b - c - n * limit) - normal_quantile(confidence) * np.sqrt(np.maximum(variance, 0.0))
    return np.asarray((excess > 1e-12) & (b + c <= n))


def _likely(n: int, p: float) -> FloatArray:
    low, high = stats.binom.ppf(1e-9, n, p), stats.binom.isf(1e-9, n, p)
    return np.arange(max(low, 0), min(high, n) + 1, dtype=np.float64)


def _share(part: float, whole: float) -> float:
    return min(part / whole, 1.0) if whole > 0 else 0.0


def _least(at: Callable[[int], float], wanted: float, what: str, saw: int = 0) -> int:
    """Least n with ``at(n) >= wanted`` that also holds for the ``saw`` numbers above it."""
    high = 2
    while at(high) < wanted:
        high *= 2
        if high > MOST_CASES:
            raise BadInput(f"more than {MOST_CASES:,} cases would be needed to show {what}; aim lower.")
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if at(middle) >= wanted else (middle, high)
    falls = [n for n in range(high + 1, high + saw + 1) if at(n) < wanted]
    return falls[-1] + 1 if falls else high


def _ordered(expected: float, goal: float) -> None:
    if expected <= goal:
        raise BadInput(f"an expected value of {expected:g} cannot be shown to reach {goal:g}; it must lie above it.")


def _too_many(expected: float, goal: float) -> BadInput:
    return BadInput(f"more than {MOST_CASES:,} cases would be needed to show {expected:g} above {goal:g}; aim lower.")


def _check_discordant(difference: float, discordant: float) -> None:
    if not abs(difference) <= discordant <= 1:
        raise BadInput(
            f"the share of discordant cases ({discordant:g}) must lie between the size of the difference "
            f"({abs(difference):g}) and 1."
        )
