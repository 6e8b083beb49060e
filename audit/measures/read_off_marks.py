"""Quantities read off the FROC or precision curve of these very cases: resampled over patients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from audit.measures.marked import lesion_sizes, marks_of
from audit.measures.measure import Counts
from audit.measures.resampled_only import ResampledOnly
from audit.records import FloatArray, IntArray, Rows, Undefined
from audit.statistics.froc import Marks

Replicates = Callable[[Counts, IntArray, Marks], FloatArray]


@dataclass(frozen=True, slots=True)
class ReadOff(ResampledOnly):
    """``replicates`` of marks; the value is that of the resample in which every patient is drawn once.

    Its threshold comes from the cases themselves, so that no interval of a proportion holds; the patient bootstrap
    carries that variance. Undefined without lesions.
    """

    replicates: Replicates

    def point(self, rows: Rows) -> float | Undefined:
        once = np.ones((1, 1 + int(rows.patient.max())), dtype=np.uint8)
        value = float(self.replicates(once, rows.patient, marks_of(rows))[0])
        return Undefined("no lesions") if np.isnan(value) else value

    def replicates_of_many(self, asked: Sequence[Rows], counts: Counts) -> list[FloatArray]:
        return [self.replicates(counts, rows.patient, marks_of(rows)) for rows in asked]

    def denominators(self, rows: Rows) -> dict[str, int]:
        return lesion_sizes(rows)
