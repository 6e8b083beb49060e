"""Do a comparison over all cases and the same comparison within strata point in the same direction.

Two comparisons: levels of one attribute within the levels of another (sensitivity, specificity), and candidate minus
comparator within each attribute. Sources: Simpson, J R Stat Soc B 1951;13:238; Mantel & Haenszel, JNCI 1959;22:719.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from audit.analyses.analysis import About, Analysis, Row, missing, stated
from audit.analyses.study import PROPORTIONS, Level, Panel, Study
from audit.measures.counting import one_case_per_patient
from audit.measures.ratio import Proportion
from audit.records import BoolArray, FloatArray, Interval, Rows, Undefined
from audit.statistics.resampling import percentile_interval
from audit.statistics.strata import StratifiedComparison, stratified_comparison

DISAGREE, EVERYWHERE = "directions disagree", "directions disagree in every stratum"
AGREE, BY_CHANCE = "directions agree", "directions differ within chance (inconclusive)"
ROUNDING = 1e-12


def run(study: Study) -> list[Row]:
    """Crude and within-stratum differences with what their directions say."""
    rows: list[Row] = []
    for panel in study.panels:
        if panel.measure.name in PROPORTIONS:
            for attribute, within in permutations(study.plan.strata, 2):
                rows += _levels(panel, attribute, within)
        if panel.version == "candidate" and study.plan.comparator is not None:
            for within in study.plan.strata:
                rows += _versions(panel, within)
    if len(study.plan.strata) < 2 and any(panel.measure.name in PROPORTIONS for panel in study.panels):
        rows.append(missing(About(), "crude difference", "the plan declares fewer than two strata"))
    return rows


@dataclass(frozen=True, eq=False)
class _Cells:
    """Events and cases (last axis) of a proportion by level and stratum, in all and in every resample of patients.

    ``clustered``: a patient has several cases, so that counts are not binomial.
    """

    totals: FloatArray
    replicates: FloatArray
    names: tuple[str, ...]
    clustered: bool

    def pair(self, a: int, others: Sequence[int]) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        return _pair(self.totals, a, others)


def _pair(table: FloatArray, a: int, others: Sequence[int]) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Events and cases per stratum of level ``a`` and of the ``others`` together; strata on the last axis but one."""
    rest = table[..., list(others), :, :].sum(axis=-3)
    return table[..., a, :, 0], table[..., a, :, 1], rest[..., 0], rest[..., 1]


def _levels(panel: Panel, attribute: str, within: str) -> Iterator[Row]:
    split = panel.split(attribute)
    about = About(panel.version, panel.target, panel.measure.name, f"{attribute} within {within}")
    if split.too_few:
        yield missing(about.at("all", *split.sizes), "crude difference", split.too_few)
        return
    cells = _cells(panel, attribute, within)
    usable = [cells.names.index(level.name) for level in split.levels]
    baseline = panel.study.plan.strata[attribute].baseline
    base = next((i for i in usable if cells.names[i] == baseline), None)
    for level, i in zip(split.levels, usable, strict=True):
        if i == base:
            continue
        others = [base] if base is not None else [j for j in usable if j != i]
        against = baseline if base is not None else "rest"
        at = about.at(f"{level.name} - {against}", level.n_patients, level.n_cases)
        yield from _comparison(cells, i, [j for j in others if j is not None], at, panel.study.plan.confidence)


def _cells(panel: Panel, attribute: str, within: str) -> _Cells:
    (a, names), (s, strata) = panel.study.codes(attribute), panel.study.codes(within)
    keep = panel.usable & (a >= 0) & (s >= 0)
    rows = panel.whole.where(keep)
    estimator = panel.measure.estimator
    assert isinstance(estimator, Proportion)
    events, cases = estimator.per_case(rows)
    shape = panel.study.order.n_patients, len(names), len(strata), 2
    table = np.zeros(shape)
    np.add.at(table[..., 0], (rows.patient, a[keep], s[keep]), events)
    np.add.at(table[..., 1], (rows.patient, a[keep], s[keep]), cases)
    counted = cases > 0
    clustered = not one_case_per_patient(Rows(rows.patient[counted], {}) if counted.any() else rows)
    return _Cells(table.sum(axis=0), _resampled(panel, table), names, clustered)


def _resampled(panel: Panel, table: FloatArray) -> FloatArray:
    flat = table.reshape(table.shape[0], -1).astype(np.float32)
    sums = [panel.study.counts[i : i + 256].astype(np.float32) @ flat for i in range(0, len(panel.study.counts), 256)]
    return np.concatenate(sums).astype(np.float64).reshape(-1, *table.shape[1:])


def _comparison(cells: _Cells, i: int, others: list[int], about: About, confidence: float) -> Iterator[Row]:
    found = stratified_comparison(*cells.pair(i, others), confidence)
    if isinstance(found, Undefined):
        yield missing(about, "crude difference", found.reason)
        return
    dropped = f"; {found.dropped_strata} strata without both dropped" if found.dropped_strata else ""
    crude, within = _resampled_differences(cells, i, others)
    interval = _interval(cells, within, found, confidence)
    shift = percentile_interval(crude - within, confidence)
    yield stated(about, "crude difference", found.crude_difference, method="all strata pooled")
    named = interval.method if isinstance(interval, Interval) else "Mantel-Haenszel"
    yield stated(about, "within-stratum difference", found.risk_difference, interval, verdict=_verdict(found, shift),
                 method=f"{named}, {found.stratum_differences.size} strata{dropped}")  # fmt: skip
    yield stated(about, "crude minus within-stratum", found.crude_difference - found.risk_difference, shift)
    if not cells.clustered:
        test = found.homogeneity
        if isinstance(test, Undefined):
            yield missing(about, "interaction", test.reason)
        else:
            yield stated(about, "interaction", test.statistic, p=test.p, method=test.method)


def _resampled_differences(cells: _Cells, i: int, others: list[int]) -> tuple[FloatArray, FloatArray]:
    """Crude and Mantel-Haenszel difference in every resample."""
    a, m, c, n = _pair(cells.replicates, i, others)
    with np.errstate(divide="ignore", invalid="ignore"):
        crude = a.sum(axis=1) / m.sum(axis=1) - c.sum(axis=1) / n.sum(axis=1)
    return np.asarray(crude), _mantel_haenszel(a, m, c, n)


def _interval(
    cells: _Cells, replicates: FloatArray, found: StratifiedComparison, confidence: float
) -> Interval | Undefined:
    if not cells.clustered:
        return found.risk_difference_interval
    interval = percentile_interval(replicates, confidence)
    if isinstance(interval, Undefined):
        return interval
    return Interval(interval.low, interval.high, f"Mantel-Haenszel, {interval.method}", confidence)


def _mantel_haenszel(a: FloatArray, m: FloatArray, c: FloatArray, n: FloatArray) -> FloatArray:
    """Risk difference in each resample: arguments (resamples, strata)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.where((m > 0) & (n > 0), m * n / (m + n), 0.0)
        difference = np.where(weight > 0, a / m - c / n, 0.0)
        return np.asarray((weight * difference).sum(axis=1) / weight.sum(axis=1))


def _verdict(found: StratifiedComparison, shift: Interval | Undefined) -> str:
    return _directions(found.crude_difference, found.risk_difference, found.stratum_differences, shift)


def _directions(crude: float, within: float, strata: FloatArray, shift: Interval | Undefined) -> str:
    """Opposite signs count as disagreement only when crude and within-stratum difference differ beyond chance."""
    if crude * within >= -ROUNDING:
        return AGREE
    if isinstance(shift, Undefined) or shift.low <= 0 <= shift.high:
        return BY_CHANCE
    return EVERYWHERE if bool((np.sign(strata) == -np.sign(crude)).all()) else DISAGREE


def _versions(panel: Panel, within: str) -> Iterator[Row]:
    """Candidate minus comparator on common cases: pooled, and the weighted mean of the differences within strata."""
    about = About("candidate - comparator", panel.target, panel.measure.name, within)
    other = panel.study.panel("comparator", panel.target, panel.measure.name)
    if other is None:
        yield missing(about, "crude difference", "the comparator has no such measure")
        return
    common = panel.usable & other.usable
    pairs = [_common(panel, other, within, group.members & common, group.level)
             for group in panel.study.groups if group.attribute == within]  # fmt: skip
    whole = _common(panel, other, within, common, "all")
    kept = [p for p in pairs if not any(isinstance(level.side.point, Undefined) for level in p)]
    about = about.at("all", whole[0].n_patients, whole[0].n_cases)
    if not kept or isinstance(whole[0].side.point, Undefined) or isinstance(whole[1].side.point, Undefined):
        yield missing(about, "crude difference", "no stratum in which both versions can be concluded on")
        return
    crude = whole[0].value - whole[1].value
    values = np.array([first.value - second.value for first, second in kept])
    weights = np.array([first.weight for first, _ in kept])
    mean = float(weights @ values / weights.sum())
    pooled, inner = _paired_replicates(panel, other, whole, kept, weights)
    confidence = panel.study.plan.confidence
    interval, shift = percentile_interval(inner, confidence), percentile_interval(pooled - inner, confidence)
    yield stated(about, "crude difference", crude, method="common cases")
    yield stated(about, "crude minus within-stratum", crude - mean, shift)
    yield stated(about, "within-stratum difference", mean, interval, verdict=_directions(crude, mean, values, shift))


def _common(panel: Panel, other: Panel, within: str, members: BoolArray, name: str) -> tuple[Level, Level]:
    return panel.level(within, name, members), other.level(within, name, members)


def _paired_replicates(
    panel: Panel, other: Panel, whole: tuple[Level, Level], pairs: Sequence[tuple[Level, Level]], weights: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Crude and weighted within-stratum difference of the versions in every resample."""
    every = [whole, *pairs]
    first = np.column_stack(panel.replicates_of([pair[0] for pair in every]))
    second = np.column_stack(other.replicates_of([pair[1] for pair in every]))
    differences = first - second
    return differences[:, 0], differences[:, 1:] @ (weights / weights.sum())


ENTRY = Analysis(
    name="simpson",
    title="Directions within strata",
    question="Does a difference between levels or versions keep its direction within the levels of each attribute?",
    source="Simpson, J R Stat Soc B 1951;13:238; Mantel & Haenszel, JNCI 1959;22:719; Sato, Biometrics 1989;45:1323",
    run=run,
)
