"""Scores of explained cases -> estimates of explanation quality: overall and by every stratum of the plan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from audit.catalogue import entry
from audit.estimates import KEY, Row, estimates_table, result_cells, size_cells
from audit.measures.answers import Answer, Side, answer, resampled, rules_of
from audit.measures.groups import Group, declared_groups
from audit.measures.measure import Counts, Measure
from audit.measures.samples import CASE, order_of
from audit.plan import Plan
from audit.records import Rows
from audit.statistics.resampling import patient_counts
from audit.tables import EXPLANATION_SCORES, OVERALL

FIRST_SCORES = ("energy_inside", "area_inside", "completeness_error")


def estimate_explanations(
    plan: Plan, cases: pd.DataFrame, explanations: pd.DataFrame, scores: pd.DataFrame | None
) -> pd.DataFrame:
    """ESTIMATES of explanation quality: each score's mean over the explained cases, target '<target>: <method>'.

    Overall and for each level of every stratum. With fewer patients than the plan's ``too_few`` the mean stands without
    an interval. ``scores`` is None for an audit made before EXPLANATION_SCORES: its three scores stand in
    EXPLANATIONS, and were reported by the attribute by which cases were drawn.
    """
    rows: list[Row] = []
    long = scores if scores is not None else _first_scores(explanations)
    by = ["version", "target", "method"]
    failed = explanations[explanations["error"].notna()]
    for (version, target, method), part in explanations.groupby(by, sort=True):
        mine = long[(long["version"] == version) & (long["target"] == target) & (long["method"] == method)]
        without = failed[(failed["version"] == version) & (failed["target"] == target) & (failed["method"] == method)]
        about = _Part(part, mine, frozenset(without["case_id"]), str(version), f"{target}: {method}")
        rows += _estimated(plan, cases, about, scores is None)
    return estimates_table(rows)


class _Part:
    """The explained cases of one version, target and method with their scores."""

    def __init__(
        self, explained: pd.DataFrame, scores: pd.DataFrame, failed: frozenset[str], version: str, target: str
    ) -> None:
        self.cases = explained.sort_values(["patient_id", "case_id"], kind="stable")
        self.order = order_of(self.cases)
        self.scores = list(dict.fromkeys(scores["score"].astype(str)))
        self.version, self.target = version, target
        self.failed = self.cases["case_id"].isin(list(failed)).to_numpy(dtype=bool)
        wide = scores.pivot(index="case_id", columns="score", values="value").reindex(self.cases["case_id"])
        self.undefined = scores.pivot(index="case_id", columns="score", values="undefined").reindex(
            self.cases["case_id"]
        )
        columns = {name: wide[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in self.scores}
        self.rows = Rows(self.order.patient, {**columns, CASE: np.arange(len(self.cases), dtype=np.float64)})

    def why_none(self, score: str, group: Group) -> str | None:
        """What most maps of a group without any value have instead of one; None where nothing is recorded."""
        reasons = self.undefined[score][group.members].dropna().astype(str)
        counted = sorted(reasons.value_counts().items(), key=lambda each: (-each[1], str(each[0])))
        return f"{counted[0][0]} ({counted[0][1]} of {int(group.members.sum())} cases)" if counted else None


def _estimated(plan: Plan, cases: pd.DataFrame, part: _Part, first: bool) -> Iterator[Row]:
    counts = patient_counts(part.order.n_patients, plan.resamples, plan.seed)
    for name in part.scores:
        measure: Measure = entry("measures", name, "explanation scores")
        for group in _groups(plan, cases, part, first):
            kept = part.rows.where(measure.complete(part.rows) & group.members)
            side = Side(measure, kept, replace(rules_of(plan), too_few=1))
            about = ("value", part.version, name, part.target, group.attribute, group.level, None)
            yield {
                **dict(zip(KEY, about, strict=True)),
                **result_cells(_mean_of_few(plan, side, counts, part.why_none(name, group)), plan.confidence),
                **size_cells((side,)),
                "n_failed": int((part.failed & group.members).sum()),
            }


def _groups(plan: Plan, cases: pd.DataFrame, part: _Part, first: bool) -> list[Group]:
    """Levels without an explained case are left out, save those of the attribute by which cases were drawn."""
    drawn_by = plan.explanations.cases.attribute if plan.explanations else OVERALL
    found = [group for group in declared_groups(plan, cases, part.order) if not group.intersection]
    if first:
        return [group for group in found if group.attribute in (OVERALL, drawn_by)]
    return [group for group in found if group.attribute in (OVERALL, drawn_by) or group.members.any()]


def _mean_of_few(plan: Plan, side: Side, counts: Counts, why_none: str | None) -> Answer:
    found = answer("value", (side,), lambda s: resampled([s], counts)[s])
    patients = side.counted.n_patients
    if found.value is None and why_none:
        return Answer(None, None, why_none)
    if found.value is None or patients >= plan.too_few:
        return found
    return Answer(found.value, None, f"no interval from fewer than {plan.too_few} patients ({patients})")


def _first_scores(explanations: pd.DataFrame) -> pd.DataFrame:
    """The scores that stand in EXPLANATIONS, in the shape of EXPLANATION_SCORES."""
    keys = ["version", "case_id", "patient_id", "target", "method"]
    long = explanations[[*keys, *FIRST_SCORES]].melt(keys, var_name="score", value_name="value")
    return EXPLANATION_SCORES.conform(long.assign(detail=None, undefined=None))
