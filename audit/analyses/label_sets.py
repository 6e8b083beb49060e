"""Several findings of one output set, taken together: macro and micro averages, and how often all findings are right.

Macro: the mean over findings, each counting alike. Micro: all calls pooled, patients as clusters. Subset accuracy: the
share of cases on which every finding is called right; Hamming loss: the share of wrong calls. Sources: Sokolova &
Lapalme, Inf Process Manag 2009;45:427; Zhang & Zhou, IEEE Trans Knowl Data Eng 2014;26:1819.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from audit.analyses.analysis import About, Analysis, Row, missing, stated
from audit.analyses.study import Panel, Study
from audit.catalogue import entry
from audit.measures.measure import Measure
from audit.records import BoolArray, FloatArray, IntArray, Interval, Rows, Undefined
from audit.statistics.clusters import clustered_proportion
from audit.statistics.resampling import percentile_interval, sums_by_patient

NONE = "not assessed: the plan declares no label set"
MACRO = ("auroc", "sensitivity", "specificity")
MICRO = ("sensitivity", "specificity")


def run(study: Study) -> list[Row]:
    """Every label set and version."""
    rows: list[Row] = []
    for name, members in study.plan.label_sets.items():
        for version in study.plan.versions:
            rows += _macro(study, version, name, members)
            rows += _micro(study, version, name, members)
            rows += _together(study, version, name, members)
    return rows or [missing(About("set"), "macro average", NONE, "not assessed")]


def _macro(study: Study, version: str, name: str, members: tuple[str, ...]) -> Iterator[Row]:
    for measure in MACRO:
        panels = [study.panel(version, member, measure) for member in members]
        asked = [panel for panel in panels if panel is not None]
        kept = [panel for panel in asked if not isinstance(panel.overall.side.point, Undefined)]
        patients, cases = _sizes(kept)
        about = About(version, name, measure, n_patients=patients, n_cases=cases)
        if not kept:
            yield missing(about, "macro average", "no finding of the set has a value")
            continue
        drawn = np.mean([panel.replicates_of([panel.overall])[0] for panel in kept], axis=0)
        value = float(np.mean([panel.overall.value for panel in kept]))
        interval = percentile_interval(drawn, study.plan.confidence)
        left = [member for member in members if member not in {panel.target for panel in kept}]
        note = f"; left out, without a value: {', '.join(left)}" if left else ""
        method = f"{interval.method}, {len(kept)} findings{note}" if isinstance(interval, Interval) else None
        yield stated(about, "macro average", value, interval, method=method)


def _sizes(panels: list[Panel]) -> tuple[int, int]:
    """Patients that enter any of the panels, and cases of the largest."""
    rows = [panel.overall.rows for panel in panels]
    patients = np.concatenate([each.patient for each in rows]) if rows else np.zeros(0)
    return int(np.unique(patients).size), max((len(each) for each in rows), default=0)


@dataclass(frozen=True, slots=True)
class _Calls:
    """Decision and reference (cases, findings) of the whole set with NaN where a case has none; its patients."""

    decision: FloatArray
    reference: FloatArray
    patient: IntArray

    @property
    def known(self) -> BoolArray:
        return np.asarray(np.isfinite(self.decision) & np.isfinite(self.reference))


def _calls(study: Study, version: str, members: tuple[str, ...]) -> _Calls:
    found = [study.sample(version, member) for member in members]

    def column(name: str) -> FloatArray:
        return np.column_stack([np.where(each.analysed, each.rows.columns[name], np.nan) for each in found])

    return _Calls(column("decision"), column("reference"), study.order.patient)


def _micro(study: Study, version: str, name: str, members: tuple[str, ...]) -> Iterator[Row]:
    calls = _calls(study, version, members)
    case, label = np.nonzero(calls.known)
    columns = {"decision": calls.decision[case, label], "reference": calls.reference[case, label]}
    rows = Rows(calls.patient[case], columns)
    for measure in MICRO:
        facts: Measure = entry("measures", measure, "label sets")
        counted = facts.contributing(rows)
        about = About(version, name, measure, n_patients=counted.n_patients, n_cases=int(np.unique(case).size))
        yield stated(about, "micro average", *facts.both(rows, study.plan.confidence))


def _together(study: Study, version: str, name: str, members: tuple[str, ...]) -> Iterator[Row]:
    """Over the cases on which every finding has a call and a reference."""
    calls = _calls(study, version, members)
    complete = calls.known.all(axis=1)
    patient = np.unique(calls.patient[complete], return_inverse=True)[1]
    about = About(version, name, n_patients=np.unique(patient).size, n_cases=int(complete.sum()))
    wrong = calls.decision[complete] != calls.reference[complete]
    ones = np.ones(int(complete.sum()))
    for quantity, events, units in (
        ("subset accuracy", (~wrong).all(axis=1).astype(np.float64), ones),
        ("Hamming loss", wrong.sum(axis=1).astype(np.float64), len(members) * ones),
    ):
        if about.n_cases < study.plan.too_few:
            yield missing(about, quantity, f"fewer than {study.plan.too_few} cases with a call on every finding")
            continue
        sums = sums_by_patient(np.column_stack([events, units]), patient, about.n_patients)
        found = clustered_proportion(sums[:, 0], sums[:, 1], study.plan.confidence)
        interval = found if isinstance(found, Undefined) else found.interval
        yield stated(about, quantity, float(events.sum() / units.sum()), interval)


ENTRY = Analysis(
    name="label_sets",
    title="Findings of one output set together",
    question="How good is the device over all its findings, and how often is a case called right in all of them?",
    source="Sokolova & Lapalme, Inf Process Manag 2009;45:427; Zhang & Zhou, IEEE Trans Knowl Data Eng 2014;26:1819",
    run=run,
)
