"""A value or a difference with its interval, or the reason why there is none: the policy of every estimate.

A value carries the measure's analytic interval; means of scores per case a bootstrap-t over patients, or what the plan
asks for. A difference between groups without common patients recovers its limits from the groups' own intervals where
the measure says so. Any other difference is linearised over patients, save that two versions which decide one case per
patient take Tango's score interval and a change of AUROC the paired variance; what is left takes the shared resamples.
Where patients do not vary (all cases right, no discordant pair) such an interval would have width zero:
Tango's interval or recovered limits take its place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from audit.measures.measure import Both, Counts, Measure
from audit.measures.paired_decisions import paired_decisions
from audit.measures.ratio import Mean
from audit.plan import Plan, Resampling
from audit.records import FloatArray, IntArray, Interval, Rows, Undefined, distinct
from audit.statistics.bootstrap_t import bootstrap_t_interval
from audit.statistics.recovered import recovered_difference
from audit.statistics.resampling import BLOCK, bca_interval, percentile_interval

NO_VARIATION = "no patient differs from the others, so the uncertainty cannot be shown"
EXACT_BELOW = 30
"""Below this denominator coverage may not rest on an approximation."""
A_SIDE_IS_FLAT = "the patients of a side do not vary"


USUAL = Resampling()


@dataclass(frozen=True, slots=True)
class Rules:
    """What the plan says about reporting: ``too_few`` cases or patients to conclude, two-sided ``confidence``, and how
    resamples are drawn and read where a measure has no interval of its own.
    """

    too_few: int
    confidence: float
    resampling: Resampling = USUAL


def rules_of(plan: Plan) -> Rules:
    """The plan's rules."""
    return Rules(plan.too_few, plan.confidence, plan.resampling)


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

    @property
    def bounds(self) -> tuple[float, float]:
        """The measure's range."""
        low, high = self.measure.low, self.measure.high
        return -math.inf if low is None else low, math.inf if high is None else high

    @property
    def studentised(self) -> bool:
        """Whether its resamples are studentised: a mean of scores, unless the plan asks for another interval."""
        estimator = self.measure.estimator
        mean = isinstance(estimator, Mean) and not estimator.analytic
        return mean and self.rules.resampling.interval == "studentised"

    @cached_property
    def varies(self) -> bool:
        """Whether patients differ in what they contribute."""
        return self.measure.varies(self.rows)

    @property
    def small(self) -> bool:
        """Whether a denominator is so small that a value takes the exact interval where one exists."""
        return min(self.measure.denominators(self.rows).values(), default=0) < EXACT_BELOW

    @property
    def too_few_to_bound(self) -> str | None:
        """Why the value has no interval although it is defined, or None."""
        fewest = self.measure.estimator.fewest_patients
        n = self.counted.n_patients if fewest else 0
        if n >= fewest:
            return None
        return f"no interval from fewer than {fewest} patients ({n}): a mean may hang on rare failures not seen yet"

    @cached_property
    def counted(self) -> Rows:
        """The rows that enter the denominator."""
        return self.measure.contributing(self.rows)


Resampled = Callable[[Side], FloatArray]
"""A side to what ``resampled`` found for it."""
Kind = Literal["value", "worst case", "contrast", "change"]


def bootstrapped(kind: Kind, sides: tuple[Side, ...]) -> tuple[Side, ...]:
    """The sides that ``answer`` will ask to have resampled."""
    if _problem(kind, sides) or _unbounded(kind, sides):
        return ()
    if len(sides) == 2:
        return () if kind in _analytic(sides[0]) or (kind == "contrast" and recovers(*sides)) else sides
    return () if sides[0].measure.analytic else sides


def resampled(sides: Sequence[Side], counts: Counts) -> dict[Side, FloatArray]:
    """What the resamples tell of sides of one measure: replicates, or studentised ones."""
    if not sides:
        return {}
    measure, rows = sides[0].measure, [side.rows for side in sides]
    if sides[0].studentised and isinstance(measure.estimator, Mean):
        return dict(zip(sides, measure.estimator.pivots_of_many(rows, counts), strict=True))
    return dict(zip(sides, measure.replicates_of_many(rows, counts), strict=True))


def answer(kind: Kind, sides: tuple[Side, ...], of_resamples: Resampled, against_goal: bool = False) -> Answer:
    """The estimate of one side, or the first side minus the second.

    'contrast': two groups of one version, which may share patients. 'change': two versions on the same cases.
    ``of_resamples`` is asked for the sides that ``bootstrapped`` names. ``against_goal`` asks for the exact interval
    of a value where one exists.
    """
    problem = _problem(kind, sides)
    if problem is not None:
        return Answer(undefined=problem)
    if len(sides) == 1:
        return _value(sides[0], of_resamples, against_goal)
    point = _number(sides[0].point) - _number(sides[1].point)
    unbounded = _unbounded(kind, sides)
    if unbounded is not None:
        return Answer(point, None, unbounded)
    if kind == "contrast" and recovers(*sides):
        return _with_interval(point, _recovered(*sides))
    if kind in _analytic(sides[0]):
        return _with_interval(point, _difference(sides[0], sides[1], paired=kind == "change"))
    return _resampled_difference(point, sides[0], sides[1], of_resamples, paired=kind == "change")


def _analytic(side: Side) -> tuple[str, ...]:
    """Kinds of difference that need no resamples; none where the plan asks for percentile or BCa and the value does."""
    chosen = side.rules.resampling.interval != "studentised" and not side.measure.analytic
    return () if chosen else side.measure.estimator.analytic_differences


def _problem(kind: Kind, sides: tuple[Side, ...]) -> str | None:
    for label, side in zip(_labels(kind), sides, strict=False):
        if isinstance(side.point, Undefined):
            return label + side.point.reason
        if len(sides) > 1 and math.isinf(side.point):
            return label + "infinite, which has no difference"
    return None


def _unbounded(kind: Kind, sides: tuple[Side, ...]) -> str | None:
    for label, side in zip(_labels(kind), sides, strict=False):
        if side.too_few_to_bound:
            return label + side.too_few_to_bound
    return None


def _labels(kind: Kind) -> tuple[str, str]:
    return "", "baseline: " if kind == "contrast" else "other version: "


def _value(side: Side, of_resamples: Resampled, against_goal: bool) -> Answer:
    value, estimator = _number(side.point), side.measure.estimator
    if side.too_few_to_bound:
        return Answer(value, None, side.too_few_to_bound)
    if side.studentised and isinstance(estimator, Mean):
        return _studentised(value, estimator.error(side.rows), side, of_resamples)
    if not side.measure.analytic:
        replicates = of_resamples(side)
        return Answer(value, None, NO_VARIATION) if constant(replicates) else _bootstrapped(value, replicates, (side,))
    exact = side.measure.goal_interval(side.rows, side.rules.confidence) if against_goal or side.small else None
    interval = exact or side.interval
    return _with_interval(value, Undefined("the measure has no interval") if interval is None else interval)


def _studentised(value: float, error: float | Undefined, side: Side, of_resamples: Resampled) -> Answer:
    if isinstance(error, Undefined):
        return Answer(value, None, error.reason)
    if error == 0:
        return Answer(value, None, NO_VARIATION)
    pivots = of_resamples(side)
    interval = bootstrap_t_interval(value, error, pivots, side.rules.confidence, side.bounds)
    return _resampled_answer(value, interval, pivots, side.rules)


def recovers(level: Side, baseline: Side) -> bool:
    """Whether the groups share no patient and the difference's limits come from their own intervals."""
    own = level.measure.analytic and "separate" not in _analytic(level)
    return own and not _share_patients(level.counted, baseline.counted)


def _share_patients(first: Rows, second: Rows) -> bool:
    both = np.concatenate([first.patient, second.patient])
    return distinct(both) < first.n_patients + second.n_patients


def _with_interval(point: float, interval: Interval | Undefined) -> Answer:
    return Answer(point, None, interval.reason) if isinstance(interval, Undefined) else Answer(point, interval)


def _bootstrapped(point: float, replicates: FloatArray, sides: tuple[Side, ...]) -> Answer:
    """Percentile or BCa limits of one side, or of the first minus the second."""
    rules, shortcut = sides[0].rules, sides[0].measure.estimator.shortcut
    if rules.resampling.interval == "bca":
        interval = bca_interval(point, replicates, _left_out(sides), rules.confidence)
    else:
        interval = percentile_interval(replicates, rules.confidence)
    if shortcut and isinstance(interval, Interval):
        interval = replace(interval, method=f"{interval.method}, {shortcut}")
    return _resampled_answer(point, interval, replicates, rules)


def _resampled_answer(point: float, interval: Interval | Undefined, drawn: FloatArray, rules: Rules) -> Answer:
    by = rules.resampling.stratified_by
    if by is not None and isinstance(interval, Interval):
        interval = replace(interval, method=f"{interval.method}, stratified by {by}")
    return replace(_with_interval(point, interval), undefined_resamples=int(np.isnan(drawn).sum()))


def _left_out(sides: tuple[Side, ...]) -> FloatArray:
    """The quantity with each contributing patient left out in turn."""
    patients = np.unique(np.concatenate([side.counted.patient for side in sides]))
    n_patients = 1 + max(int(side.rows.patient.max()) for side in sides)
    found = [leave_one_out(side.measure, side.rows, patients, n_patients) for side in sides]
    return found[0] - found[1] if len(found) == 2 else found[0]


def leave_one_out(measure: Measure, rows: Rows, patients: IntArray, n_patients: int) -> FloatArray:
    """The measure without each of ``patients`` in turn, NaN where it is then undefined."""
    blocks = []
    for start in range(0, patients.size, BLOCK):
        absent = patients[start : start + BLOCK]
        counts = np.ones((absent.size, n_patients), dtype=np.uint8)
        counts[np.arange(absent.size), absent] = 0
        blocks.append(measure.replicates(rows, counts))
    return np.concatenate(blocks)


def _difference(first: Side, second: Side, paired: bool) -> Interval | Undefined:
    """Analytic interval of sides that may share patients."""
    confidence = first.rules.confidence
    score = paired_decisions(first.measure, first.rows, second.rows, confidence) if paired else None
    if score is not None:
        return score
    if not (first.varies and second.varies):
        return Undefined(NO_VARIATION) if paired and first.varies == second.varies else _instead(first, second)
    found = first.measure.difference(first.rows, second.rows, confidence, paired)
    return _instead(first, second) if isinstance(found, Undefined) and not paired else found


def _resampled_difference(point: float, first: Side, second: Side, of_resamples: Resampled, paired: bool) -> Answer:
    a, b = of_resamples(first), of_resamples(second)
    if constant(a) or constant(b) or constant(a - b):
        flat = paired and constant(a - b)
        return _with_interval(point, Undefined(NO_VARIATION) if flat else _instead(first, second))
    return _bootstrapped(point, a - b, (first, second))


def _instead(first: Side, second: Side) -> Interval | Undefined:
    """Limits recovered as if the sides were independent: conservative where they correlate positively, as pairs do."""
    found = _recovered(first, second)
    return found if isinstance(found, Undefined) else replace(found, method=f"{found.method} ({A_SIDE_IS_FLAT})")


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


def _number(point: float | Undefined) -> float:
    if isinstance(point, Undefined):
        raise ValueError(f"a difference was asked of an undefined side: {point.reason}")
    return point
