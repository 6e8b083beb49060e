"""What measures without an interval of their own share: the patient bootstrap bounds values and differences."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from audit.measures.measure import Both
from audit.records import BoolArray, Interval, Rows, Undefined

FEWEST_PATIENTS = 30


class ResampledOnly(ABC):
    """The part of an ``Estimator`` that answers 'ask the resamples'; ``point`` and ``replicates_of_many`` are its own.

    No interval from fewer than 30 patients: percentiles of so few say too little.
    """

    __slots__ = ()
    analytic: ClassVar[bool] = False
    analytic_differences: ClassVar[tuple[str, ...]] = ()
    shortcut: ClassVar[str] = ""
    fewest_patients: ClassVar[int] = FEWEST_PATIENTS

    @abstractmethod
    def point(self, rows: Rows) -> float | Undefined:
        """The estimate; undefined, with the reason, where the rows do not determine it."""

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

    def contributes(self, rows: Rows) -> BoolArray:
        return np.ones(len(rows), dtype=np.bool_)
