"""One simulated set in, limits of every question by every method out: the product's answer first, then others."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from coverage_designs import Drawn
from coverage_methods import (
    Limits,
    Ratio,
    Sums,
    Z,
    around,
    bca,
    bootstrap_t,
    difference_t,
    expanded_percentile,
    korn_graubard,
    limits,
    linearised_difference_t,
    logit_t,
    percentile,
    ratio,
    wald_t,
    wilson_cases,
    wilson_effective,
)
from scipy.special import expit, logit

from audit.measures import auroc, brier, calibration_intercept, calibration_slope, dice, npv, ppv, sensitivity
from audit.measures import specificity as specificity_
from audit.measures.answers import Kind, Rules, Side, answer, resampled
from audit.measures.measure import Counts, Measure
from audit.measures.ratio import Mean, Proportion
from audit.records import BoolArray, FloatArray, Interval, Rows, Undefined
from audit.statistics.differences import miettinen_nurminen
from audit.statistics.differences_paired import PairedTable, tango
from audit.statistics.resampling import auroc_replicates, sums_by_patient
from audit.statistics.roc import delong, logit_interval, newcombe5, wald_interval
from audit.statistics.roc_clustered import clustered_auroc, paired_auroc_difference

PRODUCT = "as printed"
RULES = Rules(too_few=10, confidence=0.95)
RATES = (sensitivity.ENTRY, specificity_.ENTRY, ppv.ENTRY, npv.ENTRY)
MEANS = (brier.ENTRY, dice.ENTRY)
LINES = (calibration_slope.ENTRY, calibration_intercept.ENTRY)
BY_CLASS = (ppv.ENTRY, npv.ENTRY, brier.ENTRY)
FEW = 30
FAILED = "fails"
GATED = ", 10 of each class"
COMPARED = (auroc.ENTRY, *RATES, *MEANS)


@dataclass(frozen=True, slots=True)
class Asked:
    """What an interval is about: ``kind`` is 'value', 'contrast of patients', 'contrast of cases' or 'change'."""

    kind: str
    measure: str


@dataclass(frozen=True, slots=True)
class Found:
    """One interval of one set; ``limits`` is None where none is printed, ``name`` is the method's own name."""

    asked: Asked
    method: str
    limits: Limits
    name: str = ""


class Bench:
    """The resampled patients of a block of sets."""

    def __init__(self, counts: Counts) -> None:
        self.counts, self.weights = counts, counts.astype(np.float64)
        self._known: dict[Side, FloatArray] = {}

    def prepare(self, sides: list[Side]) -> None:
        """Replicates of all ratios of a set from one dense product, which is faster here and equal to rounding."""
        ratios = [side for side in sides if isinstance(side.measure.estimator, Mean)]
        columns = [column for side in ratios for column in sums(side, self.counts.shape[1])]
        with np.errstate(divide="ignore", invalid="ignore"):
            found = self.weights @ np.column_stack(columns)
            self._known = {side: found[:, 2 * i] / found[:, 2 * i + 1] for i, side in enumerate(ratios)}

    def replicates(self, side: Side) -> FloatArray:
        """The measure's own replicates."""
        if side not in self._known:
            rows = side.rows
            score, reference = rows.columns["score"], rows.columns["reference"]
            self._known[side] = auroc_replicates(self.counts, rows.patient, score, reference, compiled=True)
        return self._known[side]

    def of_resamples(self, side: Side) -> FloatArray:
        """What the product asks of the resamples for its own answer."""
        studentised = isinstance(side.measure.estimator, Mean)
        return resampled([side], self.counts)[side] if studentised else self.replicates(side)


def sums(side: Side, n_patients: int) -> Sums:
    """Numerators and denominators of a ratio measure, summed by patient."""
    estimator = side.measure.estimator
    assert isinstance(estimator, Mean)
    both = sums_by_patient(np.column_stack(estimator.per_case(side.rows)), side.rows.patient, n_patients)
    return both[:, 0], both[:, 1]


def study(drawn: Drawn, bench: Bench, clustered: bool, lines: bool) -> Iterator[Found]:
    """All intervals of one set; ``lines`` says whether the calibration line, the slowest, is fitted too."""
    asked = [(measure, _questions(measure, drawn, clustered)) for measure in COMPARED]
    bench.prepare(list(dict.fromkeys(side for _, questions in asked for sides in questions.values() for side in sides)))
    for _, questions in asked:
        for kind, sides in questions.items():
            found = _values(sides[0], bench) if kind == "value" else _differences(kind, sides[0], sides[1], bench)
            yield from _with_gate(found, sides)
    for measure in LINES if lines else ():
        yield from _or_failure(measure, drawn.candidate, bench)


def _or_failure(measure: Measure, rows: Rows, bench: Bench) -> list[Found]:
    """The fit's intervals; an error of the product is a finding of this study and not its end."""
    try:
        return list(_values(_side(measure, rows), bench))
    except ValueError as error:
        return [Found(Asked("value", measure.name), PRODUCT, None, f"{FAILED}: {error}")]


def _questions(measure: Measure, drawn: Drawn, clustered: bool) -> dict[str, tuple[Side, ...]]:
    """Kind of question -> the one or two sides that give the answer."""
    candidate, comparator = (_side(measure, _rows(measure, each)) for each in (drawn.candidate, drawn.comparator))
    kept = drawn.candidate.columns["reference"] == 1 if measure is dice.ENTRY else slice(None)
    questions: dict[str, tuple[Side, ...]] = {
        "value": (candidate,),
        "contrast of patients": _split(candidate, drawn.group[kept] == 1),
        "change": (candidate, comparator),
    }
    if clustered:
        questions["contrast of cases"] = _split(candidate, drawn.view[kept] == 1)
    return questions


def _rows(measure: Measure, rows: Rows) -> Rows:
    """Dice is measured where the reference has a lesion."""
    return rows.where(rows.columns["reference"] == 1) if measure is dice.ENTRY else rows


def _side(measure: Measure, rows: Rows) -> Side:
    return Side(measure, rows, RULES)


def _split(side: Side, members: BoolArray) -> tuple[Side, Side]:
    return _side(side.measure, side.rows.where(members)), _side(side.measure, side.rows.where(~members))


def _printed(kind: str, sides: tuple[Side, ...], bench: Bench, goal: bool = False) -> tuple[Limits, str]:
    product_kind: Kind = "contrast" if kind.startswith("contrast") else "change" if kind == "change" else "value"
    found = answer(product_kind, sides, bench.of_resamples, goal)
    return limits(found.interval), found.interval.method if found.interval else ""


def _with_gate(found: Iterator[Found], sides: tuple[Side, ...]) -> Iterator[Found]:
    """Each interval once more under the gate of both classes: 10 reference-positive and 10 reference-negative cases
    and patients on every side, whatever the denominator.
    """
    gated = sides[0].measure in BY_CLASS
    enough = gated and not any(isinstance(_side(auroc.ENTRY, side.rows).point, Undefined) for side in sides)
    for one in found:
        yield one
        if gated:
            yield replace(one, method=one.method + GATED, limits=one.limits if enough else None)


def _values(side: Side, bench: Bench) -> Iterator[Found]:
    asked = Asked("value", side.measure.name)
    yield Found(asked, PRODUCT, *_printed("value", (side,), bench))
    if isinstance(side.point, Undefined):
        return
    estimator = side.measure.estimator
    if isinstance(estimator, Proportion):
        yield Found(asked, "as printed against a goal", *_printed("value", (side,), bench, goal=True))
        yield from (Found(asked, name, method(_ratio(side, bench))) for name, method in PROPORTION_METHODS.items())
    elif isinstance(estimator, Mean):
        yield from (Found(asked, name, found) for name, found in _mean_methods(side, bench))
    elif side.measure is auroc.ENTRY:
        yield from (Found(asked, name, found) for name, found in _auroc_methods(side, bench))
    else:
        yield from (Found(asked, name, found) for name, found in _line_methods(side))


PROPORTION_METHODS: dict[str, Callable[[Ratio], Limits]] = {
    "logit-t": logit_t,
    "Wilson, effective n": wilson_effective,
    "Korn-Graubard": korn_graubard,
    "Wilson, clustering ignored": wilson_cases,
}


def _ratio(side: Side, bench: Bench) -> Ratio:
    return ratio(*sums(side, bench.counts.shape[1]))


def _mean_methods(side: Side, bench: Bench) -> Iterator[tuple[str, Limits]]:
    top, bottom = sums(side, bench.counts.shape[1])
    found, present = ratio(top, bottom), bottom > 0
    weights = bench.weights[:, present]
    replicates = bench.replicates(side)
    yield "percentile", percentile(replicates)
    yield "percentile, expanded", expanded_percentile(replicates, found.k)
    yield "BCa", bca(found, replicates)
    yield "t", wald_t(found)
    yield "logit-t", logit_t(found)
    yield "bootstrap-t", bootstrap_t(found, weights)


def _auroc_methods(side: Side, bench: Bench) -> Iterator[tuple[str, Limits]]:
    columns = side.rows.columns
    score, reference = columns["score"], columns["reference"]
    found, naive = clustered_auroc(score, reference, side.rows.patient), delong(score, reference)
    yield "percentile", percentile(bench.replicates(side))
    if isinstance(found, Undefined) or isinstance(found.variance, Undefined) or isinstance(naive, Undefined):
        return
    if not isinstance(naive.variance, Undefined):
        yield "DeLong, clustering ignored, logit", _logit(naive.auroc, naive.variance)
    yield "DeLong/Obuchowski, Wald", limits(wald_interval(found.value, found.variance))
    smaller = min(found.patients_with_positive, found.patients_with_negative)
    with_t = _logit(found.value, found.variance, smaller - 1)
    newcombe = limits(newcombe5(found.value, found.patients_with_positive, found.patients_with_negative))
    yield "logit, t on smaller class", with_t
    yield "Newcombe 5 on patients", newcombe
    yield f"Newcombe 5 below {FEW} patients in a class, else logit with t", newcombe if smaller < FEW else with_t


def _logit(value: float, variance: float, df: float = math.inf) -> Limits:
    return limits(logit_interval(value, variance, df=df)) if 0 < value < 1 and variance > 0 else None


def _line_methods(side: Side) -> Iterator[tuple[str, Limits]]:
    """Wider quantiles for the calibration line, and for its offset an error that holds when the slope is not 1."""
    interval, value, columns = side.interval, side.point, side.rows.columns
    assert isinstance(value, float)
    if not isinstance(interval, Interval):
        return
    positive = columns["reference"] == 1
    smaller = min(np.unique(side.rows.patient[kept]).size for kept in (positive, ~positive))
    yield "t on smaller class", around(value, (interval.high - interval.low) / 2 / Z, smaller - 1)
    if side.measure is calibration_intercept.ENTRY:
        yield "sandwich, t on smaller class", around(value, _sandwich(value, side.rows), smaller - 1)


def _sandwich(offset: float, rows: Rows) -> float:
    """Standard error of calibration in the large over patients, whatever the true slope."""
    expected = expit(offset + logit(rows.columns["score"]))
    residual = np.bincount(rows.patient, rows.columns["reference"] - expected)
    k = rows.n_patients
    return math.sqrt(k / (k - 1) * float(np.square(residual).sum())) / float((expected * (1 - expected)).sum())


def _differences(kind: str, first: Side, second: Side, bench: Bench) -> Iterator[Found]:
    asked = Asked(kind, first.measure.name)
    yield Found(asked, PRODUCT, *_printed(kind, (first, second), bench))
    if isinstance(first.point, Undefined) or isinstance(second.point, Undefined):
        return
    if isinstance(first.measure.estimator, Mean) or kind != "contrast of patients":
        yield Found(asked, "percentile", percentile(bench.replicates(first) - bench.replicates(second)))
    if isinstance(first.measure.estimator, Mean):
        yield from (Found(asked, name, found) for name, found in _ratio_differences(kind, first, second, bench))
    elif kind == "change":
        yield Found(asked, "DeLong/Obuchowski, paired", _auroc_change(first, second))


def _ratio_differences(kind: str, first: Side, second: Side, bench: Bench) -> Iterator[tuple[str, Limits]]:
    a, b = (sums(side, bench.counts.shape[1]) for side in (first, second))
    if kind == "contrast of patients":
        yield "Welch t", difference_t(ratio(*a), ratio(*b))
    yield "linearised t", linearised_difference_t(a, b)
    if isinstance(first.measure.estimator, Proportion):
        yield from _counted_differences(kind, a, b, first.measure)


def _counted_differences(kind: str, a: Sums, b: Sums, measure: Measure) -> Iterator[tuple[str, Limits]]:
    """Score intervals of two-by-two tables, where every patient has one case."""
    if max(a[1].max(), b[1].max()) > 1:
        return
    if kind == "contrast of patients":
        cells = (round(float(part.sum())) for part in (*a, *b))
        yield "Miettinen-Nurminen", limits(miettinen_nurminen(*cells))
    if kind == "change" and measure.name in ("sensitivity", "specificity"):
        hit, other = a[0] > 0, b[0] > 0
        counted = a[1] > 0
        table = (hit & other, hit & ~other, ~hit & other, ~hit & ~other)
        yield "Tango", limits(tango(PairedTable(*(int((counted & cell).sum()) for cell in table))))


def _auroc_change(first: Side, second: Side) -> Limits:
    found = paired_auroc_difference(
        first.rows.columns["score"],
        second.rows.columns["score"],
        first.rows.columns["reference"],
        first.rows.patient,
    )
    return None if isinstance(found, Undefined) else limits(found.interval)
