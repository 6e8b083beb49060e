"""Each level against the rest: intervals that hold together, signals corrected for all looks, safety flags that stay.

Three tiers (docs/statistics.md): one test of equality per attribute and measure; within the attribute every level
against the rest; over all attributes Benjamini-Hochberg on the first tier. An adjustment makes a difference harder to
show; it never removes the flag of a level whose own unadjusted interval lies beyond a criterion for the whole set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from audit.analyses.analysis import About, Analysis, Row, missing, stated
from audit.analyses.comparing import Contrasts, against_rest
from audit.analyses.heterogeneity import tested
from audit.analyses.max_t import MaxT, max_t
from audit.analyses.study import FEWEST_TO_TEST, Level, Panel, Split, Study
from audit.plan import Criterion
from audit.records import BoolArray, Interval, Undefined
from audit.statistics.checks import normal_quantile
from audit.statistics.differences import TestResult
from audit.statistics.multiplicity import adjust
from audit.tables import OVERALL

FALSE_DISCOVERY_RATE = 0.10
SIGNAL, NO_SIGNAL = "signal to follow up", "no signal (inconclusive)"
SHOWN, NOT_SHOWN = "different from the rest", "no difference shown (inconclusive)"
TOO_SMALL = f"too small to test (fewer than {FEWEST_TO_TEST})"
BELOW, MEETS, STRADDLES = "below the criterion", "meets the criterion", "straddles the criterion"


@dataclass(frozen=True, slots=True)
class _Family:
    """One attribute of one panel: its test of equality, its contrasts, how many of them were tested."""

    about: About
    test: TestResult
    largest: float
    level: str
    looks: int
    note: str


def run(study: Study) -> list[Row]:
    """Contrasts, each attribute's signal with its Benjamini-Hochberg p, criteria by level, number of looks."""
    rows: list[Row] = []
    for version in study.plan.versions:
        families: list[_Family] = []
        for panel in study.panels:
            if panel.version == version:
                for name in study.plan.strata:
                    rows += _attribute(panel, name, families)
        rows += _signals(version, families)
    return rows + list(_criteria(study))


def _attribute(panel: Panel, attribute: str, families: list[_Family]) -> Iterator[Row]:
    split = panel.split(attribute)
    about = About(panel.version, panel.target, panel.measure.name, attribute).at("all", *split.sizes)
    if split.too_few:
        yield missing(about, "signal", split.too_few)
        return
    contrasts = against_rest(split.levels)
    found = max_t(contrasts.values, contrasts.replicates(panel), panel.study.plan.confidence)
    test = tested(panel, split)
    problem = next((each for each in (found, test) if isinstance(each, Undefined)), None)
    if problem is not None:
        yield missing(about, "signal", problem.reason)
    if isinstance(found, Undefined):
        return
    if not isinstance(test, Undefined):
        families.append(_family(about, test, contrasts, found, split))
    yield from _levels(panel, about, contrasts, found, split)


def _family(about: About, test: TestResult, contrasts: Contrasts, found: MaxT, split: Split) -> _Family:
    i = int(np.round(np.abs(found.statistics), 9).argmax())
    looks = int(testable(split.levels).sum()) if len(split.levels) > 2 else 1
    return _Family(about, test, float(contrasts.values[i]), contrasts.contrasted[i].name, looks, split.note)


def _levels(panel: Panel, about: About, contrasts: Contrasts, found: MaxT, split: Split) -> Iterator[Row]:
    confidence = panel.study.plan.confidence
    large = testable(contrasts.levels)
    for i, level in enumerate(contrasts.contrasted):
        at = about.at(level.name, level.n_patients, level.n_cases)
        value, error = float(contrasts.values[i]), float(found.errors[i])
        p = float(found.raw_p[i]) if large[i] else None
        adjusted = float(found.adjusted_p[i]) if large[i] else None
        name = f"max-T over {len(contrasts.contrasted)} levels, {found.resamples} patient resamples, fixed errors"
        verdict = TOO_SMALL if adjusted is None else SHOWN if adjusted < 1 - confidence else NOT_SHOWN
        together = _around(value, found.critical * error, name, confidence)
        alone = _around(value, normal_quantile(confidence) * error, "unadjusted, bootstrap error", confidence)
        yield stated(at, "difference from the rest", value, together, p=p, p_adjusted=adjusted, verdict=verdict,
                     method=together.method + split.note)  # fmt: skip
        yield stated(at, "difference from the rest, unadjusted", value, alone, p=p)


def testable(levels: Sequence[Level]) -> BoolArray:
    """Which levels are large enough for a test, and have a rest that is."""
    fewest = np.array([level.fewest for level in levels])
    return np.asarray((fewest >= FEWEST_TO_TEST) & (fewest.sum() - fewest >= FEWEST_TO_TEST))


def _around(value: float, half: float, name: str, confidence: float) -> Interval:
    return Interval(value - half, value + half, name, confidence)


def _signals(version: str, families: list[_Family]) -> Iterator[Row]:
    """Benjamini-Hochberg over all tests of equality of a version, whatever their target, measure or attribute."""
    adjusted = adjust([family.test.p for family in families], "bh")
    for family, over_all in zip(families, adjusted.tolist(), strict=True):
        method = f"{family.test.method}; value: {family.level} against the rest; "
        method += f"Benjamini-Hochberg over {len(families)} tests of equality{family.note}"
        verdict = SIGNAL if over_all <= FALSE_DISCOVERY_RATE else NO_SIGNAL
        yield stated(family.about, "signal", family.largest, p=family.test.p, p_adjusted=over_all, verdict=verdict,
                     method=method)  # fmt: skip
    looks = sum(family.looks for family in families)
    words = f"{len(families)} tests of equality, false discovery rate {FALSE_DISCOVERY_RATE:g}, and {looks} contrasts"
    yield stated(About(version=version), "looks", float(len(families) + looks), method=words)


def _criteria(study: Study) -> Iterator[Row]:
    """Every level's own interval against the plan's criterion for the whole set; never adjusted."""
    table = study.estimates[study.estimates["kind"] == "value"]
    for endpoint in study.plan.endpoints:
        criterion = endpoint.criterion
        if criterion is None or criterion.compares or endpoint.group.attribute != OVERALL:
            continue
        rows = table[(table["version"] == "candidate") & (table["target"] == endpoint.target)]
        rows = rows[(rows["measure"] == endpoint.measure) & (rows["attribute"] != OVERALL)]
        for row in rows.sort_values(["attribute", "level"], kind="stable").to_dict("records"):
            about = About("candidate", endpoint.target, endpoint.measure, str(row["attribute"]))
            about = about.at(str(row["level"]), int(row["n_patients"]), int(row["n_cases"]))
            yield _against(about, endpoint.id, criterion, row)


def _against(about: About, endpoint: str, criterion: Criterion, row: Mapping[Any, Any]) -> Row:
    quantity = f"value against the criterion of {endpoint}"
    value, low, high = (row[name] for name in ("value", "low", "high"))
    if pd.isna(value) or pd.isna(low) or pd.isna(high) or criterion.value is None:
        return missing(about, quantity, str(row["undefined"]) if pd.notna(row["undefined"]) else "no interval")
    interval = Interval(float(low), float(high), str(row["method"]))
    return stated(about, quantity, float(value), interval, verdict=_position(criterion, interval),
                  method=f"unadjusted, {interval.method}; {criterion.kind} {criterion.value:g}")  # fmt: skip


def _position(criterion: Criterion, interval: Interval) -> str:
    limit = criterion.value or 0.0
    if criterion.kind == "maximum":
        interval, limit = replace(interval, low=-interval.high, high=-interval.low), -limit
    if interval.high < limit:
        return BELOW if criterion.kind == "minimum" else "above the criterion"
    return MEETS if interval.low >= limit else STRADDLES


ENTRY = Analysis(
    name="contrasts",
    title="Each level against the rest",
    question="Which levels differ from the others, after all looks have been counted, and which miss a criterion?",
    source="Hothorn, Bretz & Westfall, Biom J 2008;50:346; Benjamini & Hochberg, JRSS B 1995;57:289",
    run=run,
)
