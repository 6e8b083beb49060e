"""Difference of two proportions measured on the same cases (two readings, two versions of a device).

Sources: McNemar, Psychometrika 1947;12:153. Fagerland, Lydersen & Laake, BMC Med Res Methodol 2013;13:91. Tango, Stat
Med 1998;17:891. Newcombe, Stat Med 1998;17:2635. Bonett & Price, J Educ Behav Stat 2012;37:479.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import stats

from audit.records import BadInput, Interval, Undefined
from audit.statistics.checks import normal_quantile
from audit.statistics.differences import TestResult, outer_roots
from audit.statistics.proportions import NO_CASES, wilson

NO_DISCORDANT = Undefined("no discordant pairs")


@dataclass(frozen=True, slots=True)
class PairedTable:
    """Numbers of cases positive in both readings, in the first only, in the second only, in neither."""

    both: int
    first_only: int
    second_only: int
    neither: int

    def __post_init__(self) -> None:
        if min(self.both, self.first_only, self.second_only, self.neither) < 0:
            raise BadInput("the cells of a paired table must not be negative.")

    @property
    def n(self) -> int:
        return self.both + self.first_only + self.second_only + self.neither

    @property
    def discordant(self) -> int:
        return self.first_only + self.second_only

    @property
    def difference(self) -> float | Undefined:
        """First minus second proportion; undefined without cases."""
        return (self.first_only - self.second_only) / self.n if self.n else NO_CASES


def mcnemar_exact(table: PairedTable) -> float:
    """Two-sided p of the exact conditional test; 1 without discordant pairs."""
    if not table.discordant:
        return 1.0
    return float(stats.binomtest(table.first_only, table.discordant, 0.5).pvalue)


def mcnemar_mid_p(table: PairedTable) -> float:
    """Two-sided mid-P of the exact conditional test, the default; 1 without discordant pairs."""
    if not table.discordant:
        return 1.0
    fewer = min(table.first_only, table.second_only)
    mass = float(stats.binom.pmf(fewer, table.discordant, 0.5))
    if table.first_only == table.second_only:
        return 1 - mass / 2
    return 2 * float(stats.binom.cdf(fewer, table.discordant, 0.5)) - mass


def mcnemar(table: PairedTable, continuity: bool = False) -> TestResult | Undefined:
    """McNemar's chi-square with one df; undefined without discordant pairs."""
    if not table.discordant:
        return NO_DISCORDANT
    gap = abs(table.first_only - table.second_only)
    gap = max(gap - 1, 0) if continuity else gap
    chi2 = gap**2 / table.discordant
    name = "McNemar" + (", continuity-corrected" if continuity else "")
    return TestResult(chi2, float(stats.chi2.sf(chi2, 1)), name)


def tango(table: PairedTable, confidence: float = 0.95) -> Interval | Undefined:
    """Tango's score interval of the difference, the default; undefined without cases."""
    if not table.n:
        return NO_CASES
    n, b, c = table.n, table.first_only, table.second_only
    z = normal_quantile(confidence)

    def excess(difference: float) -> float:
        linear = -b - c + (2 * n - b + c) * difference
        constant = -c * difference * (1 - difference)
        restricted = (math.sqrt(max(linear**2 - 8 * n * constant, 0.0)) - linear) / (4 * n)
        variance = n * (2 * restricted + difference * (1 - difference))
        return abs(b - c - n * difference) - z * math.sqrt(max(variance, 0.0))

    low, high = outer_roots(excess, (b - c) / n, -1.0, 1.0)
    return Interval(low, high, "Tango score", confidence)


def newcombe_paired(table: PairedTable, confidence: float = 0.95) -> Interval | Undefined:
    """Newcombe's method 10: Wilson limits of both proportions combined with a continuity-corrected phi."""
    first = wilson(table.both + table.first_only, table.n, confidence)
    second = wilson(table.both + table.second_only, table.n, confidence)
    if isinstance(first, Undefined) or isinstance(second, Undefined):
        return NO_CASES
    p1 = (table.both + table.first_only) / table.n
    p2 = (table.both + table.second_only) / table.n
    phi = _corrected_phi(table)
    below, above = (p1 - first.low, second.high - p2), (first.high - p1, p2 - second.low)
    low = p1 - p2 - math.sqrt(below[0] ** 2 - 2 * phi * below[0] * below[1] + below[1] ** 2)
    high = p1 - p2 + math.sqrt(above[0] ** 2 - 2 * phi * above[0] * above[1] + above[1] ** 2)
    return Interval(low, high, "Newcombe paired, method 10", confidence)


def bonett_price(table: PairedTable, confidence: float = 0.95) -> Interval | Undefined:
    """Wald interval after adding one to each discordant cell; undefined without cases."""
    if not table.n:
        return NO_CASES
    first, second = (table.first_only + 1) / (table.n + 2), (table.second_only + 1) / (table.n + 2)
    centre = first - second
    half = normal_quantile(confidence) * math.sqrt((first + second - centre**2) / (table.n + 2))
    return Interval(max(centre - half, -1.0), min(centre + half, 1.0), "Bonett-Price", confidence)


def _corrected_phi(table: PairedTable) -> float:
    a, b, c, d = table.both, table.first_only, table.second_only, table.neither
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    if not margins:
        return 0.0
    product = a * d - b * c
    if product > 0:
        return max(product - table.n / 2, 0.0) / math.sqrt(margins)
    return product / math.sqrt(margins)
