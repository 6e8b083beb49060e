"""What an entry of this room declares: the facts a reader needs, and the estimator behind the number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from audit.records import BoolArray, Direction, FloatArray, Interval, Rows, Undefined

Counts = NDArray[np.uint8]
Both = tuple[float | Undefined, Interval | Undefined | None]
WorstCase = Callable[[Rows, BoolArray], Rows]


class Estimator(Protocol):
    """How a measure is computed from complete rows (no NaN in the measure's columns).

    ``analytic`` says whether ``interval`` answers at all; where it is False the patient bootstrap does.
    ``analytic_differences`` names the kinds, 'contrast' or 'change', whose interval ``difference`` gives; 'separate'
    besides where it also gives that of groups without common patients, whose limits are else recovered from both
    intervals.
    ``shortcut`` names an approximation that the replicates take; empty where they are exact. ``fewest_patients``:
    below it no interval holds.
    """

    analytic: ClassVar[bool]
    analytic_differences: ClassVar[tuple[str, ...]]
    shortcut: ClassVar[str]

    @property
    def fewest_patients(self) -> int: ...

    def point(self, rows: Rows) -> float | Undefined: ...

    def interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None: ...

    def both(self, rows: Rows, confidence: float) -> Both: ...

    def goal_interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None: ...

    def difference(self, first: Rows, second: Rows, confidence: float, paired: bool) -> Interval | Undefined: ...

    def varies(self, rows: Rows) -> bool: ...

    def replicates_of_many(self, asked: Sequence[Rows], counts: Counts) -> list[FloatArray]: ...

    def denominators(self, rows: Rows) -> dict[str, int]: ...

    def contributes(self, rows: Rows) -> BoolArray: ...


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure: its range (None: unbounded), which direction is better, tasks, needed columns, source, estimator.

    ``direction`` 'nearer' means nearer to ``ideal``, or to whatever the plan says where that is None.
    ``worst_case`` takes rows and the cases without a usable output and returns the rows with these counted against
    the model; None where no such bound exists. Rows that lack one of ``columns`` never enter a result.
    ``agreement_title`` is the title where the truth is no reference standard, empty where it stays. ``of_prevalence``:
    without meaning where the share of positive cases in the set is not that of use. ``by_rank``: only the order of the
    scores matters. ``dual`` names the measure that takes the same value when positive and negative change places in
    reference and output.
    """

    name: str
    title: str
    unit: str
    low: float | None
    high: float | None
    direction: Direction
    tasks: tuple[str, ...]
    columns: tuple[str, ...]
    source: str
    estimator: Estimator
    ideal: float | None = None
    worst_case: WorstCase | None = None
    agreement_title: str = ""
    of_prevalence: bool = False
    by_rank: bool = False
    dual: str = ""

    @property
    def analytic(self) -> bool:
        """Whether the measure has an interval of its own; else the patient bootstrap gives one."""
        return self.estimator.analytic

    @property
    def of_the_model(self) -> bool:
        """Whether the measure depends on the model's output at all; the prevalence does not."""
        return self.columns != ("reference",)

    def complete(self, rows: Rows) -> BoolArray:
        """Cases (bool, one entry per row) that have a finite value in every needed column."""
        return complete_cases(rows, self.columns)

    def point(self, rows: Rows) -> float | Undefined:
        """The estimate; undefined, with the reason, where the rows do not determine it."""
        kept = self._kept(rows)
        return self.estimator.point(kept) if len(kept) else Undefined("no cases")

    def interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None:
        """The analytic interval over patients; None where the measure has none and the bootstrap must answer."""
        kept = self._kept(rows)
        return self.estimator.interval(kept, confidence) if len(kept) else Undefined("no cases")

    def both(self, rows: Rows, confidence: float) -> Both:
        """``point`` and ``interval`` from one computation."""
        kept = self._kept(rows)
        return self.estimator.both(kept, confidence) if len(kept) else (Undefined("no cases"), Undefined("no cases"))

    def goal_interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None:
        """The interval against which a pass mark is judged: exact where one exists, else ``interval``."""
        kept = self._kept(rows)
        return self.estimator.goal_interval(kept, confidence) if len(kept) else Undefined("no cases")

    def difference(self, first: Rows, second: Rows, confidence: float, paired: bool) -> Interval | Undefined:
        """The analytic interval of first minus second, for the estimator's ``analytic_differences``.

        ``paired``: two versions on the same cases.
        """
        found = self.estimator.difference(self._kept(first), self._kept(second), confidence, paired)
        if isinstance(found, Undefined) or self.low is None or self.high is None:
            return found
        limit = self.high - self.low
        return Interval(max(found.low, -limit), min(found.high, limit), found.method, found.confidence)

    def varies(self, rows: Rows) -> bool:
        """Whether patients differ in what they contribute, so that their variance says something."""
        return self.estimator.varies(self._kept(rows))

    def replicates(self, rows: Rows, counts: Counts) -> FloatArray:
        """The estimate in every resample: ``counts`` (resamples, patients) to (resamples,), NaN where undefined."""
        return self.replicates_of_many([rows], counts)[0]

    def replicates_of_many(self, asked: Sequence[Rows], counts: Counts) -> list[FloatArray]:
        """``replicates`` of several sets of rows on the same resamples, computed together where that is faster."""
        kept = [self._kept(rows) for rows in asked]
        filled = [rows for rows in kept if len(rows)]
        found = iter(self.estimator.replicates_of_many(filled, counts) if filled else [])
        return [next(found) if len(rows) else np.full(len(counts), np.nan) for rows in kept]

    def denominators(self, rows: Rows) -> dict[str, int]:
        """What is counted -> how many, for the plan's rule of what is too few to conclude."""
        return self.estimator.denominators(self._kept(rows))

    def contributing(self, rows: Rows) -> Rows:
        """The rows that enter the estimate: complete and in its denominator."""
        kept = self._kept(rows)
        return kept.where(self.estimator.contributes(kept))

    def _kept(self, rows: Rows) -> Rows:
        complete = self.complete(rows)
        return rows if complete.all() else rows.where(complete)


def complete_cases(rows: Rows, columns: Sequence[str]) -> BoolArray:
    """Cases (bool, one entry per row) that have a finite value in every one of ``columns``."""
    keep = np.ones(len(rows), dtype=np.bool_)
    for name in columns:
        keep &= np.isfinite(rows.columns[name])
    return keep
