"""Distances between predicted probability and a smoothed outcome: their mean, median and 90th centile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from audit.measures.counting import class_sizes
from audit.measures.measure import Both, Counts, Measure
from audit.measures.probability import not_probabilities
from audit.measures.smooth import lacking_class
from audit.records import BoolArray, FloatArray, Interval, Rows, Undefined
from audit.statistics.calibration_curve import smooth_calibration

WHY = Undefined(
    "no interval: noise alone moves a smoothed curve away from the diagonal, so that resamples lie above the estimate"
)


@dataclass(frozen=True, slots=True)
class SmoothDistance:
    """A summary of |smoothed outcome - probability| over cases (lowess, span 2/3, as in R rms ``val.prob``).

    It is above 0 for a perfectly calibrated score too, by noise, and its patient bootstrap adds noise to noise: the
    value stands without an interval. Undefined when a class is empty, a score is no probability, or fewer than 10
    distinct scores exist.
    """

    summary: Literal["ici", "e50", "e90"]
    analytic: ClassVar[bool] = True
    analytic_differences: ClassVar[tuple[str, ...]] = ("contrast", "change")
    shortcut: ClassVar[str] = ""
    fewest_patients: ClassVar[int] = 0

    def point(self, rows: Rows) -> float | Undefined:
        problem = lacking_class(rows) or not_probabilities(rows)
        if problem is not None:
            return problem
        found = smooth_calibration(rows.columns["score"], rows.columns["reference"])
        return found if isinstance(found, Undefined) else float(getattr(found, self.summary))

    def interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None:  # noqa: ARG002
        return WHY

    def both(self, rows: Rows, confidence: float) -> Both:
        return self.point(rows), self.interval(rows, confidence)

    def goal_interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None:
        return self.interval(rows, confidence)

    def difference(self, first: Rows, second: Rows, confidence: float, paired: bool) -> Interval | Undefined:  # noqa: ARG002
        return WHY

    def varies(self, rows: Rows) -> bool:  # noqa: ARG002
        return True

    def replicates_of_many(self, asked: Sequence[Rows], counts: Counts) -> list[FloatArray]:
        """Replicates, one smoothing each: for studies, no estimate asks for them."""
        return [np.array([self._replicate(rows, drawn) for drawn in counts]) for rows in asked]

    def _replicate(self, rows: Rows, drawn: NDArray[np.uint8]) -> float:
        again = np.repeat(np.arange(len(rows)), drawn[rows.patient])
        found = self.point(Rows(rows.patient[again], {name: each[again] for name, each in rows.columns.items()}))
        return np.nan if isinstance(found, Undefined) else found

    def denominators(self, rows: Rows) -> dict[str, int]:
        return class_sizes(rows)

    def contributes(self, rows: Rows) -> BoolArray:
        return np.ones(len(rows), dtype=np.bool_)


def smooth_distance(name: Literal["ici", "e50", "e90"], title: str) -> Measure:
    """The measure of one summary."""
    return Measure(
        name=name,
        title=title,
        unit="probability",
        low=0.0,
        high=None,
        direction="lower",
        tasks=("classification",),
        columns=("score", "reference"),
        source="Austin & Steyerberg, Stat Med 2019;38:4051; Cleveland, JASA 1979;74:829 (lowess)",
        estimator=SmoothDistance(name),
        ideal=0.0,
    )
