"""Quantities read off the FROC or precision curve of these very cases: resampled over patients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from audit.measures.marked import lesion_sizes, marks_of
from audit.measures.measure import Both, Counts
from audit.records import BoolArray, FloatArray, IntArray, Interval, Rows, Undefined
from audit.statistics.froc import Marks

Replicates = Callable[[Counts, IntArray, Marks], FloatArray]
FEWEST_PATIENTS = 30


@dataclass(frozen=True, slots=True)
class ReadOff:
    """``replicates`` of marks; the value is that of the resample in which every patient is drawn once.

    Its threshold comes from the cases themselves, so that no interval of a proportion holds; the patient bootstrap
    carries that variance. Undefined without lesions.
    """

    replicates: Replicates
    analytic: ClassVar[bool] = False
    analytic_differences: ClassVar[tuple[str, ...]] = ()
    shortcut: ClassVar[str] = ""
    fewest_patients: ClassVar[int] = FEWEST_PATIENTS

    def point(self, rows: Rows) -> float | Undefined:
        once = np.ones((1, 1 + int(rows.patient.max())), dtype=np.uint8)
        value = float(self.replicates(once, rows.patient, marks_of(rows))[0])
        return Undefined("no lesions") if np.isnan(value) else value

    def interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None:  # noqa: ARG002
        return None

    def both(self, rows: Rows, confidence: float) -> Both:
        return self.point(rows), self.interval(rows, confidence)

    def goal_interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None:
        return self.interval(rows, confidence)

    def difference(self, first: Rows, second: Rows, confidence: float, paired: bool) -> Interval | Undefined:  # noqa: ARG002
        return Undefined("a difference of values read off curves is resampled")

    def varies(self, rows: Rows) -> bool:  # noqa: ARG002
        return True

    def replicates_of_many(self, asked: Sequence[Rows], counts: Counts) -> list[FloatArray]:
        return [self.replicates(counts, rows.patient, marks_of(rows)) for rows in asked]

    def denominators(self, rows: Rows) -> dict[str, int]:
        return lesion_sizes(rows)

    def contributes(self, rows: Rows) -> BoolArray:
        return np.ones(len(rows), dtype=np.bool_)
