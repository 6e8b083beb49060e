"""The order of the walk: its first half, with the model. The second, with tables only, stands in ``tabulating``.

``lock_plan`` binds plan, sets and model files before results exist. ``run_plan`` makes the one pass and states
everything that follows from it. Every function takes the time as an argument or through the store's clock.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import pandas as pd

from audit.attributes.levels import stratify
from audit.cases.concerns import concerns
from audit.cases.joining import join_sets
from audit.cases.lesions import lesions_table
from audit.cases.loading import check_files, file_loader, image_loader, mask_loader
from audit.cases.located import locator
from audit.cases.manifest import ValidationSet, find_set, read_set
from audit.cases.masks import Mask
from audit.cases.packing import Packed, packed, packed_predictions
from audit.cases.person_columns import without_persons
from audit.cases.references import combined_only, references_table
from audit.cases.unnamed import artifacts_without_paths, unnamed, without_paths
from audit.catalogue import entry
from audit.deciding import (
    Looking,
    check_decisions,
    state_copies,
    state_features,
    state_marked,
    state_random_weights,
    state_regions,
)
from audit.decision_tables import MAP_AGREEMENT, RATIONALES, UNCERTAINTY
from audit.drawn_cases import drawn_cases
from audit.engines.local import Arm, run_pass
from audit.engines.perturbations import perturbation
from audit.engines.repeating import drawn_to_repeat, repeated
from audit.engines.shards import Shard, masks_bytes
from audit.evidence.keys import SigningKey
from audit.evidence.lineage import DatasetUse, log_lineage, log_results
from audit.evidence.locks import amend, find_lock, finish, lock, start
from audit.evidence.parquet import table_bytes
from audit.evidence.pointers import log_pointers
from audit.evidence.producer import environment, producer
from audit.evidence.registry import state_registry
from audit.evidence.sbom import state_sbom
from audit.evidence.statements import sha256, to_json
from audit.evidence.store import AuditStore, open_audit
from audit.evidence.uses import case_use, with_uses
from audit.explanations.black_box import BlackBox
from audit.explanations.explaining import CaseFacts, Explained, explain_cases
from audit.findings import check_plan
from audit.model_refs import RecordedPredictions
from audit.models.model import OpenModel
from audit.models.opening import cuda_present, determinism, open_version, require_outputs
from audit.models.recorded import mask_digests, read_recorded, recorded_version
from audit.models.recorded_marks import read_recorded_marks
from audit.models.stored import file_digests
from audit.plan import Plan, StoredPlan, read_plan
from audit.records import BadInput, ModelVersion, Statement
from audit.stating import state_device
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
    IMPORTANCE,
    LESIONS,
    LOCALISATIONS,
    MARKS,
    OBSERVATIONS,
    PREDICTIONS,
    REFERENCES,
    stratum_column,
)
from audit.tabulating import (
    DETERMINISM_FILE,
    FINDINGS_FILE,
    findings_bytes,
    gathered,
    gathered_marks,
    stored_plan,
    stored_setting,
    tabulate,
)

SHARD_SIZE = 64
Frames = dict[str, pd.DataFrame]
Progress = Callable[[str, int, int], None]
"""Called with what is under way, how many are done and how many there are."""


def silent(what: str, done: int, total: int) -> None:
    """Reports to nobody."""


@dataclass(frozen=True)
class Inputs:
    """Plan, validation set (cases with strata), references and lesions: all that is known before a model is opened."""

    stored: StoredPlan
    sets: tuple[ValidationSet, ...]
    cases: ValidationSet
    references: pd.DataFrame
    lesions: pd.DataFrame

    @property
    def plan(self) -> Plan:
        return self.stored.plan

    @property
    def simulated(self) -> bool:
        return any(each.facts.simulated for each in self.sets)


@dataclass(frozen=True)
class Versions:
    """The opened versions by role; recorded ones have predictions, and for detection marks, instead of a model, and
    ``files`` with their masks (path inside the audit -> bytes)."""

    facts: Mapping[str, ModelVersion]
    models: Mapping[str, OpenModel]
    recorded: Mapping[str, pd.DataFrame]
    marks: Mapping[str, pd.DataFrame]
    files: Mapping[str, Mapping[str, bytes]]


def gather(plan_path: Path) -> Inputs:
    """Reads plan, sets and references and refuses what cannot work, before any image is loaded."""
    return gather_stored(read_plan(plan_path))


def gather_stored(stored: StoredPlan) -> Inputs:
    """As ``gather``, of a plan that was read already; its sets are looked for beside ``stored.path``."""
    plan = stored.plan
    sets = tuple(read_set(find_set(name, stored.path.parent)) for name in plan.validation_sets)
    joined = join_sets(list(sets))
    cases = stratify(joined.cases, plan.strata)
    levels = {name: sorted(cases[stratum_column(name)].unique()) for name in plan.strata}
    check_plan(plan, levels)
    check_explanations(plan, cases)
    check_repeats(plan, cases)
    check_decisions(plan, cases)
    _refuse_patient_level(plan, cases)
    lesions = lesions_table(joined, plan.targets)
    references = references_table(cases, plan.targets, joined.facts.readings, lesions)
    return Inputs(stored, sets, replace(joined, cases=cases), references, lesions)


def check_explanations(plan: Plan, cases: pd.DataFrame) -> None:
    """Refuses methods that do not exist and features that no case has, before any image is loaded."""
    asked = plan.explanations
    for name in asked.methods if asked else ():
        method = entry("explanations", name, "explanations.methods")
        for role, ref in plan.models.items():
            _check_method(method, role, ref)
    for name in asked.features if asked else ():
        if name not in cases and stratum_column(name) not in cases:
            known = [str(column) for column in cases if not str(column).startswith("stratum:")]
            raise BadInput(
                f"explanations.features: '{name}' is no stratum of the plan and no column of the manifest, which has "
                f"{', '.join(known[:25])}{', ...' if len(known) > 25 else ''}; correct the name or remove it."
            )


def _check_method(method: Any, role: str, ref: Any) -> None:
    """Refuses a method that the format of a version cannot serve. A recorded comparator is not explained at all."""
    lacks = "gradients" if method.needs_gradients and not ref.gradients else ""
    lacks = lacks or ("the layers of a network" if method.needs_layers and not ref.layers else "")
    if lacks and not isinstance(ref, RecordedPredictions):
        raise BadInput(
            f"explanations.methods: {method.name} needs {lacks}, which the {role} (kind '{ref.kind}') does not keep; "
            "leave it out, or export the version as pt2."
        )


def check_repeats(plan: Plan, cases: pd.DataFrame) -> None:
    """Refuses columns of repeat acquisitions that no case has, and a set without any repeat."""
    asked = plan.repeat_acquisitions
    for name in asked.within if asked else ():
        if name not in cases and stratum_column(name) not in cases:
            known = [str(column) for column in cases if not str(column).startswith("stratum:")]
            raise BadInput(
                f"repeat_acquisitions: '{name}' is no stratum of the plan and no column of the manifest, which has "
                f"{', '.join(known[:25])}{', ...' if len(known) > 25 else ''}; correct the name or remove it."
            )
    if asked and not cases["patient_id"].duplicated().any():
        raise BadInput(
            "repeat_acquisitions: every patient of the set has one case, so that nothing was repeated; remove the key "
            "or add the repeat acquisitions to the manifest."
        )


def check_stored(inputs: Inputs, progress: Progress = silent) -> dict[str, Packed]:
    """Hashes every file of the sets against its manifest and reads every reference mask: by target, as evidence keeps
    them.

    Raises ``BadInput`` for the first that differs or cannot be read. An image whose bytes are as declared and that
    cannot be decoded is no bad input: it becomes a failed case.
    """
    files = len(inputs.cases.cases) * len(inputs.cases.file_columns)
    checked = 0

    def advance(more: int) -> None:
        nonlocal checked
        checked += more
        progress("files checked", checked, files)

    check_files(inputs.cases, advance)
    return {name: packed(cases, load) for name, cases, load in _masks(inputs)}


def _refuse_patient_level(plan: Plan, cases: pd.DataFrame) -> None:
    """Estimates are per image, with intervals over patients; per patient they are the same only with one image each."""
    several = int((cases["patient_id"].value_counts() > 1).sum())
    for endpoint in plan.endpoints:
        if endpoint.unit_of_analysis == "patient" and several:
            raise BadInput(
                f"endpoint {endpoint.id}: unit_of_analysis is 'patient', but {several} patients have several images; "
                "how these make one call (highest score, any positive) is the device's part: list one row per patient "
                "with the device's output for the patient, or use 'image' (intervals are over patients either way)."
            )


def set_digests(inputs: Inputs) -> dict[str, str]:
    """Set name -> SHA-256 over its full content."""
    return {each.name: each.sha256 for each in inputs.sets}


def model_digests(stored: StoredPlan, home: Path) -> dict[str, dict[str, str]]:
    """Role -> file -> SHA-256 of every file a version consists of (of a recorded one: its table)."""
    digests: dict[str, dict[str, str]] = {}
    for role, ref in stored.plan.models.items():
        if isinstance(ref, RecordedPredictions):
            digests[role] = {Path(name).name: sha256(_bytes(stored.locate(name))) for name in ref.files}
        else:
            digests[role] = file_digests(ref, home)
    return digests


def lock_plan(plan_path: Path, home: Path, who: str, at: str, key: SigningKey | None = None) -> AuditStore:
    """Locks the plan with the digests of its sets and model files; no result exists yet.

    What ``run_plan`` would refuse is refused here: a lock that can never be run is worth nothing.
    """
    inputs = gather(plan_path)
    _open(inputs, home, "cpu")
    check_stored(inputs)
    return lock(home, inputs.stored, set_digests(inputs), model_digests(inputs.stored, home), who, at, key=key)


def run_plan(
    plan_path: Path,
    home: Path,
    who: str,
    at: str,
    end: Callable[[], str],
    device: str,
    progress: Progress = silent,
    key: SigningKey | None = None,
) -> AuditStore:
    """Runs the plan, or what is left of an interrupted run; an audit that is complete is returned as it is.

    ``at`` is the time of the start, ``end`` gives that of the end (UTC, ISO 8601).
    """
    inputs = gather(plan_path)
    versions = _open(inputs, home, device)
    masks = check_stored(inputs, progress)
    settings = determinism(device)
    facts = producer(device) | {"determinism": settings | {"seed": inputs.plan.seed}}
    digests = set_digests(inputs), model_digests(inputs.stored, home)
    store = start(home, inputs.stored, *digests, who, at, producer=facts, key=key)
    if store.state == "complete":
        return store
    inputs = _with_uses(inputs, store)
    try:
        _walk(inputs, versions, masks, store, facts, progress)
    except BaseException as error:
        said = unnamed(" ".join(str(error).split()), inputs.cases.cases)
        finish(store, "aborted", end(), who, f"{type(error).__name__}: {said[:200]}")
        raise
    finish(store, "complete", end(), who)
    return store


def _with_uses(inputs: Inputs, store: AuditStore) -> Inputs:
    """The cases with how often each was used before; a stratum of its own where fresh and reused cases are mixed."""
    cases = with_uses(store, inputs.cases.cases)
    levels = case_use(cases)
    if levels.nunique() > 1 and CASE_USE not in inputs.plan.strata:
        cases[stratum_column(CASE_USE)] = levels
    return replace(inputs, cases=replace(inputs.cases, cases=cases))


def locked_or_none(plan_path: Path, home: Path) -> AuditStore | None:
    """The audit that this very plan was locked in, if it was."""
    return find_lock(home, read_plan(plan_path).sha256)


def _walk(
    inputs: Inputs,
    versions: Versions,
    masks: Mapping[str, Packed],
    store: AuditStore,
    facts: Mapping[str, Any],
    progress: Progress,
) -> None:
    bound = store.latest("lock") or store.latest("start")
    known = _state_inputs(inputs, versions, masks, store, facts, [bound] if bound else [])
    state_sbom(store)
    log_lineage(store, inputs.plan, [DatasetUse(each.name, each.sha256) for each in inputs.sets], versions.facts)
    _pass(inputs, versions, store, known, progress)
    _repeat(inputs, versions, store, known, progress)
    predictions, sources = gathered(store), store.statements("shard") + store.statements("recorded")
    predicted = store.put_table(PREDICTIONS, predictions, sources)
    if inputs.plan.detects:
        known = [*known, store.put_table(MARKS, gathered_marks(store), sources + store.statements("recorded marks"))]
    looking = Looking(inputs.plan, inputs.cases, versions.models, store, progress)
    looked = [*state_features(looking, known), *state_copies(looking, [predicted])]
    explained = _explain(inputs, versions, store, predictions, predicted, progress)
    looked += [*state_regions(looking, explained), *state_random_weights(looking, inputs.references, [predicted])]
    progress("estimates", 0, 1)
    _state_tables(store, [*known, predicted, *looked, explained])
    progress("estimates", 1, 1)
    log_pointers(store)
    state_registry(store, versions.facts)


def _open(inputs: Inputs, home: Path, device: str) -> Versions:
    facts: dict[str, ModelVersion] = {}
    models: dict[str, OpenModel] = {}
    recorded: dict[str, pd.DataFrame] = {}
    marks: dict[str, pd.DataFrame] = {}
    files: dict[str, dict[str, bytes]] = {}
    for role, ref in inputs.plan.models.items():
        if isinstance(ref, RecordedPredictions):
            recorded[role], marks[role] = _recorded(inputs, ref, role)
            recorded[role], files[role] = _recorded_masks(inputs, ref, recorded[role], role)
            paths = [inputs.stored.locate(name) for name in ref.files]
            facts[role] = recorded_version(ref, paths, inputs.plan.targets)
        else:
            models[role] = open_version(ref, home, device)
            facts[role] = models[role].version
            require_outputs(facts[role], inputs.plan.targets)
    return Versions(facts, models, recorded, marks, files)


def _recorded(inputs: Inputs, ref: RecordedPredictions, role: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """PREDICTIONS and MARKS of a recorded version."""
    targets, cases = inputs.plan.targets, inputs.cases.cases
    predictions, marks = [], MARKS.conform(pd.DataFrame(columns=list(MARKS.columns)))
    if ref.scores is not None and any(target.task != "detection" for target in targets.values()):
        predictions.append(read_recorded(ref, inputs.stored.locate(ref.scores), targets, cases, role))
    if ref.marks is not None and inputs.plan.detects:
        made, marks = read_recorded_marks(ref, inputs.stored.locate(ref.marks), targets, cases, role)
        predictions.append(made)
    return PREDICTIONS.conform(pd.concat(predictions, ignore_index=True)), marks


def _recorded_masks(
    inputs: Inputs, ref: RecordedPredictions, rows: pd.DataFrame, role: str
) -> tuple[pd.DataFrame, dict[str, bytes]]:
    """PREDICTIONS of a recorded version, and its masks by the path inside the audit that they cite."""
    files: dict[str, bytes] = {}
    for name, target in inputs.plan.targets.items():
        if target.task == "segmentation" and ref.scores is not None:
            path = inputs.stored.locate(ref.scores)
            folder = inputs.stored.locate(ref.masks_folder) if ref.masks_folder else path.parent
            place = f"recorded/{role}.{name}.npz"
            digests = mask_digests(ref, path, target)
            rows, files[place] = packed_predictions(rows, name, target, digests, folder, place)
    return rows, files


def _state_inputs(
    inputs: Inputs,
    versions: Versions,
    masks: Mapping[str, Packed],
    store: AuditStore,
    facts: Mapping[str, Any],
    bound: list[Statement],
) -> list[Statement]:
    """States what went in: cases, references, reference masks, set facts, model versions, environment."""
    found = [
        {"severity": each.severity, "what": each.what, "rows": len(each.rows), "remedy": each.remedy}
        for each in concerns(inputs.cases, inputs.plan)
    ]
    sets = [
        {"name": each.name, "sha256": each.sha256, "facts": each.facts.model_dump(mode="json")} for each in inputs.sets
    ]
    models = {role: asdict(version) for role, version in versions.facts.items()}
    stated = [
        _once(store, "set", "set.json", to_json({"sets": sets, "concerns": found}, indent=2), bound),
        _once(store, "model", "model.json", to_json(models, indent=2), bound),
        store.put_bytes("environment", "environment.json", to_json(environment(facts), indent=2), bound),
        _once(
            store,
            "cases",
            "tables/cases.parquet",
            table_bytes(CASES, _recorded_cases(inputs)),
            bound,
        ),
        _once(store, "references", "tables/references.parquet", table_bytes(REFERENCES, _placed(inputs, masks)), bound),
    ]
    if inputs.plan.detects:
        stated.append(_once(store, "lesions", "tables/lesions.parquet", table_bytes(LESIONS, inputs.lesions), bound))
    device = inputs.stored.path.parent / "device.yaml"
    if device.is_file():
        stated += state_device(store, device)
    archives = ((f"references/{name}.npz", each.data) for name, each in masks.items())
    return stated + [_once(store, "reference masks", path, data, bound) for path, data in archives]


def _recorded_cases(inputs: Inputs) -> pd.DataFrame:
    """CASES as evidence keeps them: no path, and no column of the manifest that names persons."""
    plan = inputs.plan
    used = plan.explanations.features if plan.explanations else ()
    repeated = plan.repeat_acquisitions.within if plan.repeat_acquisitions else ()
    return CASES.conform(without_persons(without_paths(inputs.cases.cases), {*used, *repeated, *plan.targets}))


def _placed(inputs: Inputs, masks: Mapping[str, Packed]) -> pd.DataFrame:
    """REFERENCES with the grid of each mask, its file named by its digest."""
    known = {(name, case): grid for name, each in masks.items() for case, grid in each.grids.items()}
    keys = zip(inputs.references["target"], inputs.references["case_id"], strict=True)
    grids = [known.get((str(target), str(case))) for target, case in keys]
    placed = inputs.references.assign(grid=pd.Series(grids, index=inputs.references.index, dtype="string"))
    return artifacts_without_paths(placed, inputs.cases.cases)


def _once(store: AuditStore, kind: str, path: str, data: bytes, inputs: list[Statement]) -> Statement:
    """States ``data``, unless the resumed audit holds just these bytes already."""
    known = store.subjects().get(path)
    if known is not None and known.subjects[path] == sha256(data) and store.has(path):
        return known
    return store.put_bytes(kind, path, data, inputs)


def _masks(inputs: Inputs) -> Iterator[tuple[str, list[str], Callable[[str], Mask]]]:
    """Each segmentation target, the cases that have a reference mask, and how it is read."""
    for name, target in inputs.plan.targets.items():
        if target.task == "segmentation":
            rows = inputs.references[inputs.references["target"] == name]
            cases = rows.loc[rows["artifact"].notna(), "case_id"].astype(str).tolist()
            yield name, cases, mask_loader(inputs.cases, target.reference, target.labels_of_reference)


def _pass(inputs: Inputs, versions: Versions, store: AuditStore, known: list[Statement], progress: Progress) -> None:
    """One pass of every opened model over the set in shards; recorded predictions are copied into the evidence."""
    for role, frame in versions.recorded.items():
        for path, data in {f"recorded/{role}.parquet": table_bytes(PREDICTIONS, frame), **versions.files[role]}.items():
            _once(store, "recorded", path, data, known)
        if inputs.plan.detects:
            _once(store, "recorded marks", f"marks/{role}.parquet", table_bytes(MARKS, versions.marks[role]), known)
    if not versions.models:
        return
    cases = inputs.cases.cases["case_id"].astype(str).tolist()
    stated = store.subjects()
    done = {int(Path(name).stem) for name in stated if name.startswith("shards/") and store.has(name)}
    counted = 0

    def advance(more: int) -> None:
        nonlocal counted
        counted += more
        progress("images", counted, len(cases))

    def sink(shard: Shard) -> None:
        files = {f"shards/{shard.index:05d}.parquet": table_bytes(PREDICTIONS, shard.rows)}
        files[shard.masks_file] = masks_bytes(shard.masks)
        if inputs.plan.detects:
            files[f"marks/{shard.index:05d}.parquet"] = table_bytes(MARKS, shard.marks)
        store.put_files("shard", files, known, {"shard": shard.index, "rows": len(shard.rows)})

    one_pass(inputs, all_arms(inputs.plan, versions), cases, done, sink, advance)


def one_pass(
    inputs: Inputs,
    arms: list[Arm],
    cases: list[str],
    done: set[int],
    sink: Callable[[Shard], None],
    advance: Callable[[int], None],
    shard_size: int | None = None,
) -> None:
    """One pass of ``arms`` over ``cases`` in shards of ``shard_size`` (else ``SHARD_SIZE``), but those in ``done``."""
    plan, files = inputs.plan, any(arm.read_files for arm in arms)
    run_pass(
        cases, image_loader(inputs.cases), arms, plan.batch_size, shard_size or SHARD_SIZE, done, sink, advance,
        seed=plan.seed, clock=perf_counter, load_file=file_loader(inputs.cases) if files else None,
    )  # fmt: skip


def _repeat(inputs: Inputs, versions: Versions, store: AuditStore, known: list[Statement], progress: Progress) -> None:
    """Two passes over the cases drawn for it, after one another; states how far their outputs lie apart."""
    if not versions.models or store.has(DETERMINISM_FILE):
        return
    asked = inputs.plan.determinism
    ids = inputs.cases.cases["case_id"].astype(str).tolist()
    drawn = drawn_to_repeat(ids, min(asked.cases, SHARD_SIZE), inputs.plan.seed)
    arms = [_arm(inputs.plan, role, model) for role, model in versions.models.items()]
    passes: list[Shard] = []
    for done in range(2):
        progress("repeated passes", done, 2)
        one_pass(inputs, arms, drawn, set(), passes.append, lambda _: None)
    progress("repeated passes", 2, 2)
    records = repeated(passes[0], passes[1], asked.tolerance)
    store.put_bytes("determinism", DETERMINISM_FILE, to_json({"cases": drawn, "results": records}, indent=2), known)


def _arm(plan: Plan, role: str, model: OpenModel) -> Arm:
    if model.reads_files:
        return Arm(role, None, plan.targets, read_files=model.read_files)
    return Arm(role, model.predict, plan.targets)


def all_arms(plan: Plan, versions: Versions) -> list[Arm]:
    """Every opened version on the images as they are, and the candidate on perturbed ones."""
    arms = [_arm(plan, role, model) for role, model in versions.models.items()]
    if "candidate" in versions.models:
        predict = versions.models["candidate"].predict
        for each in plan.perturbation_arms:
            arms.append(Arm(f"candidate + {each.name}", predict, plan.targets, perturbation(each)))
    return arms


def _explain(
    inputs: Inputs,
    versions: Versions,
    store: AuditStore,
    predictions: pd.DataFrame,
    predicted: Statement,
    progress: Progress,
) -> Statement:
    """Explains the drawn cases of every opened version and states pictures, maps and scores together."""
    plan, path = inputs.plan, f"tables/{EXPLANATIONS.name}.parquet"
    if store.has(path):
        return store.subjects()[path]
    made = [
        _explain_version(inputs, role, name, model, predictions, progress)
        for role, model in versions.models.items()
        for name in (plan.explanations.targets if plan.explanations and plan.explanations.methods else ())
        if not model.reads_files
    ]
    files = {place: data for each in made for place, data in each.files.items()}
    for table, frames in ((EXPLANATIONS, [m.rows for m in made]), (EXPLANATION_SCORES, [m.scores for m in made])):
        none = pd.DataFrame(columns=list(table.columns))
        whole = table.conform(pd.concat([f for f in frames if len(f)] or [none], ignore_index=True))
        files[f"tables/{table.name}.parquet"] = table_bytes(table, whole)
    return store.put_files(EXPLANATIONS.name, files, [predicted])


def _explain_version(
    inputs: Inputs, role: str, name: str, model: OpenModel, predictions: pd.DataFrame, progress: Progress
) -> Explained:
    plan, asked = inputs.plan, inputs.plan.explanations
    assert asked is not None
    drawn = drawn_cases(plan, inputs.cases.cases, inputs.references, predictions)
    facts = _case_facts(inputs, role, name, drawn, predictions)
    total, counted = len(drawn) * len(asked.methods), 0

    def advance(more: int) -> None:
        nonlocal counted
        counted += more
        progress(f"explanations of the {role}", counted, total)

    network = model.module() if model.explainable else BlackBox(model.predict)
    return explain_cases(
        role, network, model.outputs, name, plan.targets[name], facts, image_loader(inputs.cases),
        locator(inputs.cases, plan.targets, name, asked.located_by), asked.methods, inputs.simulated, advance,
        seed=plan.seed, examination=asked.examine,
    )  # fmt: skip


def _case_facts(
    inputs: Inputs, role: str, name: str, drawn: Mapping[str, str | None], predictions: pd.DataFrame
) -> list[CaseFacts]:
    asked = inputs.plan.explanations
    assert asked is not None
    point = inputs.plan.targets[name].operating_point_of(role)
    cases = inputs.cases.cases.set_index("case_id")
    made = predictions[(predictions["version"] == role) & (predictions["target"] == name)].set_index("case_id")
    references = combined_only(inputs.references)
    read = references[references["target"] == name].set_index("case_id")["value"]
    group = stratum_column(asked.cases.attribute)
    return [
        CaseFacts(
            case_id=case,
            patient_id=str(cases.at[case, "patient_id"]),
            group=str(cases.at[case, group]) if group in cases else None,
            score=_number(made["score"].get(case)),
            threshold=point.threshold if point else None,
            reference=None if pd.isna(read.get(case)) else bool(read.get(case)),
            drawn_as=drawn_as,
        )
        for case, drawn_as in drawn.items()
    ]


def _number(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def _state_tables(store: AuditStore, known: list[Statement]) -> None:
    """States what follows from the predictions, each product naming what it was made from."""
    plan, frames = stored_plan(store), tabulate(store)
    fates = store.put_table(DISPOSITIONS, frames[DISPOSITIONS.name], known)
    localised = [store.put_table(LOCALISATIONS, frames[LOCALISATIONS.name], known)] if plan.detects else []
    observed = store.put_table(OBSERVATIONS, frames[OBSERVATIONS.name], [*known, *localised, fates])
    estimated = store.put_table(ESTIMATES, frames[ESTIMATES.name], [observed, *localised, fates, known[-1]])
    if CURVES.name in frames:
        store.put_table(CURVES, frames[CURVES.name], [observed, *localised, fates])
    analysed = store.put_table(ANALYSES, frames[ANALYSES.name], [observed, fates, estimated])
    if EXPLANATION_VERDICTS.name in frames:
        verdicts = frames[EXPLANATION_VERDICTS.name]
        decided = store.put_table(EXPLANATION_VERDICTS, verdicts, [estimated, analysed])
        state_marked(store, verdicts, [*known, decided])
    store.put_table(IMPORTANCE, frames[IMPORTANCE.name], [observed, *known])
    for table in (MAP_AGREEMENT, UNCERTAINTY):
        if table.name in frames:
            store.put_table(table, frames[table.name], [observed, *known])
    if RATIONALES.name in frames:
        store.put_table(RATIONALES, frames[RATIONALES.name], [observed, estimated, *known])
    data = findings_bytes(plan, frames, stored_setting(store))
    store.put_bytes("findings", FINDINGS_FILE, data, [estimated, analysed])
    log_results(store, plan, frames[ESTIMATES.name], {f["endpoint"]: f["estimate_id"] for f in json.loads(data)})


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path.name}: the recorded predictions cannot be read ({error.strerror}).") from error


def amend_plan(
    plan_path: Path,
    home: Path,
    old: str,
    reason: str,
    results_known: bool,
    who: str,
    at: str,
    key: SigningKey | None = None,
) -> AuditStore:
    """Locks a changed plan as the successor of audit ``old``; both versions and the reason are kept."""
    inputs = gather(plan_path)
    _open(inputs, home, "cpu")
    check_stored(inputs)
    digests = set_digests(inputs), model_digests(inputs.stored, home)
    before = open_audit(home, old, key=key)
    return amend(home, before, inputs.stored, reason, results_known, who, at, *digests, key=key)


def chosen_device(asked: str) -> str:
    """'cpu' or 'cuda'; 'auto' takes CUDA where there is one. Raises ``BadInput`` for a device that is not there."""
    present = cuda_present()
    if asked == "auto":
        return "cuda" if present else "cpu"
    if asked not in ("cpu", "cuda") or (asked == "cuda" and not present):
        raise BadInput(f"device '{asked}' cannot be used here; choose {'cpu, cuda' if present else 'cpu'} or auto.")
    return asked
