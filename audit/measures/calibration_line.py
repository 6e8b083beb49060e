"""The recalibration model, logit P(outcome) = intercept + slope logit(score), and its bootstrap.

Sources: Cox, Biometrika 1958;45:562; Van Calster et al., BMC Med 2019;17:230. Liang & Zeger, Biometrika 1986;73:13
(sandwich over patients, which also holds where the model does not). Each resample takes one Newton step from the
full-sample fit: Andrews, Econometrica 2002;70:119 (k-step bootstrap).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import expit, logit

from audit.measures.counting import class_sizes
from audit.measures.measure import Both, Counts
from audit.measures.probability import not_probabilities
from audit.records import BoolArray, FloatArray, Interval, Rows, Undefined
from audit.statistics.linearised import interval_of_contributions
from audit.statistics.resampling import ratio_replicates, sums_by_patient

TERMS = 7
METHOD = "sandwich over patients, t"
Fit = Callable[[Rows], tuple[float, float] | Undefined]


@dataclass(frozen=True, slots=True)
class Recalibration:
    """One coefficient of the model: the slope, or with ``fixed_slope`` (held at 1) the intercept.

    ``fit`` gives intercept and slope. The interval is Wald's with the sandwich over patients and Student's t on the
    patients of the rarer class - 1; that of a difference takes the same errors, shared patients counted once.
    Undefined when a class is empty, a score is not a probability or is exactly 0 or 1, or the scores separate the
    classes.
    """

    fit: Fit
    fixed_slope: bool
    analytic: ClassVar[bool] = True
    analytic_differences: ClassVar[tuple[str, ...]] = ("contrast", "change")
    shortcut: ClassVar[str] = "one Newton step each"
    fewest_patients: ClassVar[int] = 0

    def point(self, rows: Rows) -> float | Undefined:
        found = not_probabilities(rows) or self.fit(rows)
        return found if isinstance(found, Undefined) else self._value(found)

    def interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None:
        return self.both(rows, confidence)[1]

    def both(self, rows: Rows, confidence: float) -> Both:
        found = not_probabilities(rows) or self.fit(rows)
        if isinstance(found, Undefined):
            return found, found
        value, moved = self._value(found), self._contributions(rows, found, 1 + int(rows.patient.max()))
        return value, interval_of_contributions(value, moved, confidence, _df(rows), METHOD)

    def goal_interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None:
        return self.interval(rows, confidence)

    def difference(self, first: Rows, second: Rows, confidence: float, paired: bool) -> Interval | Undefined:  # noqa: ARG002
        """Of two versions, or of two groups, on the patients of both; df of the smaller side."""
        one, other = self.fit(first), self.fit(second)
        if isinstance(one, Undefined) or isinstance(other, Undefined):
            return one if isinstance(one, Undefined) else Undefined("a side has no fit")
        n = 1 + max(int(rows.patient.max()) for rows in (first, second))
        moved = self._contributions(first, one, n) - self._contributions(second, other, n)
        df = min(_df(first), _df(second))
        return interval_of_contributions(self._value(one) - self._value(other), moved, confidence, df, METHOD)

    def varies(self, rows: Rows) -> bool:  # noqa: ARG002
        return True

    def _value(self, fit: tuple[float, float]) -> float:
        return fit[0] if self.fixed_slope else fit[1]

    def _contributions(self, rows: Rows, fit: tuple[float, float], n_patients: int) -> FloatArray:
        """What each patient adds to the error of the coefficient, to first order."""
        sums = sums_by_patient(_terms(rows, *fit), rows.patient, n_patients)
        _, _, weight, weight_x, weight_xx, *_ = sums.sum(axis=0)
        k = rows.n_patients
        factor = math.sqrt(k / max(k - 1, 1))
        if self.fixed_slope:
            return np.asarray(factor * sums[:, 0] / weight)
        of_slope = weight * sums[:, 1] - weight_x * sums[:, 0]
        return np.asarray(factor * of_slope / (weight * weight_xx - weight_x**2))

    def replicates_of_many(self, asked: Sequence[Rows], counts: Counts) -> list[FloatArray]:
        """Replicates for several sets of rows from one product with the resample counts."""
        fits = [not_probabilities(rows) or self.fit(rows) for rows in asked]
        terms = [
            np.zeros((counts.shape[1], TERMS))
            if isinstance(fit, Undefined)
            else sums_by_patient(_terms(rows, *fit), rows.patient, counts.shape[1])
            for rows, fit in zip(asked, fits, strict=True)
        ]
        stacked = np.hstack(terms)
        means = ratio_replicates(counts, stacked, np.ones_like(stacked))
        parts = [means[:, i : i + TERMS] for i in range(0, means.shape[1], TERMS)]
        return [self._stepped(part, fit) for part, fit in zip(parts, fits, strict=True)]

    def _stepped(self, means: FloatArray, fit: tuple[float, float] | Undefined) -> FloatArray:
        if isinstance(fit, Undefined):
            return np.full(len(means), np.nan)
        steps = _offset_step(means) if self.fixed_slope else _slope_step(means)
        return np.where((means[:, 5] > 0) & (means[:, 6] > 0), self._value(fit) + steps, np.nan)

    def denominators(self, rows: Rows) -> dict[str, int]:
        return class_sizes(rows)

    def contributes(self, rows: Rows) -> BoolArray:
        return np.ones(len(rows), dtype=np.bool_)


def _df(rows: Rows) -> int:
    return max(min(n for what, n in class_sizes(rows).items() if what.startswith("patients")) - 1, 1)


def _terms(rows: Rows, intercept: float, slope: float) -> FloatArray:
    """Score and information of the logistic likelihood per case at the full-sample fit, then the two classes."""
    x, y = logit(rows.columns["score"]), rows.columns["reference"]
    expected = expit(intercept + slope * x)
    residual, weight = y - expected, expected * (1.0 - expected)
    return np.column_stack([residual, residual * x, weight, weight * x, weight * x * x, y, 1.0 - y])


def _offset_step(means: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(means[:, 0] / means[:, 2])


def _slope_step(means: FloatArray) -> FloatArray:
    residual, slope_residual, weight, weight_x, weight_xx = means[:, :5].T
    with np.errstate(divide="ignore", invalid="ignore"):
        step = (weight * slope_residual - weight_x * residual) / (weight * weight_xx - weight_x**2)
    return np.where(np.isfinite(step), step, np.nan)
