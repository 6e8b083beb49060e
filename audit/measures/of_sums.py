"""Measures that are a smooth function of sums over cases: limits of agreement, intraclass correlation, kappa."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from audit.measures.counting import one_case_per_patient, sizes
from audit.measures.measure import Both, Counts
from audit.records import BoolArray, FloatArray, Interval, Rows, Undefined
from audit.statistics.jackknife import jackknife_difference, jackknife_error, jackknife_interval
from audit.statistics.resampling import resampled_sums, sums_by_patient

Terms = Callable[[Rows], FloatArray]
Value = Callable[[FloatArray], FloatArray]
Published = Callable[[Rows, float], Interval | Undefined]


def _every(rows: Rows) -> BoolArray:
    return np.ones(len(rows), dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class OfSums:
    """``value`` of the sums of ``terms``, (cases, k), over the cases that are ``counted``.

    ``without`` says why there is no value. ``published`` is the interval of the literature for independent cases; it
    answers where ``independent`` says so (one case per patient), else a jackknife over patients with Student's t.
    Differences take the jackknife. ``bounds``: the measure's range.
    """

    terms: Terms
    value: Value
    counted: str
    without: str
    published: Published | None = None
    independent: Callable[[Rows], bool] = one_case_per_patient
    contributing: Callable[[Rows], BoolArray] = _every
    bounds: tuple[float, float] = (-math.inf, math.inf)
    fewest_patients: int = 0
    analytic: ClassVar[bool] = True
    analytic_differences: ClassVar[tuple[str, ...]] = ("contrast", "change")
    shortcut: ClassVar[str] = ""

    def point(self, rows: Rows) -> float | Undefined:
        found = float(self.value(self.terms(rows).sum(axis=0)))
        return found if math.isfinite(found) else Undefined(self.without)

    def interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None:
        if isinstance(self.point(rows), Undefined):
            return Undefined(self.without)
        if self.published is not None and self.independent(rows):
            return self.published(rows, confidence)
        return jackknife_interval(self.value, self._sums(rows), confidence, self.bounds)

    def both(self, rows: Rows, confidence: float) -> Both:
        return self.point(rows), self.interval(rows, confidence)

    def goal_interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None:
        return self.interval(rows, confidence)

    def difference(self, first: Rows, second: Rows, confidence: float, paired: bool) -> Interval | Undefined:  # noqa: ARG002
        n_patients = 1 + max(int(rows.patient.max()) for rows in (first, second))
        sums = [self._sums(rows, n_patients) for rows in (first, second)]
        return jackknife_difference(self.value, sums[0], sums[1], confidence)

    def varies(self, rows: Rows) -> bool:
        return jackknife_error(self.value, self._sums(rows)) != 0

    def _sums(self, rows: Rows, n_patients: int | None = None) -> FloatArray:
        size = 1 + int(rows.patient.max()) if n_patients is None else n_patients
        return sums_by_patient(self.terms(rows), rows.patient, size)

    def replicates_of_many(self, asked: Sequence[Rows], counts: Counts) -> list[FloatArray]:
        """Set by set: the sums of a kappa of many grades are wide."""
        found = [self.value(resampled_sums(counts, self._sums(rows, counts.shape[1]))) for rows in asked]
        return [np.where(np.isfinite(values), values, np.nan) for values in found]

    def denominators(self, rows: Rows) -> dict[str, int]:
        return sizes(rows, self.contributes(rows), self.counted)

    def contributes(self, rows: Rows) -> BoolArray:
        return self.contributing(rows)
