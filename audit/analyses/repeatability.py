"""Precision from repeat acquisitions: repeatability within one session, reproducibility between scanners or sites.

Of the device's continuous output, on every case that has one; no reference is needed. Sources: Raunig et al., Stat
Methods Med Res 2015;24:27; Obuchowski & Bullen, Stat Methods Med Res 2018;27:3139; FDA, Technical Performance
Assessment of Quantitative Imaging in Radiological Device Premarket Submissions, 2022.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from audit.analyses.analysis import About, Analysis, Row, missing, stated
from audit.analyses.study import Study
from audit.catalogue import entry
from audit.measures.groups import Group
from audit.measures.repeats import labels
from audit.plan import Target
from audit.records import Undefined
from audit.statistics.repeatability import Precision, Repeatability, repeatability
from audit.tables import NO_REFERENCE, OVERALL, UNKNOWN, stratum_column

NONE = "not assessed: the plan marks no repeat acquisitions"
IN_UNITS = ("measurement", "segmentation")
"""Tasks whose output has a zero that means none, so that a coefficient of variation means something."""


def run(study: Study) -> list[Row]:
    """Every version and target with a continuous output, overall and by level of every stratum."""
    if study.plan.repeat_acquisitions is None:
        return [missing(About("set"), "within-subject SD", NONE, "not assessed")]
    rows: list[Row] = []
    for target in study.plan.repeat_acquisitions.targets or tuple(study.plan.targets):
        facts = study.plan.targets[target]
        output = entry("tasks", facts.task, f"target '{target}'").output
        for version in study.plan.versions if output else ():
            rows += _target(study, version, target, facts, _outputs(study, version, target, output))
    return rows or [missing(About("set"), "within-subject SD", "no target has a continuous output", "not assessed")]


def _outputs(study: Study, version: str, target: str, output: str) -> pd.DataFrame:
    """case_id, patient_id, output, session and condition of every case that has an output and is not excluded."""
    asked = study.plan.repeat_acquisitions
    assert asked is not None
    fates, seen = study.dispositions, study.observations
    fates = fates[(fates["version"] == version) & (fates["target"] == target)]
    kept = fates[(fates["fate"] != "excluded") | (fates["reason"] == NO_REFERENCE)]["case_id"].astype(str)
    rows = seen[(seen["version"] == version) & (seen["target"] == target) & seen[output].notna()]
    rows = rows[rows["case_id"].astype(str).isin(set(kept))]
    cases = study.cases.set_index(study.cases["case_id"].astype(str)).reindex(rows["case_id"].astype(str).to_numpy())
    frame = pd.DataFrame({"case_id": cases.index, "patient_id": cases["patient_id"].astype(str).to_numpy()})
    frame["output"] = rows[output].to_numpy(dtype=np.float64)
    frame["condition"] = labels(cases, asked.conditions).to_numpy()
    frame["session"] = labels(cases, asked.within).to_numpy()
    return frame.sort_values(["patient_id", "case_id"], kind="stable").reset_index(drop=True)


def _target(study: Study, version: str, target: str, facts: Target, rows: pd.DataFrame) -> Iterator[Row]:
    for group in study.groups:
        if group.intersection or (group.attribute != OVERALL and group.level == UNKNOWN):
            continue
        part = rows[rows["case_id"].isin(_members(study, group))]
        repeated = part.groupby("patient_id").filter(lambda mine: len(mine) > 1)
        about = About(version, target, attribute=group.attribute, level=group.level,
                      n_patients=repeated["patient_id"].nunique(), n_cases=len(repeated))  # fmt: skip
        yield from _group(study, about, facts, repeated)


def _members(study: Study, group: Group) -> set[str]:
    if group.attribute == OVERALL:
        return set(study.cases["case_id"].astype(str))
    return set(study.cases["case_id"].astype(str)[_level(study, group)])


def _level(study: Study, group: Group) -> pd.Series:
    return study.cases[stratum_column(group.attribute)].astype("string").fillna(UNKNOWN) == group.level


def _group(study: Study, about: About, facts: Target, rows: pd.DataFrame) -> Iterator[Row]:
    few = study.plan.too_few
    if about.n_patients < few:
        why = f"fewer than {few} patients with repeat acquisitions ({about.n_patients})"
        yield missing(about, "within-subject SD", why if about.n_patients else "no patient has repeat acquisitions")
        return
    values, patients = rows["output"].to_numpy(dtype=np.float64), rows["patient_id"].to_numpy(dtype=str)
    within = repeatability(values, patients, rows["session"].to_numpy(dtype=str), study.plan.confidence)
    assert isinstance(within, Repeatability)
    yield _stated(about, "within-subject SD", within.within_sd)
    yield _stated(about, "repeatability coefficient", within.coefficient)
    if facts.task in IN_UNITS:
        yield _stated(about, "within-subject CV, %", within.cv_percent)
    if study.plan.repeat_acquisitions and study.plan.repeat_acquisitions.conditions:
        between = repeatability(values, patients, rows["condition"].to_numpy(dtype=str), study.plan.confidence)
        assert isinstance(between, Repeatability)
        found = between.reproducibility
        sd, coefficient = (found, found) if isinstance(found, Undefined) else (found.sd, found.coefficient)
        yield _stated(about, "reproducibility SD", sd)
        yield _stated(about, "reproducibility coefficient", coefficient)


def _stated(about: About, quantity: str, found: Precision | Undefined) -> Row:
    if isinstance(found, Undefined):
        return missing(about, quantity, found.reason)
    return stated(about, quantity, found.value, found.interval)


ENTRY = Analysis(
    name="repeatability",
    title="Repeatability and reproducibility",
    question="How much of a change of one patient is measurement error, on one scanner and between scanners?",
    source="Raunig et al., Stat Methods Med Res 2015;24:27; Obuchowski & Bullen, Stat Methods Med Res 2018;27:3139",
    run=run,
)
