"""Measures that are smooth functions of the weights of the cases: one interval for all, from influence values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from audit.measures.counting import class_sizes
from audit.measures.measure import Both, Counts
from audit.records import BoolArray, FloatArray, Interval, Rows, Undefined
from audit.statistics.influence import (
    Scale,
    dependent_difference,
    influence_error,
    patient_influence,
    scaled_interval,
)
from audit.statistics.resampling import resampled_sums, sums_by_patient

Limits = Callable[[Rows, float], Interval | Undefined | None]
METHOD = "linearised over patients"


def _no_other(_rows: Rows, _confidence: float) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Smooth:
    """``value`` of the rows, the ``influence`` of each case on it, and its replicates (``resample``).

    The interval is linearised over patients on ``scale``, with Student's t on the patients of the rarer class - 1,
    unless ``other`` gives one for these rows (a score interval where every patient has one case). ``exact`` gives the
    interval against a pass mark, where one exists. Differences recover their limits from both intervals and the
    correlation of the influences. Both classes of the reference are denominators.
    """

    value: Callable[[Rows], float | Undefined]
    influence: Callable[[Rows], FloatArray]
    resample: Callable[[Sequence[Rows], Counts], list[FloatArray]]
    scale: Scale
    other: Limits = _no_other
    exact: Limits = _no_other
    analytic: ClassVar[bool] = True
    analytic_differences: ClassVar[tuple[str, ...]] = ("contrast", "change")
    shortcut: ClassVar[str] = ""
    fewest_patients: ClassVar[int] = 0

    def point(self, rows: Rows) -> float | Undefined:
        return lacking_class(rows) or self.value(rows)

    def interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None:
        return self.both(rows, confidence)[1]

    def both(self, rows: Rows, confidence: float) -> Both:
        value = self.point(rows)
        if isinstance(value, Undefined):
            return value, value
        return value, self.other(rows, confidence) or self._linearised(rows, value, confidence)

    def _linearised(self, rows: Rows, value: float, confidence: float) -> Interval | Undefined:
        fewest = rarer_patients(rows)
        if fewest < 2:
            return Undefined("the variance needs two patients with cases of each class")
        error = influence_error(self.influence(rows), rows.patient)
        if isinstance(error, Undefined):
            return error
        return scaled_interval(value, error, self.scale, confidence, fewest - 1, METHOD)

    def goal_interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None:
        return lacking_class(rows) or self.exact(rows, confidence) or self.interval(rows, confidence)

    def difference(self, first: Rows, second: Rows, confidence: float, paired: bool) -> Interval | Undefined:  # noqa: ARG002
        """Interval of first minus second over the patients of both, who may be the same."""
        (value, interval), (other, of_other) = (self.both(rows, confidence) for rows in (first, second))
        for each in (value, other, interval, of_other):
            if isinstance(each, Undefined):
                return each
        n = 1 + max(int(rows.patient.max()) for rows in (first, second))
        influences = tuple(patient_influence(self.influence(rows), rows.patient, n) for rows in (first, second))
        return dependent_difference((value, other), (interval, of_other), influences)  # type: ignore[arg-type]

    def varies(self, rows: Rows) -> bool:  # noqa: ARG002
        return True

    def replicates_of_many(self, asked: Sequence[Rows], counts: Counts) -> list[FloatArray]:
        """Replicates, NaN where a resample lacks a class of the reference."""
        found = self.resample(asked, counts)
        classes = [np.column_stack([r := rows.columns["reference"], 1.0 - r]) for rows in asked]
        sums = [sums_by_patient(each, rows.patient, counts.shape[1]) for each, rows in zip(classes, asked, strict=True)]
        drawn = resampled_sums(counts, np.hstack(sums)).reshape(len(counts), -1, 2)
        return [np.where(drawn[:, i].min(axis=1) > 0, each, np.nan) for i, each in enumerate(found)]

    def denominators(self, rows: Rows) -> dict[str, int]:
        return class_sizes(rows)

    def contributes(self, rows: Rows) -> BoolArray:
        return np.ones(len(rows), dtype=np.bool_)


def lacking_class(rows: Rows) -> Undefined | None:
    """Why the rows lack a class of the reference, or None."""
    for what, n in class_sizes(rows).items():
        if n == 0:
            return Undefined(f"no {what}")
    return None


def rarer_patients(rows: Rows) -> int:
    """Patients with cases of the rarer class."""
    return min(n for what, n in class_sizes(rows).items() if what.startswith("patients"))
