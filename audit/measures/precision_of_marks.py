"""Average precision of marks: the estimator behind both rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audit.measures.marked import LESIONS, lesion_sizes, marks_of
from audit.measures.measure import Counts
from audit.measures.smooth import METHOD, Smooth
from audit.records import FloatArray, Interval, Rows, Undefined
from audit.statistics.froc_curves import (
    PrecisionRule,
    average_precision,
    precision_influence,
    precision_replicates,
)
from audit.statistics.influence import influence_error, logit_scale, scaled_interval


@dataclass(frozen=True, slots=True)
class _OfLesions(Smooth):
    """Lesions are the denominator, and patients with lesions - 1 the degrees of freedom; other cases may be absent."""

    def point(self, rows: Rows) -> float | Undefined:
        return self.value(rows)

    def _linearised(self, rows: Rows, value: float, confidence: float) -> Interval | Undefined:
        error = influence_error(self.influence(rows), rows.patient)
        if isinstance(error, Undefined):
            return error
        df = lesion_sizes(rows)[f"patients with {LESIONS}"] - 1
        return scaled_interval(value, error, self.scale, confidence, max(df, 1), METHOD)

    def replicates_of_many(self, asked: Sequence[Rows], counts: Counts) -> list[FloatArray]:
        return self.resample(asked, counts)

    def goal_interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None:
        return self.interval(rows, confidence)

    def denominators(self, rows: Rows) -> dict[str, int]:
        return lesion_sizes(rows)


def precision_by(rule: PrecisionRule) -> Smooth:
    """The estimator of the average precision by ``rule``; undefined without lesions."""

    def value(rows: Rows) -> float | Undefined:
        return average_precision(marks_of(rows), rule)

    def influence(rows: Rows) -> FloatArray:
        return precision_influence(marks_of(rows))

    def resample(asked: Sequence[Rows], counts: Counts) -> list[FloatArray]:
        return [np.asarray(precision_replicates(counts, rows.patient, marks_of(rows), rule)) for rows in asked]

    return _OfLesions(value, influence, resample, logit_scale(0.0, 1.0))
