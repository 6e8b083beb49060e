"""Proportions of cases that are clustered in patients (lesions, slices, breasts): the patient is the unit.

Sources: Rao & Scott, Biometrics 1992;48:577 (ratio estimator, adjusted tables). Saha, Miller & Wang, Int J Biostat
2016;12:1 (Wilson interval with ICC-based inflation).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.special import expit, logit

from audit.records import BadInput, FloatArray, Interval, Undefined
from audit.statistics.checks import finite_vector, normal_quantile, same_length, t_quantile
from audit.statistics.linearised import ratio_error
from audit.statistics.proportions import NO_CASES, score_interval, wilson

ClusteredMethod = Literal["auto", "logit-t", "logit", "wald", "wilson"]


@dataclass(frozen=True, slots=True)
class ClusteredProportion:
    """Events over cases with patients as clusters.

    ``standard_error`` is the ratio (linearisation) estimator, ``design_effect`` its square over the binomial
    variance, ``icc`` the analysis-of-variance intraclass correlation; each undefined where the patients do not
    determine it.
    """

    value: float
    standard_error: float | Undefined
    design_effect: float | Undefined
    icc: float | Undefined
    interval: Interval | Undefined
    n_cases: int
    n_patients: int


def clustered_proportion(
    events: ArrayLike,
    cases: ArrayLike,
    confidence: float = 0.95,
    method: ClusteredMethod = "auto",
    floor: bool = True,
) -> ClusteredProportion | Undefined:
    """Proportion of events with an interval over patients; ``events`` and ``cases`` hold one count per patient.

    ``auto`` is Wilson's interval when every patient has one case, else ``logit-t`` (logit scale, Student t on
    patients - 1 df); where the ratio variance is zero it is Wilson's on the number of patients, flagged. ``wilson``
    inflates by the ICC; ``floor`` keeps that inflation at 1 or more. Patients without cases do not count; undefined
    without cases.
    """
    x, n = _patient_counts(events, cases)
    if not n.size:
        return NO_CASES
    total, value = float(n.sum()), float(x.sum() / n.sum())
    error = ratio_error(x, n)
    binomial = value * (1 - value) / total
    effect: float | Undefined = Undefined("no variation between cases")
    if not isinstance(error, Undefined) and binomial > 0:
        effect = error**2 / binomial
    icc = anova_icc(x, n)
    interval = _interval(x, n, value, error, icc, confidence, method, floor)
    return ClusteredProportion(value, error, effect, icc, interval, int(total), int(n.size))


def anova_icc(events: ArrayLike, cases: ArrayLike) -> float | Undefined:
    """Intraclass correlation of a binary outcome by one-way analysis of variance; may be negative.

    Undefined with fewer than two patients, without a patient of several cases, or without variation.
    """
    x, n = _patient_counts(events, cases)
    k, total = n.size, float(n.sum())
    if k < 2 or total == k:
        return Undefined("the intraclass correlation needs two patients and one with several cases")
    squares = float((x * x / n).sum())
    between = (squares - float(x.sum()) ** 2 / total) / (k - 1)
    within = (float(x.sum()) - squares) / (total - k)
    typical = (total - float((n * n).sum()) / total) / (k - 1)
    spread = between + (typical - 1) * within
    return (between - within) / spread if spread > 0 else Undefined("no variation between cases")


def inflation_factor(cases: ArrayLike, icc: float) -> float:
    """Variance inflation 1 + (size-weighted mean cluster size - 1) ICC."""
    n = finite_vector(cases, "cases")
    return 1 + (float((n * n).sum() / n.sum()) - 1) * icc


def rao_scott_homogeneity(
    events: tuple[ArrayLike, ...], cases: tuple[ArrayLike, ...]
) -> tuple[float, int, float] | Undefined:
    """Chi-square, df and p of equal proportions in several groups of patients, counts divided by the design effects.

    One array of counts per patient for each group. Undefined when a group has fewer than two patients with cases, or
    all cases or none are events.
    """
    adjusted = []
    for group_events, group_cases in zip(events, cases, strict=True):
        x, n = _patient_counts(group_events, group_cases)
        value = float(x.sum() / n.sum()) if n.size else 0.0
        error = ratio_error(x, n) if n.size else NO_CASES
        if isinstance(error, Undefined):
            return error
        binomial = value * (1 - value) / float(n.sum())
        effect = error**2 / binomial if binomial > 0 else 1.0
        adjusted.append((float(x.sum()) / effect, float(n.sum() / effect)))
    table = np.array(adjusted)
    overall = float(table[:, 0].sum() / table[:, 1].sum())
    if overall in (0.0, 1.0):
        return Undefined("all cases or none are events")
    chi2 = float((np.square(table[:, 0] - table[:, 1] * overall) / table[:, 1]).sum() / (overall * (1 - overall)))
    df = len(adjusted) - 1
    return chi2, df, float(stats.chi2.sf(chi2, df))


def _patient_counts(events: ArrayLike, cases: ArrayLike) -> tuple[FloatArray, FloatArray]:
    x, n = finite_vector(events, "events"), finite_vector(cases, "cases")
    same_length(events=x, cases=n)
    if (x < 0).any() or (x > n).any():
        raise BadInput("each patient needs 0 <= events <= cases.")
    return x[n > 0], n[n > 0]


def _interval(
    x: FloatArray,
    n: FloatArray,
    value: float,
    error: float | Undefined,
    icc: float | Undefined,
    confidence: float,
    method: ClusteredMethod,
    floor: bool,
) -> Interval | Undefined:
    if method == "auto" and bool((n == 1).all()):
        return wilson(int(x.sum()), int(n.sum()), confidence)
    if isinstance(error, Undefined):
        return error
    if method == "wilson":
        return _inflated_wilson(n, value, icc, confidence, floor)
    if error == 0:
        return score_interval(value, n.size, confidence, "Wilson on patients (clustered variance is zero)")
    if method == "wald":
        half = normal_quantile(confidence) * error
        return Interval(max(value - half, 0.0), min(value + half, 1.0), "ratio estimator, Wald", confidence)
    df = math.inf if method == "logit" else n.size - 1
    half = t_quantile(confidence, df) * error / (value * (1 - value))
    name = "ratio estimator over patients, logit" + ("" if method == "logit" else ", t")
    centre = float(logit(value))
    return Interval(float(expit(centre - half)), float(expit(centre + half)), name, confidence)


def _inflated_wilson(
    n: FloatArray, value: float, icc: float | Undefined, confidence: float, floor: bool
) -> Interval | Undefined:
    if isinstance(icc, Undefined):
        return icc
    factor = inflation_factor(n, icc)
    name = "Wilson, inflated by the intraclass correlation"
    if floor and factor < 1:
        factor, name = 1.0, "Wilson (intraclass correlation negative, design effect floored at 1)"
    return score_interval(value, float(n.sum()) / factor, confidence, name)
