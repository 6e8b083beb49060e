"""Two binary tests on the same patients: predictive values and likelihood ratios, which McNemar cannot compare.

Sources: Leisenring, Alonzo & Pepe, Biometrics 2000;56:345 (generalised score). Kosinski, Stat Med 2013;32:964
(weighted generalised score). Moskowitz & Pepe, Clin Trials 2006;3:272 (relative predictive values). Gu & Pepe, Int
J Biostat 2009;5:27 (likelihood ratios).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from audit.records import FloatArray, Interval, Undefined
from audit.statistics.checks import normal_quantile, two_sided_p
from audit.statistics.differences import TestResult
from audit.statistics.differences_paired import PairedTable, mcnemar

CELLS = np.array([[1, 1], [1, 0], [0, 1], [0, 0]], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class PairedDiagnostic:
    """Both tests' results in patients with and without the condition."""

    diseased: PairedTable
    non_diseased: PairedTable


@dataclass(frozen=True, slots=True)
class PairedRatio:
    """Ratio of a quantity of the first test to that of the second, with log-scale interval, z and two-sided p."""

    first: float
    second: float
    ratio: float
    interval: Interval
    z: float
    p: float


@dataclass(frozen=True, slots=True)
class _Rows:
    """The eight distinct patients: results of both tests (8, 2), condition (8,), how often each occurs (8,)."""

    result: FloatArray
    diseased: FloatArray
    count: FloatArray

    def predictive(self, positive: bool) -> tuple[FloatArray, FloatArray]:
        """Results oriented so that 1 is the result in question, and whether that result is right."""
        return (self.result, self.diseased) if positive else (1 - self.result, 1 - self.diseased)


def _rows(tables: PairedDiagnostic) -> _Rows:
    counts = [
        [table.both, table.first_only, table.second_only, table.neither]
        for table in (tables.diseased, tables.non_diseased)
    ]
    return _Rows(np.vstack([CELLS, CELLS]), np.repeat([1.0, 0.0], 4), np.array(counts, dtype=np.float64).ravel())


def predictive_values(tables: PairedDiagnostic, positive: bool = True) -> tuple[float, float] | Undefined:
    """PPV (or with ``positive`` false NPV) of the first and the second test in this sample."""
    rows = _rows(tables)
    called, right = rows.predictive(positive)
    totals = rows.count @ called
    if (totals == 0).any():
        return Undefined("one of the tests never gives this result")
    first, second = (rows.count * right) @ called / totals
    return float(first), float(second)


def generalized_score(tables: PairedDiagnostic, positive: bool = True) -> TestResult | Undefined:
    """Leisenring's score test (chi-square, one df) of equal predictive values."""
    rows = _rows(tables)
    called, right = rows.predictive(positive)
    totals = rows.count @ called
    if (totals == 0).any():
        return Undefined("one of the tests never gives this result")
    first_share = float(totals[0] / totals.sum())
    pooled = float((rows.count * right) @ called.sum(axis=1) / totals.sum())
    weight = called[:, 0] * (1 - first_share) - called[:, 1] * first_share
    numerator = float((rows.count * right) @ weight) ** 2
    denominator = float(rows.count @ np.square((right - pooled) * weight))
    return _chi_square(numerator, denominator, "generalised score")


def weighted_generalized_score(tables: PairedDiagnostic, positive: bool = True) -> TestResult | Undefined:
    """Kosinski's weighted score test (chi-square, one df) of equal predictive values; the default."""
    values = predictive_values(tables, positive)
    if isinstance(values, Undefined):
        return values
    rows = _rows(tables)
    called, right = rows.predictive(positive)
    totals = rows.count @ called
    pooled = float((rows.count * right) @ called.sum(axis=1) / totals.sum())
    shared = called.prod(axis=1)
    covariance = float((rows.count * shared) @ np.square(right - pooled)) / float(totals.sum())
    denominator = (pooled * (1 - pooled) - 2 * covariance) * float((1 / totals).sum())
    return _chi_square((values[0] - values[1]) ** 2, denominator, "weighted generalised score")


def relative_predictive_value(
    tables: PairedDiagnostic, positive: bool = True, confidence: float = 0.95
) -> PairedRatio | Undefined:
    """Ratio of the predictive values, first over second, variance by the delta method over patients."""
    values = predictive_values(tables, positive)
    if isinstance(values, Undefined):
        return values
    if 0.0 in values:
        return Undefined("one of the predictive values is zero, the ratio has no log interval")
    rows = _rows(tables)
    called, right = rows.predictive(positive)
    totals = rows.count @ called
    influence = sum(
        sign * called[:, k] * (right - values[k]) / (values[k] * totals[k]) for k, sign in ((0, 1), (1, -1))
    )
    return _ratio(values, np.asarray(influence), rows.count, confidence, "relative predictive value, log")


def likelihood_ratio_comparison(
    tables: PairedDiagnostic, positive: bool = True, confidence: float = 0.95
) -> PairedRatio | Undefined:
    """Ratio of the positive (or negative) likelihood ratios, first over second, as in likelihood-ratio regression."""
    rows = _rows(tables)
    called = rows.result if positive else 1 - rows.result
    sick, well = rows.count * rows.diseased, rows.count * (1 - rows.diseased)
    if sick.sum() == 0 or well.sum() == 0:
        return Undefined("no positive or no negative cases")
    in_sick, in_well = sick @ called / sick.sum(), well @ called / well.sum()
    if (in_sick == 0).any() or (in_well == 0).any():
        return Undefined("a test never gives this result in one class, the ratio has no log interval")
    influence = np.zeros(8)
    for k, sign in ((0, 1), (1, -1)):
        influence += sign * rows.diseased * (called[:, k] - in_sick[k]) / (in_sick[k] * sick.sum())
        influence -= sign * (1 - rows.diseased) * (called[:, k] - in_well[k]) / (in_well[k] * well.sum())
    ratios = float(in_sick[0] / in_well[0]), float(in_sick[1] / in_well[1])
    return _ratio(ratios, influence, rows.count, confidence, "ratio of likelihood ratios, log")


def joint_sensitivity_specificity(tables: PairedDiagnostic) -> TestResult | Undefined:
    """Chi-square with two df that both sensitivity and specificity are equal: the sum of the two McNemar tests."""
    first, second = mcnemar(tables.diseased), mcnemar(tables.non_diseased)
    if isinstance(first, Undefined) or isinstance(second, Undefined):
        return Undefined("no discordant pairs in one of the classes")
    chi2 = first.statistic + second.statistic
    return TestResult(chi2, float(stats.chi2.sf(chi2, 2)), "joint McNemar, 2 df")


def _chi_square(numerator: float, denominator: float, name: str) -> TestResult | Undefined:
    if denominator <= 0:
        return Undefined("the two tests never disagree on this result")
    chi2 = numerator / denominator
    return TestResult(chi2, float(stats.chi2.sf(chi2, 1)), name)


def _ratio(
    values: tuple[float, float], influence: FloatArray, count: FloatArray, confidence: float, name: str
) -> PairedRatio | Undefined:
    error = math.sqrt(float(count @ np.square(influence)))
    if error == 0:
        return Undefined("the two tests never disagree on this result")
    log_ratio = math.log(values[0] / values[1])
    half = normal_quantile(confidence) * error
    limits = Interval(math.exp(log_ratio - half), math.exp(log_ratio + half), name, confidence)
    z = log_ratio / error
    return PairedRatio(values[0], values[1], values[0] / values[1], limits, z, two_sided_p(z))
