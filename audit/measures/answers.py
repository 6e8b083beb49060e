"""A value or a difference with its interval, or the reason why there is none: the policy of every estimate.

A value carries the measure's analytic interval, else the percentile bootstrap over patients. A difference between
groups without common patients recovers its limits from the groups' own intervals; any other difference takes the
bootstrap on shared resamples. Where resamples do not vary (all cases right, no discordant pair) a bootstrap
interval would have width zero: Tango's score interval or recovered limits take its place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from audit.measures.counting import one_case_per_patient
from audit.measures.measure import Both, Measure
from audit.measures.ratio import Proportion
from audit.records import BoolArray, FloatArray, Interval, Rows, Undefined
from audit.statistics.differences_paired import PairedTable, tango
from audit.statistics.recovered import recovered_difference
from audit.statistics.resampling import percentile_interval

NO_VARIATION = "no resample differs from the estimate, so the bootstrap cannot show its uncertainty"


@dataclass(frozen=True, slots=True)
class Rules:
    """What the plan says about reporting: ``too_few`` cases or patients to conclude, two-sided ``confidence``."""

    too_few: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Answer:
    """An estimate: no value, or a value without an interval, always comes with the reason in ``undefined``."""

    value: float | None = None
    interval: Interval | None = None
    undefined: str | None = None
    undefined_resamples: int | None = None


@dataclass(frozen=True, eq=False)
class Side:
    """A measure on the complete rows of one version in one group; two sides are equal only when they are the same."""

    measure: Measure
    rows: Rows
    rules: Rules

    @cached_property
    def _both(self) -> Both:
        if not len(self.rows):
            return Undefined("no cases"), None
        for what, n in self.measure.denominators(self.rows).items():
            if n < self.rules.too_few:
                return Undefined(f"fewer than {self.rules.too_few} {what} ({n})" if n else f"no {what}"), None
        return self.measure.both(self.rows, self.rules.confidence)

    @property
    def point(self) -> float | Undefined:
        """The estimate, undefined where the rows are too few or do not determine it."""
        return self._both[0]

    @property
    def interval(self) -> Interval | Undefined | None:
        """The measure's analytic interval; None where it has none, or no value."""
        return self._both[1]

    @cached_property
    def counted(self) -> Rows:
        """The rows that enter the denominator."""
        return self.measure.contributing(self.rows)


Replicates = Callable[[Side], FloatArray]
Kind = Literal["value", "worst case", "contrast", "change"]


def bootstrapped(kind: Kind, sides: tuple[Side, ...]) -> tuple[Side, ...]:
    """The sides whose replicates ``answer`` will ask for."""
    if any(isinstance(side.point, Undefined) for side in sides):
        return ()
    if kind == "contrast":
        return () if recovers(*sides) else sides
    return sides if kind == "change" or not sides[0].measure.analytic else ()


def answer(kind: Kind, sides: tuple[Side, ...], replicates: Replicates, against_goal: bool = False) -> Answer:
    """The estimate of one side, or the first side minus the second.

    'contrast': two groups of one version, which may share patients. 'change': two versions on the same cases.
    ``against_goal`` asks for the exact interval of a value where one exists.
    """
    problem = _problem(kind, sides)
    if problem is not None:
        return Answer(undefined=problem)
    if len(sides) == 1:
        return _value(sides[0], replicates, against_goal)
    if kind == "contrast" and recovers(*sides):
        return _with_interval(_number(sides[0].point) - _number(sides[1].point), _recovered(*sides))
    return _difference(sides[0], sides[1], replicates, paired=kind == "change")


def _problem(kind: Kind, sides: tuple[Side, ...]) -> str | None:
    labels = ("", "baseline: " if kind == "contrast" else "other version: ")
    for label, side in zip(labels, sides, strict=False):
        if isinstance(side.point, Undefined):
            return label + side.point.reason
    return None


def _value(side: Side, replicates: Replicates, against_goal: bool) -> Answer:
    goal = side.measure.goal_interval(side.rows, side.rules.confidence) if against_goal else None
    interval = goal or side.interval
    if interval is None:
        return _bootstrapped(_number(side.point), replicates(side), side)
    return _with_interval(_number(side.point), interval)


def recovers(level: Side, baseline: Side) -> bool:
    """Whether the groups share no patient and the measure has an interval to recover the difference's from."""
    shared = np.intersect1d(level.counted.patient, baseline.counted.patient).size > 0
    return level.measure.analytic and not shared


def _with_interval(point: float, interval: Interval | Undefined) -> Answer:
    return Answer(point, None, interval.reason) if isinstance(interval, Undefined) else Answer(point, interval)


def _bootstrapped(point: float, replicates: FloatArray, side: Side) -> Answer:
    missing = int(np.isnan(replicates).sum())
    if constant(replicates):
        return Answer(point, None, NO_VARIATION, missing)
    interval = percentile_interval(replicates, side.rules.confidence)
    shortcut = side.measure.estimator.shortcut
    if shortcut and isinstance(interval, Interval):
        interval = _renamed(interval, f"{interval.method}, {shortcut}")
    return replace(_with_interval(point, interval), undefined_resamples=missing)


def _difference(first: Side, second: Side, replicates: Replicates, paired: bool) -> Answer:
    a, b = replicates(first), replicates(second)
    point = _number(first.point) - _number(second.point)
    if constant(a) or constant(b) or constant(a - b):
        score = _tango(first, second) if paired else None
        interval = score or (Undefined(NO_VARIATION) if paired and constant(a - b) else _instead(first, second))
        return _with_interval(point, interval)
    return _bootstrapped(point, a - b, first)


def _instead(first: Side, second: Side) -> Interval | Undefined:
    """Limits recovered as if the sides were independent: conservative where they correlate positively, as pairs do."""
    found = _recovered(first, second)
    return (
        found if isinstance(found, Undefined) else _renamed(found, f"{found.method} (resamples of a side do not vary)")
    )


def constant(replicates: FloatArray) -> bool:
    """Whether the defined replicates are all equal (to rounding)."""
    defined = replicates[~np.isnan(replicates)]
    return bool(defined.size and np.ptp(defined) <= 1e-12 * max(1.0, float(np.abs(defined).max())))


def _recovered(first: Side, second: Side) -> Interval | Undefined:
    for side in (first, second):
        if isinstance(side.interval, Undefined):
            return side.interval
    if first.interval is None or second.interval is None:
        return Undefined(NO_VARIATION)
    a, b = first.interval, second.interval
    assert isinstance(a, Interval)
    assert isinstance(b, Interval)
    return recovered_difference(_number(first.point), a, _number(second.point), b)


def _tango(new: Side, old: Side) -> Interval | Undefined | None:
    """Tango's interval where both versions decide the same cases; None where it does not apply.

    With several cases per patient and no discordant case it is taken on the number of patients.
    """
    estimator = new.measure.estimator
    if not isinstance(estimator, Proportion):
        return None
    (hit, counted), (other, other_counted) = estimator.per_case(new.rows), estimator.per_case(old.rows)
    if not np.array_equal(counted, other_counted):
        return None
    keep = counted > 0
    table = PairedTable(*(int((keep & cell).sum()) for cell in _cells(hit > 0, other > 0)))
    if one_case_per_patient(new.counted):
        return tango(table, new.rules.confidence)
    if table.discordant:
        return None
    found = tango(PairedTable(new.counted.n_patients, 0, 0, 0), new.rules.confidence)
    return found if isinstance(found, Undefined) else _renamed(found, "Tango score on patients (no discordant case)")


def _cells(hit: BoolArray, other: BoolArray) -> tuple[BoolArray, BoolArray, BoolArray, BoolArray]:
    return hit & other, hit & ~other, ~hit & other, ~hit & ~other


def _renamed(interval: Interval, method: str) -> Interval:
    return Interval(interval.low, interval.high, method, interval.confidence)


def _number(point: float | Undefined) -> float:
    if isinstance(point, Undefined):
        raise ValueError(f"a difference was asked of an undefined side: {point.reason}")
    return point
