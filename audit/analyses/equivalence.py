"""Is a difference between levels too small to matter: two one-sided tests within the plan's margin."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from audit.analyses.analysis import About, Analysis, Row, missing, stated
from audit.analyses.comparing import Contrasts, against_baseline
from audit.analyses.study import PROPORTIONS, Level, Panel, Study, shared_patients
from audit.measures.counting import one_case_per_patient
from audit.records import Interval, Undefined
from audit.statistics.checks import normal_quantile
from audit.statistics.differences import newcombe
from audit.statistics.equivalence import Equivalence, reading, tost, tost_proportions

NOT_ASSESSED = "not assessed: the plan declares no margin for {}"
ALL_EQUIVALENT, NOT_ALL = "equivalent", "equivalence not shown"
HARMLESS = ("equivalent", "different but irrelevant")
POWER = 0.80


def run(study: Study) -> list[Row]:
    """Every level against the baseline (the rest where none is declared), and the attribute as a whole."""
    rows: list[Row] = []
    for name, stratum in study.plan.strata.items():
        if stratum.margin is None:
            rows.append(missing(About(attribute=name), "difference", NOT_ASSESSED.format(name), "not assessed"))
            continue
        for panel in study.panels:
            rows += _attribute(panel, name, stratum.margin, stratum.baseline)
    return rows


def _attribute(panel: Panel, attribute: str, margin: float, baseline: str | None) -> Iterator[Row]:
    split = panel.split(attribute)
    about = About(panel.version, panel.target, panel.measure.name, attribute).at("all", *split.sizes)
    if split.too_few:
        yield missing(about, "largest difference", split.too_few, "not assessed")
        return
    contrasts = against_baseline(split.levels, baseline)
    readings = [_Read.of(panel, contrasts, i, margin) for i in range(len(contrasts.contrasted))]
    for level, read in zip(contrasts.contrasted, readings, strict=True):
        yield from read.rows(about.at(f"{level.name} - {contrasts.against}", level.n_patients, level.n_cases))
    largest = float(np.abs(contrasts.values).max())
    verdict = ALL_EQUIVALENT if all(read.verdict in HARMLESS for read in readings) else NOT_ALL
    verdict = NOT_ALL if split.left_out else verdict
    method = f"margin {margin:g}; every difference must lie within it (intersection-union){split.note}"
    worst = max((read.test.p for read in readings if not isinstance(read.test, Undefined)), default=None)
    yield stated(about, "largest difference", largest, p=worst, verdict=verdict, method=method)


class _Read:
    """One difference read against the margin."""

    def __init__(self, test: Equivalence | Undefined, difference: float, two_sided: Interval | Undefined) -> None:
        self.test, self.difference, self.two_sided = test, difference, two_sided

    @classmethod
    def of(cls, panel: Panel, contrasts: Contrasts, i: int, margin: float) -> _Read:
        confidence = panel.study.plan.confidence
        counts = _two_by_two(contrasts, i)
        value = float(contrasts.values[i])
        if counts is not None:
            return cls(tost_proportions(*counts, margin, 1 - confidence), value, newcombe(*counts, confidence))
        error = float(contrasts.errors(panel)[i])
        half = normal_quantile(confidence) * error
        wide = Interval(value - half, value + half, "Wald", confidence)
        return cls(tost(value, error, margin, math.inf, 1 - confidence), value, wide)

    @property
    def verdict(self) -> str:
        if isinstance(self.test, Undefined) or isinstance(self.two_sided, Undefined):
            return "not assessed"
        return reading(self.two_sided, self.test.interval, self.test.margin)

    def rows(self, about: About) -> Iterator[Row]:
        test = self.test
        if isinstance(test, Undefined):
            yield missing(about, "difference", test.reason, "not assessed")
            return
        method = f"{test.method}; {100 * test.interval.confidence:g} % interval, margin {test.margin:g}"
        yield stated(about, "difference", self.difference, test.interval, p=test.p, verdict=self.verdict,
                     method=method)  # fmt: skip
        if self.verdict == "inconclusive":
            yield self._cases_needed(about, test)

    def _cases_needed(self, about: About, test: Equivalence) -> Row:
        """Cases of the level that would show equivalence with 80 % power if the levels were equal."""
        quantile = normal_quantile(test.interval.confidence)
        error = (test.interval.high - test.interval.low) / (2 * quantile)
        wanted = test.margin / (quantile + normal_quantile(POWER))
        needed = math.ceil(about.n_cases * (error / wanted) ** 2)
        method = f"power {POWER:g} if the levels are equal, both sides growing in proportion"
        return stated(about, "cases needed to settle", float(needed), method=method)


def _two_by_two(contrasts: Contrasts, i: int) -> tuple[int, int, int, int] | None:
    """Events and cases of both sides where the proportions are independent, else None."""
    weights, levels = contrasts.matrix[i], contrasts.levels
    if levels[0].side.measure.name not in PROPORTIONS or shared_patients(levels):
        return None
    if not all(one_case_per_patient(level.rows) for level in levels):
        return None
    first = [level for level, weight in zip(levels, weights, strict=True) if weight > 0]
    second = [level for level, weight in zip(levels, weights, strict=True) if weight < 0]
    return *_counts(first), *_counts(second)


def _counts(levels: list[Level]) -> tuple[int, int]:
    tallies = [level.tallies for level in levels]
    return round(sum(x.sum() for x, _ in tallies)), round(sum(n.sum() for _, n in tallies))


ENTRY = Analysis(
    name="equivalence",
    title="Equivalence of levels",
    question="Is it shown that manufacturers, sites and groups do not differ by more than the plan's margin?",
    source="Schuirmann, J Pharmacokinet Biopharm 1987;15:657; Farrington & Manning, Stat Med 1990;9:1447",
    run=run,
)
