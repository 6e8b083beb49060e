"""Two groups compared within strata (two makers within case-mix strata), and groups compared on a proportion.

Sources: Mantel & Haenszel, JNCI 1959;22:719. Robins, Breslow & Greenland, Biometrics 1986;42:311. Sato, Biometrics
1989;45:1323. Breslow & Day, IARC 1980. Simpson, J R Stat Soc B 1951;13:238.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from statsmodels.stats.contingency_tables import StratifiedTable

from audit.records import BadInput, FloatArray, Interval, Undefined
from audit.statistics.checks import finite_vector, normal_quantile, same_length
from audit.statistics.differences import TestResult


@dataclass(frozen=True, slots=True)
class StratifiedComparison:
    """First minus second group: crude and Mantel-Haenszel risk difference (Sato error), odds ratio, tests.

    ``reversed_by_strata``: the crude difference and all strata's differences have opposite signs (Simpson).
    ``dropped_strata`` counts strata in which one group has no cases; they carry no information and are left out.
    """

    crude_difference: float
    stratum_differences: FloatArray
    risk_difference: float
    risk_difference_error: float
    risk_difference_interval: Interval
    odds_ratio: float | Undefined
    odds_ratio_interval: Interval | Undefined
    association: TestResult | Undefined
    association_corrected: TestResult | Undefined
    homogeneity: TestResult | Undefined
    reversed_by_strata: bool
    dropped_strata: int


def stratified_comparison(
    events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike, confidence: float = 0.95
) -> StratifiedComparison | Undefined:
    """Compares two groups over strata; each argument holds one count per stratum.

    Undefined when no stratum has cases of both groups; the odds ratio and the tests are undefined where they would
    divide by zero. Read ``homogeneity`` (Breslow-Day, no Tarone adjustment) before the averages.
    """
    a, m, c, n = (finite_vector(values, "counts") for values in (events1, n1, events2, n2))
    same_length(events1=a, n1=m, events2=c, n2=n)
    if (a < 0).any() or (a > m).any() or (c < 0).any() or (c > n).any():
        raise BadInput("each stratum needs 0 <= events <= cases in both groups.")
    kept = (m > 0) & (n > 0)
    if not kept.any():
        return Undefined("no stratum has cases of both groups")
    crude = float(a.sum() / m.sum() - c.sum() / n.sum())
    dropped = int((~kept).sum())
    a, m, c, n = a[kept], m[kept], c[kept], n[kept]
    within = a / m - c / n
    difference, error = _risk_difference(a, m, c, n)
    half = normal_quantile(confidence) * error
    ratio = _odds_ratio(a, m, c, n, confidence)
    return StratifiedComparison(
        crude_difference=crude,
        stratum_differences=within,
        risk_difference=difference,
        risk_difference_error=error,
        risk_difference_interval=Interval(difference - half, difference + half, "Mantel-Haenszel, Sato", confidence),
        odds_ratio=ratio[0],
        odds_ratio_interval=ratio[1],
        association=_association(a, m, c, n, corrected=False),
        association_corrected=_association(a, m, c, n, corrected=True),
        homogeneity=_breslow_day(a, m, c, n),
        reversed_by_strata=bool(crude != 0 and (np.sign(within) == -np.sign(crude)).all()),
        dropped_strata=dropped,
    )


def homogeneity_of_proportions(events: ArrayLike, n: ArrayLike) -> TestResult | Undefined:
    """Chi-square of equal proportions in k groups, k - 1 df; undefined when all or none are events or k < 2."""
    x, size = finite_vector(events, "events"), finite_vector(n, "n")
    same_length(events=x, n=size)
    x, size = x[size > 0], size[size > 0]
    if x.size < 2 or x.sum() in (0, size.sum()):
        return Undefined("fewer than two groups with cases, or all cases or none are events")
    found = stats.chi2_contingency(np.array([x, size - x]), correction=False)
    return TestResult(float(found.statistic), float(found.pvalue), "Pearson chi-square, k groups")


def _risk_difference(a: FloatArray, m: FloatArray, c: FloatArray, n: FloatArray) -> tuple[float, float]:
    total = m + n
    weight = float((m * n / total).sum())
    difference = float(((a * n - c * m) / total).sum()) / weight
    p = float(((m**2 * c - n**2 * a + m * n * (n - m) / 2) / total**2).sum())
    q = float(((a * (n - c) + c * (m - a)) / (2 * total)).sum())
    return difference, math.sqrt(max(difference * p + q, 0.0)) / weight


def _odds_ratio(
    a: FloatArray, m: FloatArray, c: FloatArray, n: FloatArray, confidence: float
) -> tuple[float | Undefined, Interval | Undefined]:
    total = m + n
    if (a * (n - c) / total).sum() == 0 or ((m - a) * c / total).sum() == 0:
        reason = Undefined("the Mantel-Haenszel odds ratio is zero or infinite")
        return reason, reason
    table = _table(a, m, c, n)
    low, high = table.oddsratio_pooled_confint(alpha=1 - confidence)
    limits = Interval(float(low), float(high), "Mantel-Haenszel, Robins-Breslow-Greenland", confidence)
    return float(table.oddsratio_pooled), limits


def _association(a: FloatArray, m: FloatArray, c: FloatArray, n: FloatArray, corrected: bool) -> TestResult | Undefined:
    total, events = m + n, a + c
    spread = m * n * events * (total - events)
    if (total < 2).any() or spread.sum() == 0:
        return Undefined("no stratum varies in both group and outcome")
    found = _table(a, m, c, n).test_null_odds(correction=corrected)
    name = "Cochran-Mantel-Haenszel" + (", continuity-corrected" if corrected else "")
    return TestResult(float(found.statistic), float(found.pvalue), name)


def _breslow_day(a: FloatArray, m: FloatArray, c: FloatArray, n: FloatArray) -> TestResult | Undefined:
    informative = (a + c > 0) & (a + c < m + n)
    if informative.sum() < 2 or isinstance(_odds_ratio(a, m, c, n, 0.95)[0], Undefined):
        return Undefined("the Breslow-Day test needs two strata that vary in the outcome")
    table = _table(*(values[informative] for values in (a, m, c, n)))
    found = table.test_equal_odds(adjust=False)
    return TestResult(float(found.statistic), float(found.pvalue), "Breslow-Day")


def _table(a: FloatArray, m: FloatArray, c: FloatArray, n: FloatArray) -> StratifiedTable:
    return StratifiedTable(np.array([[a, m - a], [c, n - c]]))
