"""Which of all declared groups and intersections does worst, and would the search have found one by chance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from audit.analyses.analysis import About, Analysis, Row, missing, stated
from audit.analyses.heterogeneity import pooled_levels
from audit.analyses.max_t import MaxT, max_t
from audit.analyses.study import FEWEST_TO_TEST, Level, Panel, Study
from audit.records import FloatArray, Interval, Undefined

WORSE, NOT_WORSE = "worse than the whole set, after the search", "not shown to be worse after the search (inconclusive)"
FEWEST_TO_SHRINK = 3


def run(study: Study) -> list[Row]:
    """The worst group with its p for the whole search, how many were searched, and every group's shrunken estimate."""
    return [row for panel in study.panels for row in (*_search(panel), *_shrunken(panel))]


def _search(panel: Panel) -> Iterator[Row]:
    about = About(panel.version, panel.target, panel.measure.name)
    overall = panel.overall
    groups, left_out = _searched(panel)
    note = f"{len(left_out)} left out" + (f": {'; '.join(left_out)}" if left_out else "")
    yield stated(about, "groups searched", float(len(groups)), method=note)
    if isinstance(overall.side.point, Undefined) or not groups:
        point = overall.side.point
        reason = point.reason if isinstance(point, Undefined) else "no group can be concluded on"
        yield missing(about, "worst group", reason)
        return
    values = np.array([level.value for level in groups]) - overall.value
    found = max_t(values, _deviations(panel, groups), panel.study.plan.confidence, tail="lower")
    if isinstance(found, Undefined):
        yield missing(about, "worst group", found.reason)
        return
    yield from _worst(panel, groups, values, found)


def _searched(panel: Panel) -> tuple[list[Level], list[str]]:
    """Groups that differ from the whole set in their cases; strata with one level are the whole set again."""
    groups: list[Level] = []
    left_out: list[str] = []
    for attribute in panel.study.partitions:
        split = panel.split(attribute)
        parts = [level for level in split.levels if level.n_cases < panel.overall.n_cases]
        groups += [level for level in parts if level.fewest >= FEWEST_TO_TEST]
        left_out += [f"{attribute} {reason}" for reason in split.left_out]
        small = [level for level in parts if level.fewest < FEWEST_TO_TEST]
        left_out += [f"{attribute} {level.name}: fewer than {FEWEST_TO_TEST} ({level.fewest})" for level in small]
    return groups, left_out


def _deviations(panel: Panel, groups: Sequence[Level]) -> FloatArray:
    return np.asarray(panel.draws(groups) - panel.draws([panel.overall]))


def _worst(panel: Panel, groups: Sequence[Level], values: FloatArray, found: MaxT) -> Iterator[Row]:
    i = int(np.argmin(np.round(found.statistics, 9)))
    level, confidence = groups[i], panel.study.plan.confidence
    about = About(panel.version, panel.target, panel.measure.name, level.attribute)
    about = about.at(level.name, level.n_patients, level.n_cases)
    p = float(found.adjusted_p[i])
    method = f"group minus whole set; one-sided max-T over {len(groups)} groups, {found.resamples} patient resamples"
    half = found.critical * float(found.errors[i])
    bound = Interval(float(values[i]) - half, float(values[i]) + half, method, 2 * confidence - 1)
    yield stated(about, "worst group", float(values[i]), bound, p=float(found.raw_p[i]), p_adjusted=p,
                 verdict=WORSE if p < 1 - confidence else NOT_WORSE)  # fmt: skip


def _shrunken(panel: Panel) -> Iterator[Row]:
    for attribute in panel.study.partitions:
        split = panel.split(attribute)
        if split.too_few or len(split.levels) < FEWEST_TO_SHRINK:
            continue
        scale, found = pooled_levels(panel, split)
        about = About(panel.version, panel.target, panel.measure.name, attribute)
        for i, level in enumerate(split.levels):
            at = about.at(level.name, level.n_patients, level.n_cases)
            value = found if isinstance(found, Undefined) else scale.back(float(found[1].shrunken[i]))
            yield stated(at, "raw estimate", level.value)
            yield stated(at, "shrunken estimate", value, method=f"best linear unbiased prediction, REML{scale.note}")


ENTRY = Analysis(
    name="worst_group",
    title="Worst group",
    question="Which declared group or intersection does worst, and is that more than searching finds by chance?",
    source="Westfall & Young, 1993; Robinson, Stat Sci 1991;6:15 (shrunken estimates)",
    run=run,
)
