"""The second half of the walk: everything that follows from stored predictions, with tables only.

It needs neither model nor images, so that an auditor redoes it on a laptop: ``run`` calls it once, ``verify`` again.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.analyses.analysing import analyse
from audit.cases.flow import dispositions
from audit.cases.masks import PackedMasks
from audit.catalogue import entries, entry
from audit.curves import curves, has_curves
from audit.decision_tables import (
    COPIES,
    IMAGE_FEATURES,
    MAP_AGREEMENT,
    MAP_REGIONS,
    RANDOM_WEIGHTS,
    RATIONALES,
    UNCERTAINTY,
)
from audit.drawn_cases import before_inference
from audit.engines.shards import cited
from audit.estimates import estimate
from audit.evidence.bundled import bundle_of
from audit.evidence.erasures import erasures
from audit.evidence.files import inside
from audit.evidence.statements import to_json
from audit.evidence.store import AuditStore
from audit.explanation_estimates import estimate_explanations
from audit.explanations.importance import error_importance
from audit.explanations.map_agreement import map_agreement_table
from audit.explanations.map_regions import map_of
from audit.explanations.rationale import Known, rationales_table
from audit.explanations.uncertainty import uncertainty_table
from audit.explanations.verdicts import verdicts
from audit.findings import judge
from audit.measures.repeats import with_repeats
from audit.measures.setting import Setting, setting_of
from audit.plan import Plan, RepeatAcquisitions, Stratum, parse_plan
from audit.records import BoolArray
from audit.tables import (
    ANALYSES,
    CASE_USE,
    CASES,
    CURVES,
    DISPOSITIONS,
    ESTIMATES,
    EXPLANATION_SCORES,
    EXPLANATION_VERDICTS,
    EXPLANATIONS,
    FRESH,
    IMPORTANCE,
    LESIONS,
    LOCALISATIONS,
    MARKS,
    OBSERVATIONS,
    PREDICTIONS,
    REFERENCES,
    stratum_column,
)
from audit.tasks.localising import Spacing, localise, spacing_zyx
from audit.tasks.observations import observe

FINDINGS_FILE, DETERMINISM_FILE = "findings.json", "determinism.json"
OF_DECISIONS = (MAP_AGREEMENT, UNCERTAINTY, RATIONALES)
Frames = dict[str, pd.DataFrame]


def stored_plan(store: AuditStore) -> Plan:
    """The plan as the audit holds it."""
    return parse_plan(store.read_bytes("plan.yaml"), f"{store.audit_id}: plan.yaml")


def stored_setting(store: AuditStore) -> Setting:
    """What the audit's sets say of their reference and their sampling."""
    return setting_of(each["facts"] for each in json.loads(store.read_bytes("set.json"))["sets"])


def recompute(store: AuditStore) -> dict[str, pd.DataFrame | bytes]:
    """Everything that follows from stored predictions, references and explanation scores, done again.

    After an erasure the verdicts follow from the estimates as recorded, which the remaining rows no longer give.
    """
    frames = tabulate(store)
    plan = stored_plan(store)
    if not store.has(f"tables/{CURVES.name}.parquet"):  # made before ROC curves were kept; a lost file is told before
        frames.pop(CURVES.name, None)
    marks = {MARKS.name: gathered_marks(store)} if plan.detects else {}
    judged = _recorded(store) if erasures(store) else frames
    findings = findings_bytes(plan, judged, stored_setting(store))
    return {PREDICTIONS.name: gathered(store), **marks, **frames, FINDINGS_FILE: findings}


def judged_again(store: AuditStore) -> dict[str, pd.DataFrame | bytes]:
    """The verdicts from the stored estimates: all that can be done again without the output of single cases."""
    return {FINDINGS_FILE: findings_bytes(stored_plan(store), _recorded(store), stored_setting(store))}


def _recorded(store: AuditStore) -> Frames:
    """The tables that verdicts follow from, as the audit holds them."""
    return {table.name: store.read_table(table) for table in (ESTIMATES, ANALYSES)}


def tabulate(store: AuditStore) -> Frames:
    """Dispositions, localisations, observations, estimates, analyses and importance from what the audit holds."""
    plan, cases = stored_plan(store), store.read_table(CASES)
    references, predictions = store.read_table(REFERENCES), gathered(store)
    fates = dispositions(cases, references, predictions, plan)
    grouped = _by_use(plan, cases)
    localised = _localised(store, plan, cases, predictions) if plan.detects else None
    observations = _observed(store, plan, cases, references, predictions, localised)
    explanations = store.read_table(EXPLANATIONS)
    drawn_before = before_inference(explanations, explanations)
    explained = estimate_explanations(plan, cases, drawn_before, stored_scores(store))
    setting = stored_setting(store)
    estimated = estimate(grouped, cases, observations, fates, setting, localised)
    estimates = ESTIMATES.conform(pd.concat([estimated, explained], ignore_index=True))
    decisions = _decisions(store, plan, cases, observations)
    counted = decisions | {
        name: before_inference(decisions[name], explanations)
        for name in (MAP_REGIONS.name, MAP_AGREEMENT.name)
        if name in decisions
    }
    analyses = analyse(plan, cases, observations, fates, estimates, _populations(store), references, setting, counted)
    if plan.explanations and plan.explanations.methods:
        decisions[RATIONALES.name] = _rationales(store, plan, cases, observations, estimates, decisions)
    return {
        **({} if localised is None else {LOCALISATIONS.name: localised}),
        **_curves(plan, cases, observations, fates, localised),
        **_explained(plan, store, drawn_before, estimates, analyses),
        **{table.name: decisions[table.name] for table in OF_DECISIONS if table.name in decisions},
        DISPOSITIONS.name: fates,
        OBSERVATIONS.name: observations,
        ESTIMATES.name: estimates,
        ANALYSES.name: analyses,
        IMPORTANCE.name: _importance(plan, cases, observations, decisions.get(IMAGE_FEATURES.name)),
    }


def stored_scores(store: AuditStore) -> pd.DataFrame | None:
    """EXPLANATION_SCORES; None for an audit made before maps were scored one by one."""
    present = store.has(f"tables/{EXPLANATION_SCORES.name}.parquet")
    return store.read_table(EXPLANATION_SCORES) if present else None


def _explained(
    plan: Plan, store: AuditStore, explanations: pd.DataFrame, estimates: pd.DataFrame, analyses: pd.DataFrame
) -> Frames:
    """Verdicts on the maps, of audits that scored them one by one."""
    if stored_scores(store) is None:
        return {}
    return {EXPLANATION_VERDICTS.name: verdicts(plan, estimates, analyses, explanations)}


def _by_use(plan: Plan, cases: pd.DataFrame) -> Plan:
    """The plan with fresh and reused cases as one more stratum, where the audit's cases are of both kinds."""
    if CASE_USE in plan.strata or stratum_column(CASE_USE) not in cases:
        return plan
    return plan.model_copy(update={"strata": {**plan.strata, CASE_USE: Stratum(baseline=FRESH)}})


def findings_bytes(plan: Plan, frames: Mapping[str, pd.DataFrame], setting: Setting) -> bytes:
    """findings.json: the verdict on every endpoint, from ESTIMATES and ANALYSES."""
    found = judge(plan, frames[ESTIMATES.name], frames[ANALYSES.name], setting)
    return to_json([asdict(finding) for finding in found], indent=2)


def gathered(store: AuditStore) -> pd.DataFrame:
    """All predictions of the audit, from its shards and its copies of recorded tables."""
    names = sorted(store.subjects())
    parts = [n for n in names if n.endswith(".parquet") and n.startswith(("recorded/", "shards/"))]
    return PREDICTIONS.conform(pd.concat([store.read_table(PREDICTIONS, n) for n in parts], ignore_index=True))


def _curves(
    plan: Plan, cases: pd.DataFrame, observations: pd.DataFrame, fates: pd.DataFrame, localised: pd.DataFrame | None
) -> Frames:
    """What only plans with a binary or a detection target have."""
    return {CURVES.name: curves(plan, cases, observations, fates, localised)} if has_curves(plan) else {}


def gathered_marks(store: AuditStore) -> pd.DataFrame:
    """All marks of the audit, from its shards and its copies of recorded files."""
    names = sorted(name for name in store.subjects() if name.startswith("marks/"))
    return MARKS.conform(pd.concat([store.read_table(MARKS, name) for name in names], ignore_index=True))


def _localised(store: AuditStore, plan: Plan, cases: pd.DataFrame, predictions: pd.DataFrame) -> pd.DataFrame:
    """LOCALISATIONS of every version and detection target, over the cases that the version processed."""
    lesions, marks, spacing = store.read_table(LESIONS), gathered_marks(store), _spacing(cases)
    made = predictions[predictions["error"].isna()]
    parts = []
    for version in sorted(predictions["version"].unique()):
        for name, target in plan.targets.items():
            if target.localisation is not None:
                mine = made[(made["version"] == version) & (made["target"] == name)]
                processed = frozenset(mine["case_id"].astype(str))
                mine = marks[(marks["version"] == version) & (marks["target"] == name)]
                theirs = lesions[lesions["target"] == name]
                found = localise(target.localisation, processed, theirs, mine, spacing)
                parts.append(found.assign(version=version, target=name))
    return LOCALISATIONS.conform(pd.concat(parts, ignore_index=True))


def _spacing(cases: pd.DataFrame) -> Spacing:
    known = cases.set_index(cases["case_id"].astype(str))
    thickness = known["slice_thickness_mm"] if "slice_thickness_mm" in known else pd.Series(pd.NA, known.index)
    return lambda case: spacing_zyx(known.at[case, "spacing_mm"], thickness[case])


def _observed(
    store: AuditStore,
    plan: Plan,
    cases: pd.DataFrame,
    references: pd.DataFrame,
    predictions: pd.DataFrame,
    localised: pd.DataFrame | None,
) -> pd.DataFrame:
    load_mask, load_reference = _mask_reader(store), _reference_reader(store)
    seen = [
        observe(version, name, target, cases, references, predictions, load_mask, load_reference(name), localised)
        for version in sorted(predictions["version"].unique())
        for name, target in plan.targets.items()
    ]
    repeats = plan.repeat_acquisitions
    if repeats is not None:
        outputs = {name: entry("tasks", target.task, name).output for name, target in plan.targets.items()}
        seen = [_repeated(table, cases, outputs, repeats) for table in seen]
    return OBSERVATIONS.conform(pd.concat(seen, ignore_index=True))


def _repeated(
    table: pd.DataFrame, cases: pd.DataFrame, outputs: Mapping[str, str], repeats: RepeatAcquisitions
) -> pd.DataFrame:
    output = outputs[str(table["target"].iloc[0])] if len(table) else ""
    return with_repeats(table, cases, output, repeats) if output else table


def _mask_reader(store: AuditStore) -> Callable[[str], NDArray[Any]]:
    """From a cited artifact to mask probabilities; the last few mask files stay in memory."""

    @lru_cache(maxsize=2)
    def archive(file: str) -> dict[str, NDArray[Any]]:
        with np.load(io.BytesIO(store.read_bytes(file)), allow_pickle=False) as stored:
            return {key: stored[key] for key in stored.files}

    @lru_cache(maxsize=2)
    def recorded(file: str) -> PackedMasks:
        return PackedMasks(store.read_bytes(file))

    def read(artifact: str) -> NDArray[Any]:
        file, key, row = cited(artifact)
        return recorded(file)[key] if file.startswith("recorded/") else np.asarray(archive(file)[key][row])

    return read


def _reference_reader(store: AuditStore) -> Callable[[str], Callable[[str], BoolArray]]:
    @lru_cache(maxsize=4)
    def stored(target: str) -> PackedMasks:
        return PackedMasks(store.read_bytes(f"references/{target}.npz"))

    return lambda target: lambda case_id: stored(target)[case_id]


def _populations(store: AuditStore) -> dict[str, dict[str, dict[str, float]]]:
    """The shares of the target population that each set declares."""
    sets = json.loads(store.read_bytes("set.json"))["sets"]
    return {each["name"]: each["facts"]["target_population"] for each in sets if each["facts"]["target_population"]}


def _decisions(store: AuditStore, plan: Plan, cases: pd.DataFrame, observations: pd.DataFrame) -> Frames:
    """The tables about single decisions that the plan asks for: as stored, or from what is stored."""
    made = {
        table.name: store.read_table(table)
        for table in (IMAGE_FEATURES, COPIES, MAP_REGIONS, RANDOM_WEIGHTS)
        if store.has(f"tables/{table.name}.parquet")
    }
    if plan.explanations and plan.explanations.methods and plan.comparator:
        made[MAP_AGREEMENT.name] = _map_agreement(store)
    if plan.uncertainty is not None:
        target = plan.targets[plan.uncertainty.target]
        points = {version: target.operating_point_of(version) for version in plan.versions}
        thresholds = {version: point.threshold if point else None for version, point in points.items()}
        copies = made.get(COPIES.name, COPIES.conform(pd.DataFrame(columns=list(COPIES.columns))))
        made[UNCERTAINTY.name] = uncertainty_table(plan.uncertainty, thresholds, cases, observations, copies, plan.seed)
    return made


def _map_agreement(store: AuditStore) -> pd.DataFrame:
    """From the stored maps; as stored where the evidence is a bundle that leaves them out, and says so."""
    explained, stored = store.read_table(EXPLANATIONS), f"tables/{MAP_AGREEMENT.name}.parquet"
    maps = [str(path) for path in explained["attribution"].dropna()]
    if bundle_of(store.home) and store.has(stored) and not all(inside(store.folder, path).is_file() for path in maps):
        return store.read_table(MAP_AGREEMENT)
    return map_agreement_table(explained, lambda path: map_of(store.read_bytes(path)))


def _rationales(
    store: AuditStore,
    plan: Plan,
    cases: pd.DataFrame,
    observations: pd.DataFrame,
    estimates: pd.DataFrame,
    decisions: Frames,
) -> pd.DataFrame:
    regions, uncertain = (
        decisions.get(table.name, table.conform(pd.DataFrame(columns=list(table.columns))))
        for table in (MAP_REGIONS, UNCERTAINTY)
    )
    known = Known(plan, cases, store.read_table(EXPLANATIONS), observations, estimates, regions, uncertain)
    titles = {name: each.title for name, each in entries("explanations").items()}
    return rationales_table(known, titles)


def _importance(
    plan: Plan, cases: pd.DataFrame, observations: pd.DataFrame, image_features: pd.DataFrame | None
) -> pd.DataFrame:
    asked = plan.explanations
    nothing = asked is None or not (asked.features or asked.surrogate.image_features)
    if asked is None or nothing or plan.targets[asked.target].operating_point is None:
        return IMPORTANCE.conform(pd.DataFrame(columns=list(IMPORTANCE.columns)))
    chosen = observations[observations["target"] == asked.target]
    return error_importance(
        cases, chosen, asked.features, plan.resamples, plan.seed, plan.confidence, plan.too_few, asked.surrogate,
        image_features,
    )  # fmt: skip
