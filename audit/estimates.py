"""Observations -> estimates: the whole set, every declared group, differences between groups and between versions.

A pure function of tables and plan. All versions, groups and measures meet the same resampled patients, drawn from the
plan's seed. A group never disappears: where it has no value its row says why.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from audit.fairness import gap_rows
from audit.measures.answers import Answer, Kind, Rules, Side, answer, bootstrapped, resampled, rules_of
from audit.measures.choice import measures_for
from audit.measures.groups import Group, declared_groups
from audit.measures.measure import Counts, Measure
from audit.measures.resampled_patients import resampled_patients
from audit.measures.samples import CASE, Order, Sample, case_order, no_sample, samples
from audit.measures.setting import USUAL, Setting
from audit.plan import Plan
from audit.records import BoolArray, FloatArray, Rows, distinct
from audit.tables import ESTIMATES

CANDIDATE, COMPARATOR = "candidate", "comparator"
KEY = ("kind", "version", "measure", "target", "attribute", "level", "baseline")
NEED_SPACING = {"volume_reference_ml", "hd95_mm", "assd_mm"}
Row = dict[str, Any]


def estimate(
    plan: Plan,
    cases: pd.DataFrame,
    observations: pd.DataFrame,
    dispositions: pd.DataFrame,
    setting: Setting = USUAL,
    localisations: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """ESTIMATES of an audit; ``cases`` carry the strata, ``localisations`` the marks of detection targets. The order
    of rows in the tables does not matter.

    Only cases with the fate 'analysed' enter values; failed, rejected and equivocal ones are counted in
    ``n_failed``, and counted against the model in 'worst case' rows. ``setting`` says what the sets allow to be
    estimated. Raises ``BadInput`` for measures that a target cannot offer.
    """
    order = case_order(cases, dispositions)
    found = samples(order, observations, dispositions, localisations)
    study = _Study(plan, order, declared_groups(plan, cases, order), found, setting)
    rows: list[Row] = []
    for target in plan.targets:
        for measure in study.measures(target):
            rows += _measured(study, target, measure)
    rows += gap_rows(plan, cases, observations, dispositions, study.resamples, order.patient_ids)
    return estimates_table(rows)


def estimates_table(rows: Iterable[Row]) -> pd.DataFrame:
    """Rows as ESTIMATES with their keys; raises ``ValueError`` when two rows are about the same thing."""
    frame = pd.DataFrame([{"estimate_id": estimate_id(row), **row} for row in rows], columns=list(ESTIMATES.columns))
    if frame["estimate_id"].duplicated().any():
        twice = frame.loc[frame["estimate_id"].duplicated(), list(KEY)].iloc[0].tolist()
        raise ValueError(f"two estimates of the same thing: {twice}")
    return ESTIMATES.conform(frame)


def estimate_id(row: Mapping[str, Any]) -> str:
    """'E' and twelve hexadecimal digits of the SHA-256 over what the row is about, whatever its value."""
    key = "\x1f".join("" if row[name] is None else str(row[name]) for name in KEY)
    return "E" + hashlib.sha256(key.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class _Study:
    """What all estimates of one audit share."""

    plan: Plan
    order: Order
    groups: list[Group]
    samples: Mapping[tuple[str, str], Sample]
    setting: Setting = USUAL

    @cached_property
    def rules(self) -> Rules:
        return rules_of(self.plan)

    @cached_property
    def _counts(self) -> Counts:
        return resampled_patients(self.plan, self.order, self.groups, self.samples)

    def resamples(self) -> Counts:
        """How often each patient is drawn, drawn once, on first use."""
        return self._counts

    @cached_property
    def arms(self) -> tuple[str, ...]:
        return tuple(f"{CANDIDATE} + {arm.name}" for arm in self.plan.perturbation_arms)

    def sample(self, version: str, target: str) -> Sample:
        return self.samples.get((version, target)) or no_sample(self.order)

    def measures(self, target: str) -> list[Measure]:
        """What the plan asks for, without volumes and distances where the set's masks have no spacing."""
        named = set(self.plan.targets[target].measures or ()) | {e.measure for e in self.plan.endpoints}
        return [
            measure
            for measure in measures_for(self.plan, target, self.setting)
            if measure.name in named or not self._lack(target, NEED_SPACING & set(measure.columns))
        ]

    def _lack(self, target: str, columns: Iterable[str]) -> bool:
        """Whether one of the columns is empty in every version."""
        found = [self.sample(version, target).rows.columns for version in self.plan.versions]
        return any(not any(np.isfinite(each[name]).any() for each in found) for name in columns)

    def has_goal(self, measure: str, target: str, group: Group) -> bool:
        """Whether an endpoint sets a minimum or maximum for this measure in this group."""
        return any(
            endpoint.criterion is not None
            and not endpoint.criterion.compares
            and (endpoint.measure, endpoint.target, endpoint.group.attribute) == (measure, target, group.attribute)
            and endpoint.group.level in (group.level, "each")
            for endpoint in self.plan.endpoints
        )


@dataclass(frozen=True)
class _Question:
    """One row to be: what kind, of which version (as printed), which group, which sides give the answer."""

    kind: Kind
    version: str
    group: Group
    baseline: str | None
    sides: tuple[Side, ...]
    failed: int


class _Desk:
    """One measure of one target: builds sides, so that a side asked for twice is computed once."""

    def __init__(self, study: _Study, target: str, measure: Measure) -> None:
        self.study, self.target, self.measure = study, target, measure
        self._sides: dict[tuple[str, str, str, str], Side] = {}
        self._usable: dict[str, BoolArray] = {}

    def usable(self, version: str) -> BoolArray:
        """Cases that are analysed and complete."""
        if version not in self._usable:
            sample = self.study.sample(version, self.target)
            self._usable[version] = sample.analysed & self.measure.complete(sample.rows)
        return self._usable[version]

    def side(self, version: str, group: Group, partner: str | None = None) -> Side:
        """The version in the group; with a ``partner`` version only on the cases that both can use."""
        keep = self.usable(version)
        if partner is not None and np.array_equal(keep, keep & self.usable(partner)):
            partner = None
        keep = (keep & self.usable(partner) if partner else keep) & group.members
        key = version, partner or "", group.attribute, group.level
        if key not in self._sides:
            self._sides[key] = self._new(self.study.sample(version, self.target).rows, keep)
        return self._sides[key]

    def worst(self, version: str, group: Group) -> Side:
        """The version with failed cases counted against it."""
        sample = self.study.sample(version, self.target)
        assert self.measure.worst_case is not None
        rows = self.measure.worst_case(sample.rows, sample.failed)
        keep = (sample.analysed | sample.failed) & self.measure.complete(rows) & group.members
        return self._new(rows, keep)

    def failed(self, group: Group, *versions: str) -> int:
        """Cases of the group without a usable output of any of the versions."""
        lost = np.logical_or.reduce([self.study.sample(version, self.target).failed for version in versions])
        return int((lost & group.members).sum())

    def _new(self, rows: Rows, keep: BoolArray) -> Side:
        return Side(self.measure, rows.where(keep), self.study.rules)


def _measured(study: _Study, target: str, measure: Measure) -> list[Row]:
    desk = _Desk(study, target, measure)
    questions = list(_questions(desk))
    found = _resampled(study, questions)
    return [_answered(study, target, measure, question, found) for question in questions]


def _questions(desk: _Desk) -> Iterator[_Question]:
    plan, groups = desk.study.plan, desk.study.groups
    versions = plan.versions if desk.measure.of_the_model else (CANDIDATE,)
    for version in versions:
        yield from (_value(desk, version, group) for group in groups)
        yield from _worst_case(desk, version, groups[0])
        yield from _contrasts(desk, version)
    if plan.comparator and desk.measure.of_the_model:
        yield from (_change(desk, CANDIDATE, COMPARATOR, group) for group in groups)
    for arm in desk.study.arms if desk.measure.of_the_model else ():
        plain = [group for group in groups if not group.intersection]
        yield from (_value(desk, arm, group) for group in plain)
        yield from (_change(desk, arm, CANDIDATE, group) for group in plain)


def _value(desk: _Desk, version: str, group: Group) -> _Question:
    return _Question("value", version, group, None, (desk.side(version, group),), desk.failed(group, version))


def _worst_case(desk: _Desk, version: str, overall: Group) -> Iterator[_Question]:
    failed = desk.failed(overall, version)
    if failed and desk.measure.worst_case is not None:
        yield _Question("worst case", version, overall, None, (desk.worst(version, overall),), failed)


def _contrasts(desk: _Desk, version: str) -> Iterator[_Question]:
    by_level = {(group.attribute, group.level): group for group in desk.study.groups}
    for group in desk.study.groups:
        base = by_level.get((group.attribute, group.baseline or ""))
        if base is not None and group.level != base.level:
            sides = desk.side(version, group), desk.side(version, base)
            failed = desk.failed(group, version) + desk.failed(base, version)
            yield _Question("contrast", version, group, base.level, sides, failed)


def _change(desk: _Desk, new: str, old: str, group: Group) -> _Question:
    sides = desk.side(new, group, old), desk.side(old, group, new)
    return _Question("change", f"{new} - {old}", group, None, sides, desk.failed(group, new, old))


def _resampled(study: _Study, questions: list[_Question]) -> dict[Side, FloatArray]:
    wanted = list(dict.fromkeys(side for q in questions for side in bootstrapped(q.kind, q.sides)))
    return resampled(wanted, study.resamples()) if wanted else {}


def _answered(
    study: _Study, target: str, measure: Measure, question: _Question, of_resamples: Mapping[Side, FloatArray]
) -> Row:
    goal = question.kind == "value" and study.has_goal(measure.name, target, question.group)
    found = answer(question.kind, question.sides, of_resamples.__getitem__, goal)
    about = {
        "kind": question.kind,
        "version": question.version,
        "measure": measure.name,
        "target": target,
        "attribute": question.group.attribute,
        "level": question.group.level,
        "baseline": question.baseline,
    }
    return {
        **about,
        **result_cells(found, study.plan.confidence),
        **size_cells(question.sides),
        "n_failed": question.failed,
    }


def result_cells(found: Answer, confidence: float) -> Row:
    """The columns of ESTIMATES that hold an answer."""
    interval = found.interval
    return {
        "value": found.value,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "confidence": confidence,
        "method": interval.method if interval else None,
        "n_undefined_resamples": found.undefined_resamples,
        "undefined": found.undefined,
    }


def size_cells(sides: tuple[Side, ...]) -> Row:
    """Patients, cases and reference-positive cases that enter any of the sides."""
    counted = [side.counted for side in sides]
    places = np.concatenate([rows.columns[CASE] for rows in counted]).astype(np.int64)
    patients = np.concatenate([rows.patient for rows in counted])
    events = None
    if all("reference" in rows.columns for rows in counted):
        reference = np.concatenate([rows.columns["reference"] for rows in counted])
        if np.isfinite(reference).any() or not reference.size:  # measurements and grades have no events
            events = distinct(places[reference == 1])
    return {"n_patients": distinct(patients), "n_cases": distinct(places), "n_events": events}
