"""A measure that has no meaning on this set: counted, never computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from audit.measures.measure import Both, Counts, Estimator
from audit.records import BoolArray, FloatArray, Interval, Rows, Undefined


@dataclass(frozen=True, slots=True)
class Refused:
    """In place of the ``inner`` estimator, whose denominators it keeps: undefined for the ``reason``."""

    inner: Estimator
    reason: str
    analytic: ClassVar[bool] = True
    analytic_differences: ClassVar[tuple[str, ...]] = ("contrast", "change")
    shortcut: ClassVar[str] = ""
    fewest_patients: ClassVar[int] = 0

    def point(self, rows: Rows) -> float | Undefined:  # noqa: ARG002
        return Undefined(self.reason)

    def interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None:  # noqa: ARG002
        return Undefined(self.reason)

    def both(self, rows: Rows, confidence: float) -> Both:
        return self.point(rows), self.interval(rows, confidence)

    def goal_interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None:
        return self.interval(rows, confidence)

    def difference(self, first: Rows, second: Rows, confidence: float, paired: bool) -> Interval | Undefined:  # noqa: ARG002
        return Undefined(self.reason)

    def varies(self, rows: Rows) -> bool:  # noqa: ARG002
        return False

    def replicates_of_many(self, asked: Sequence[Rows], counts: Counts) -> list[FloatArray]:
        return [np.full(len(counts), np.nan) for _ in asked]

    def denominators(self, rows: Rows) -> dict[str, int]:
        return self.inner.denominators(rows)

    def contributes(self, rows: Rows) -> BoolArray:
        return self.inner.contributes(rows)
