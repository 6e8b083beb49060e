"""Whether decisions depend on what holds no finding: borders, corners, burned-in marks, what is outside the anatomy.

Masking answers it: the share of decisions that turn when the region is masked, against an equal area of the anatomy.
The maps say where to look: attribution in the region against the region's share of the image.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from audit.analyses.analysis import About, Analysis, Row, missing, stated
from audit.analyses.case_values import (
    CaseValues,
    case_values,
    decision_table,
    mean_row,
    paired_difference,
    plain_groups,
    share_row,
    too_few,
)
from audit.analyses.study import Study
from audit.decision_tables import COPIES, MAP_REGIONS
from audit.measures.groups import Group
from audit.tables import OVERALL

MASKED, INSIDE = "masked", ": inside"
TURNED, TURNED_INSIDE, EXCESS, MOVED = (
    "decisions turned", "decisions turned, equal area inside", "turned beyond the equal area", "change of the score",
)  # fmt: skip
BEYOND = "attribution beyond the region's area"
DEPENDS, NONE_SHOWN, OPEN = "depends", "no dependence shown", "not settled"


def run(study: Study) -> list[Row]:
    """Every version and region of the plan, overall and by level of every stratum."""
    asked = study.plan.shortcuts
    if asked is None:
        return [missing(About("set"), TURNED, "not assessed: the plan does not search shortcuts", "not assessed")]
    copies, maps = decision_table(study, COPIES), decision_table(study, MAP_REGIONS)
    copies = copies[copies["target"] == asked.target]
    rows: list[Row] = []
    for version in study.plan.versions:
        mine = copies[(copies["version"] == version) & copies["purpose"].isin((MASKED, "unread"))]
        for region in asked.regions if len(mine) else ():
            rows += _masked(study, version, asked.target, region, mine)
        rows += _attributed(study, version, maps[maps["version"] == version])
    return rows


def _masked(study: Study, version: str, target: str, region: str, copies: pd.DataFrame) -> Iterator[Row]:
    names = region, region + INSIDE
    turned = [_turned(study, version, target, copies[copies["copy"] == name]) for name in names]
    moved = _moved(study, version, target, copies[copies["copy"] == region])
    for group in plain_groups(study):
        yield _judged(study, turned, region, group)
        yield share_row(turned[1], region, TURNED_INSIDE, group)
        yield _excess(turned, region, group)
        yield mean_row(moved, region, MOVED, group)


def _turned(study: Study, version: str, target: str, copies: pd.DataFrame) -> CaseValues:
    """1 where the masked copy is decided otherwise than the image; NaN without an operating point."""
    point = study.plan.targets[target].operating_point_of(version)
    score = case_values(study, version, target, copies, "score")
    decision = study.sample(version, target).rows.columns["decision"]
    known = score.known & np.isfinite(decision)
    if point is None:
        return CaseValues(study, version, target, np.full(known.size, np.nan))
    with np.errstate(invalid="ignore"):
        other = (score.values >= point.threshold) != (decision == 1)
    return CaseValues(study, version, target, np.where(known, other.astype(float), np.nan))


def _moved(study: Study, version: str, target: str, copies: pd.DataFrame) -> CaseValues:
    score = case_values(study, version, target, copies, "score")
    before = study.sample(version, target).rows.columns["score"]
    return CaseValues(study, version, target, np.abs(score.values - before))


def _judged(study: Study, turned: list[CaseValues], region: str, group: Group) -> Row:
    row = share_row(turned[0], region, TURNED, group)
    if row["value"] is None:
        return row
    excess = _excess(turned, region, group)
    return {**row, "verdict": _verdict(row, excess, study.plan.shortcuts.tolerated if study.plan.shortcuts else 0.0)}


def _verdict(row: Row, excess: Row, tolerated: float) -> str:
    """It depends where more decisions turn than are tolerated and, beyond chance, than by the equal area inside."""
    if row["value"] > tolerated and excess["low"] is not None and excess["low"] > 0:
        return DEPENDS
    return NONE_SHOWN if row["high"] <= tolerated else OPEN


def _excess(turned: list[CaseValues], region: str, group: Group) -> Row:
    both = turned[0].known & turned[1].known & group.members
    pair = [CaseValues(each.study, each.version, each.target, np.where(both, each.values, np.nan)) for each in turned]
    about = pair[0].about(region, group)
    few = too_few(pair[0], about)
    if few is not None:
        return missing(about, EXCESS, few)
    value, interval = paired_difference(*pair)
    return stated(about, EXCESS, value, interval)


def _attributed(study: Study, version: str, maps: pd.DataFrame) -> Iterator[Row]:
    """Share of attribution in the region minus the region's share of the image, per method, over explained cases."""
    asked, drawn_by = study.plan.shortcuts, OVERALL
    if study.plan.explanations is not None:
        drawn_by = study.plan.explanations.cases.attribute
    for (target, method), part in maps.groupby(["target", "method"], sort=True):
        for region in asked.regions if asked else ():
            mine = part[part["region"] == region]
            values = case_values(study, version, str(target), mine.assign(more=mine["share"] - mine["area"]), "more")
            for group in plain_groups(study):
                if group.attribute in (OVERALL, drawn_by, "site"):
                    yield mean_row(values, f"{region}: {method}", BEYOND, group, least=1)


ENTRY = Analysis(
    name="shortcuts",
    title="Search for shortcuts",
    question="Do decisions depend on parts of the image that hold no finding?",
    source="Geirhos et al., Nat Mach Intell 2020;2:665; Zech et al., PLoS Med 2018;15:e1002683",
    run=run,
)
