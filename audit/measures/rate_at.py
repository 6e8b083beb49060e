"""One rate where the other is fixed by the plan: read off the empirical ROC curve of these very cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from audit.measures.counting import class_sizes
from audit.measures.measure import Both, Counts, Measure
from audit.measures.smooth import lacking_class
from audit.measures.worst_cases import wrong_order
from audit.records import BoolArray, FloatArray, Interval, Rows, Undefined
from audit.statistics.roc_at import rate_replicates
from audit.statistics.roc_partial import (
    Focus,
    roc_curve,
    sensitivity_at_specificity,
    specificity_at_sensitivity,
)

READ_OFF = {"specificity": sensitivity_at_specificity, "sensitivity": specificity_at_sensitivity}
SOURCE = "Platt et al., Stat Med 2000;19:313"


@dataclass(frozen=True, slots=True)
class RateAt:
    """The rate beside ``focus``, which is fixed at ``at``: linear interpolation between observed operating points.

    The threshold comes from the cases themselves, so that no interval of a proportion holds; the patient bootstrap
    carries that variance. Undefined when a class is empty.
    """

    focus: Focus
    at: float
    analytic: ClassVar[bool] = False
    analytic_differences: ClassVar[tuple[str, ...]] = ()
    shortcut: ClassVar[str] = ""
    fewest_patients: ClassVar[int] = 0

    def point(self, rows: Rows) -> float | Undefined:
        missing = lacking_class(rows)
        if missing is not None:
            return missing
        curve = roc_curve(rows.columns["score"], rows.columns["reference"])
        return curve if isinstance(curve, Undefined) else READ_OFF[self.focus](curve, self.at)

    def interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None:  # noqa: ARG002
        return None

    def both(self, rows: Rows, confidence: float) -> Both:
        return self.point(rows), self.interval(rows, confidence)

    def goal_interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None:
        return self.interval(rows, confidence)

    def difference(self, first: Rows, second: Rows, confidence: float, paired: bool) -> Interval | Undefined:  # noqa: ARG002
        return Undefined("a difference of rates at a fixed other rate is resampled")

    def varies(self, rows: Rows) -> bool:  # noqa: ARG002
        return True

    def replicates_of_many(self, asked: Sequence[Rows], counts: Counts) -> list[FloatArray]:
        return [
            rate_replicates(counts, rows.patient, rows.columns["score"], rows.columns["reference"], self.at, self.focus)
            for rows in asked
        ]

    def denominators(self, rows: Rows) -> dict[str, int]:
        return class_sizes(rows)

    def contributes(self, rows: Rows) -> BoolArray:
        return np.ones(len(rows), dtype=np.bool_)


def rate_at(name: str, title: str, agreement: str, focus: Focus, at: float) -> Measure:
    """The measure of one rate with the other fixed at ``at``."""
    return Measure(
        name=name,
        title=title,
        unit="proportion",
        low=0.0,
        high=1.0,
        direction="higher",
        tasks=("classification",),
        columns=("score", "reference"),
        source=SOURCE,
        estimator=RateAt(focus, at),
        worst_case=wrong_order,
        by_rank=True,
        agreement_title=agreement,
    )
