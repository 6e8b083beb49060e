"""Agreement of measurements: Bland-Altman limits, intraclass and concordance correlation.

Sources: Bland & Altman, Lancet 1986;327:307 and Stat Methods Med Res 1999;8:135. Shrout & Fleiss, Psychol Bull
1979;86:420. McGraw & Wong, Psychol Methods 1996;1:30. Lin, Biometrics 1989;45:255.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from audit.records import BadInput, FloatArray, Interval, Undefined
from audit.statistics.checks import finite_vector, same_length, t_quantile

LIMITS_MULTIPLIER = 1.96
IccModel = Literal["1", "2", "3"]
AverageLimits = Literal["McGraw-Wong", "irr"]


@dataclass(frozen=True, slots=True)
class BlandAltman:
    """Differences, first minus second, in the unit of the measurement.

    ``within_sd`` and ``repeatability`` (1.96 sqrt(2) within_sd) treat the two columns as repeats of one method;
    ``proportional_slope`` is that of the difference on the mean, with its two-sided p.
    """

    n: int
    bias: float
    sd: float
    lower: float
    upper: float
    bias_interval: Interval
    lower_interval: Interval
    upper_interval: Interval
    proportional_slope: float | Undefined
    proportional_p: float | Undefined
    within_sd: float
    repeatability: float


@dataclass(frozen=True, slots=True)
class IntraclassCorrelation:
    """An intraclass correlation with F-based limits; ``form`` as in Shrout & Fleiss, for example ``(2,1)``."""

    value: float
    interval: Interval
    form: str


def bland_altman(
    first: ArrayLike,
    second: ArrayLike,
    confidence: float = 0.95,
    multiplier: float = LIMITS_MULTIPLIER,
    limits_error: Literal["1999", "1986"] = "1999",
) -> BlandAltman | Undefined:
    """Bias and limits of agreement (bias +/- ``multiplier`` SD) with t intervals of all three.

    ``limits_error``: standard error of a limit after Bland & Altman 1999, or the 1986 rule sqrt(3/n) SD. Undefined
    with fewer than three pairs.
    """
    a, b = _pair(first, second)
    n = a.size
    if n < 3:
        return Undefined("limits of agreement need at least three pairs")
    difference = a - b
    bias, sd = float(difference.mean()), float(difference.std(ddof=1))
    t = t_quantile(confidence, n - 1)
    share = 3 / n if limits_error == "1986" else 1 / n + multiplier**2 / (2 * (n - 1))
    lower, upper = bias - multiplier * sd, bias + multiplier * sd
    half = t * sd * math.sqrt(share)
    slope, p = _proportional((a + b) / 2, difference)
    within = math.sqrt(float(np.square(difference).mean()) / 2)
    return BlandAltman(
        n=n,
        bias=bias,
        sd=sd,
        lower=lower,
        upper=upper,
        bias_interval=_around(bias, t * sd / math.sqrt(n), confidence, "t"),
        lower_interval=_around(lower, half, confidence, f"t, {limits_error}"),
        upper_interval=_around(upper, half, confidence, f"t, {limits_error}"),
        proportional_slope=slope,
        proportional_p=p,
        within_sd=within,
        repeatability=LIMITS_MULTIPLIER * math.sqrt(2) * within,
    )


def concordance(first: ArrayLike, second: ArrayLike) -> float | Undefined:
    """Lin's concordance correlation, 1/n moments; undefined without variation."""
    a, b = _pair(first, second)
    spread = float(a.var() + b.var() + (a.mean() - b.mean()) ** 2) if a.size else 0.0
    if spread == 0:
        return Undefined("the measurements do not vary")
    return 2 * float(np.mean((a - a.mean()) * (b - b.mean()))) / spread


def pearson(first: ArrayLike, second: ArrayLike) -> float | Undefined:
    """Product-moment correlation, which is not agreement; undefined without variation or below two pairs."""
    a, b = _pair(first, second)
    if a.size < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return Undefined("a correlation needs two pairs and variation in both measurements")
    return float(np.corrcoef(a, b)[0, 1])


def root_mean_square_error(first: ArrayLike, second: ArrayLike) -> float | Undefined:
    """Root of the mean squared difference."""
    a, b = _pair(first, second)
    return math.sqrt(float(np.square(a - b).mean())) if a.size else Undefined("no pairs")


def mean_absolute_error(first: ArrayLike, second: ArrayLike) -> float | Undefined:
    """Mean absolute difference."""
    a, b = _pair(first, second)
    return float(np.abs(a - b).mean()) if a.size else Undefined("no pairs")


def intraclass_correlation(
    ratings: ArrayLike,
    model: IccModel = "2",
    average: bool = False,
    confidence: float = 0.95,
    average_limits: AverageLimits = "McGraw-Wong",
) -> IntraclassCorrelation | Undefined:
    """ICC of complete ratings (cases x raters): model 1 one-way, 2 two-way random (agreement), 3 two-way mixed.

    ``average``: reliability of the mean of all raters instead of one. The limits of (2,k) follow McGraw & Wong (as R
    psych, the limits of (2,1) stepped up) or R irr, which puts the averaged coefficient into the df of the single
    one. Undefined below two cases or raters or when nothing varies; it depends on the spread of the cases, so
    compare it only between similar populations.
    """
    table = _ratings(ratings)
    if min(table.shape) < 2:
        return Undefined("an intraclass correlation needs two cases and two raters")
    squares = _MeanSquares.of(table)
    if squares.rows == 0 or (squares.error == 0 and model != "1") or (model == "1" and squares.within == 0):
        return Undefined("cases or raters do not vary, the F-based limits do not exist")
    if model == "2":
        value, low, high = _two_way_random(squares, average, confidence, average_limits)
    else:
        value, low, high = (_one_way if model == "1" else _two_way_mixed)(squares, average, confidence)
    form = f"({model},{'k' if average else '1'})"
    name = f"ICC{form}, F" + (", R irr" if average and model == "2" and average_limits == "irr" else "")
    return IntraclassCorrelation(value, Interval(low, high, name, confidence), form)


@dataclass(frozen=True, slots=True)
class _MeanSquares:
    n: int
    k: int
    rows: float
    columns: float
    error: float
    within: float

    @staticmethod
    def of(table: FloatArray) -> _MeanSquares:
        n, k = table.shape
        grand = float(table.mean())
        rows = k * float(np.square(table.mean(axis=1) - grand).sum())
        columns = n * float(np.square(table.mean(axis=0) - grand).sum())
        within = float(np.square(table - table.mean(axis=1, keepdims=True)).sum())
        error = max(within - columns, 0.0)
        error = 0.0 if error <= 1e-12 * (rows + within) else error
        return _MeanSquares(
            n, k, rows / (n - 1), columns / (k - 1), error / ((n - 1) * (k - 1)), within / (n * (k - 1))
        )


def _one_way(ms: _MeanSquares, average: bool, confidence: float) -> tuple[float, float, float]:
    return _fixed_form(ms.rows / ms.within, ms.n - 1, ms.n * (ms.k - 1), 1 if average else ms.k, confidence)


def _two_way_mixed(ms: _MeanSquares, average: bool, confidence: float) -> tuple[float, float, float]:
    df = (ms.n - 1) * (ms.k - 1)
    return _fixed_form(ms.rows / ms.error, ms.n - 1, df, 1 if average else ms.k, confidence)


def _fixed_form(f: float, df1: int, df2: int, size: int, confidence: float) -> tuple[float, float, float]:
    """Value and limits of (F - 1)/(F + k - 1) for single, (F - 1)/F for average ratings."""
    tail = 0.5 + confidence / 2
    bounds = f, f / float(stats.f.ppf(tail, df1, df2)), f * float(stats.f.ppf(tail, df2, df1))
    value, low, high = ((one - 1) / (one + size - 1) for one in bounds)
    return value, low, high


def _two_way_random(
    ms: _MeanSquares, average: bool, confidence: float, rule: AverageLimits
) -> tuple[float, float, float]:
    n, k = ms.n, ms.k
    if average:
        value = (ms.rows - ms.error) / (ms.rows + (ms.columns - ms.error) / n)
        a, rest = value / (n * (1 - value)) * (k if rule == "irr" else 1), ms.columns - ms.error
    else:
        value = (ms.rows - ms.error) / (ms.rows + (k - 1) * ms.error + k * (ms.columns - ms.error) / n)
        a, rest = k * value / (n * (1 - value)), k * ms.columns + (k * n - k - n) * ms.error
    b = 1 + a * (n - 1)
    df = (a * ms.columns + b * ms.error) ** 2 / (
        (a * ms.columns) ** 2 / (k - 1) + (b * ms.error) ** 2 / ((n - 1) * (k - 1))
    )
    tail = 0.5 + confidence / 2
    f_low, f_high = float(stats.f.ppf(tail, n - 1, df)), float(stats.f.ppf(tail, df, n - 1))
    low = n * (ms.rows - f_low * ms.error) / (f_low * rest + n * ms.rows)
    high = n * (f_high * ms.rows - ms.error) / (rest + n * f_high * ms.rows)
    return value, low, high


def _proportional(mean: FloatArray, difference: FloatArray) -> tuple[float | Undefined, float | Undefined]:
    if np.ptp(mean) == 0:
        reason = Undefined("the pair means do not vary")
        return reason, reason
    found = stats.linregress(mean, difference)
    return float(found.slope), float(found.pvalue)


def _around(centre: float, half: float, confidence: float, method: str) -> Interval:
    return Interval(centre - half, centre + half, f"Bland-Altman, {method}", confidence)


def _pair(first: ArrayLike, second: ArrayLike) -> tuple[FloatArray, FloatArray]:
    a, b = finite_vector(first, "first"), finite_vector(second, "second")
    same_length(first=a, second=b)
    return a, b


def _ratings(ratings: ArrayLike) -> FloatArray:
    table = np.asarray(ratings, dtype=np.float64)
    if table.ndim != 2 or not np.isfinite(table).all():
        raise BadInput("ratings must be a complete table of numbers, cases x raters.")
    return table
