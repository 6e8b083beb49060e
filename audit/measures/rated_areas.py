"""Areas over marks: one estimator for wAFROC, AFROC and inferred ROC, which differ in their units only."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from audit.measures.marked import marks_of
from audit.measures.measure import Counts
from audit.measures.smooth import Smooth
from audit.records import FloatArray, Rows, Undefined
from audit.statistics.froc import Marks
from audit.statistics.froc_areas import Units, area, area_influence, area_replicates
from audit.statistics.influence import logit_scale


def area_over(units: Callable[[Marks], Units]) -> Smooth:
    """The estimator of the area over ``units``; undefined without cases with lesions, or without cases that have none.

    Its influence values are the components of DeLong's variance summed within patients.
    """

    def value(rows: Rows) -> float | Undefined:
        found = units(marks_of(rows))
        return area(found) if found.positive.any() else Undefined("no lesions")

    def influence(rows: Rows) -> FloatArray:
        return area_influence(units(marks_of(rows)), len(rows))

    def resample(asked: Sequence[Rows], counts: Counts) -> list[FloatArray]:
        return [np.asarray(area_replicates(counts, rows.patient, units(marks_of(rows)))) for rows in asked]

    return Smooth(value, influence, resample, logit_scale(0.0, 1.0))
