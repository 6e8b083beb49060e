"""``audit reproduce``: the audit done again, from stored predictions or with the model, and what explains a difference.

Without the model: every table, verdict and printed number, as ``verify`` computes them, on this machine. With it: the
very images through the very files, in the same batches; each output is compared with the stored one under the plan's
declared tolerance. Source: FDA, Artificial Intelligence-Enabled Device Software Functions (draft, January 2025), on
repeatability.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from audit.documents.view import audit_view
from audit.engines.repeating import CaseDifference, case_differences
from audit.engines.shards import Shard
from audit.evidence.binding import refuse_changes
from audit.evidence.bundled import bundle_of
from audit.evidence.difference import Difference
from audit.evidence.environments import probable_causes
from audit.evidence.erasures import erasures
from audit.evidence.locks import read_lock
from audit.evidence.producer import environment, producer
from audit.evidence.statements import to_json
from audit.evidence.store import AuditStore
from audit.evidence.verification import recomputed
from audit.models.opening import determinism, open_version
from audit.models.stored import file_digests
from audit.plan import Plan, StoredPlan
from audit.records import BadInput, Finding, Statement
from audit.run import (
    Inputs,
    Progress,
    Versions,
    all_arms,
    check_stored,
    gather_stored,
    one_pass,
    set_digests,
    silent,
)
from audit.tables import ANALYSES, DISPOSITIONS, ESTIMATES, IMPORTANCE, MARKS, OBSERVATIONS, PREDICTIONS
from audit.tabulating import FINDINGS_FILE, recompute, stored_plan
from audit.verifying.result_checking import Evidence, check_values

SHOWN = 20
KIND = "reproduction"
VIEWED = (DISPOSITIONS, OBSERVATIONS, ESTIMATES, ANALYSES, IMPORTANCE)


@dataclass(frozen=True, slots=True)
class Outputs:
    """The outputs of one version for one target, against the stored ones. ``largest``: the largest difference, in the
    output's unit (masks in probability); ``changed_decisions``: cases that fall on the other side of the operating
    point, None where there is none."""

    version: str
    target: str
    compared: int
    beyond: int
    largest: float
    changed_decisions: int | None


@dataclass(frozen=True, slots=True)
class Reproduction:
    """What was done again and what came out otherwise; ``causes``: in which ways this environment is another one."""

    audit_id: str
    tables: int
    numbers: int
    outputs: tuple[Outputs, ...]
    tolerance: float
    differences: tuple[Difference, ...]
    causes: tuple[str, ...]
    environment: Mapping[str, Any] = field(repr=False)

    def as_dict(self) -> dict[str, Any]:
        """The reproduction for machines, and as it is stated."""
        out = {"audit": self.audit_id, "reproduced": not self.differences, "tables": self.tables}
        out |= {"numbers": self.numbers, "tolerance": self.tolerance}
        out |= {"outputs": [asdict(each) for each in self.outputs]}
        out |= {"differences": [asdict(each) for each in self.differences], "environment_differs": list(self.causes)}
        return out

    def as_text(self) -> str:
        """The reproduction for people."""
        state = "reproduced" if not self.differences else f"NOT reproduced: {len(self.differences)} differences"
        lines = [
            f"audit {self.audit_id}: {state}. {self.tables} tables and records and {self.numbers} printed numbers "
            "were computed again from the stored predictions."
        ]
        lines += [self._in_words(each) for each in self.outputs]
        for each in self.differences:
            lines += [f"- {each.thing}", f"    expected {each.expected}", f"    found    {each.found}"]
            lines += [f"    {each.explanation}"]
        same = "This environment is the one of the audit, as far as it is recorded."
        return "\n".join([*lines, *(self.causes or [same])])

    def _in_words(self, each: Outputs) -> str:
        flipped = "" if each.changed_decisions is None else f", {each.changed_decisions} decisions changed"
        return (
            f"{each.version}, {each.target}: {each.compared} outputs predicted again, largest difference "
            f"{each.largest:.3g}, {each.beyond} beyond the declared tolerance {self.tolerance:g}{flipped}."
        )


def reproduce(
    store: AuditStore, with_model: bool, sets: Path, device: str, progress: Progress = silent
) -> Reproduction:
    """Does the audit again. ``sets``: the folder that the plan's validation sets are looked for in; ``device``: 'cpu'
    or 'cuda' for the model.

    Raises ``BadInput`` where the set or the model's files are not those of the audit, rows of it were erased, or what
    is needed is not there.
    """
    bundle = bundle_of(store.home)
    if bundle and bundle.lacks_cases:
        raise BadInput(
            "the bundle has no output of single cases (its set is sequestered), so nothing can be computed from it "
            "again; ask for one that was made in the role of assessment."
        )
    if with_model and erasures(store):
        raise BadInput(
            f"rows were erased from audit {store.audit_id}: the model saw images in batches that no set of today gives "
            "again; leave --model out, the tables are computed again from the remaining rows."
        )
    again = _opened(store, sets, device) if with_model else None
    progress("tables", 0, 1)
    results = recompute(store)
    differences = list(recomputed(store, lambda _: results))
    progress("tables", 1, 1)
    numbers, printed = _printed(store, results)
    settings = determinism(device)  # sets them, so that the facts below are those that the model runs under
    here = environment(producer(device) | {"determinism": settings})
    causes = tuple(probable_causes(json.loads(store.read_bytes("environment.json")), here))
    outputs: list[Outputs] = []
    if again:
        outputs, apart = _predicted_again(store, *again, causes, progress)
        differences += apart
    tolerance = stored_plan(store).determinism.tolerance
    return Reproduction(
        store.audit_id, len(results), numbers, tuple(outputs), tolerance, (*differences, *printed), causes, here
    )


def record(store: AuditStore, made: Reproduction, who: str, at: str) -> Statement:
    """States the reproduction in the evidence, signed where the store has a key."""
    refuse_bundle(store)
    done = [one for one in (store.latest("estimates"), store.latest("findings")) if one]
    data = to_json({**made.as_dict(), "who": who, "at": at, "environment": dict(made.environment)}, indent=2)
    name = f"reproductions/{len(store.statements(KIND)) + 1:03d}.json"
    return store.put_bytes(KIND, name, data, done, {"reproduced": not made.differences, "who": who})


def refuse_bundle(store: AuditStore) -> None:
    """Raises ``BadInput`` where the audit stands in a bundle, in which nothing can be stated."""
    if bundle_of(store.home):
        raise BadInput("a bundle is read-only; record the reproduction in the home, with --home.")


def _printed(store: AuditStore, results: Mapping[str, pd.DataFrame | bytes]) -> tuple[int, list[Difference]]:
    """How many numbers the delivered documents print, and those that the recomputed tables do not give."""
    names = [name for name in store.subjects() if name.startswith("documents/") and name.endswith(".json")]
    if not names:
        return 0, []
    tables = () if erasures(store) else VIEWED  # the remaining rows do not give the recorded estimates
    again: dict[str, Any] = {table.name: results[table.name] for table in tables}
    again["findings"] = tuple(Finding(**each) for each in json.loads(results[FINDINGS_FILE]))  # type: ignore[arg-type]
    view = replace(audit_view(store, ""), **again)
    evidence = Evidence(store, view)
    found: list[Difference] = []
    count = 0
    for name in names:
        evidence.document = name
        values = json.loads(store.read_bytes(name))["values"]
        count += len(values)
        found += check_values(Path(name).name, values, evidence)
    return count, found


def _predicted_again(
    store: AuditStore, inputs: Inputs, versions: Versions, causes: tuple[str, ...], progress: Progress
) -> tuple[list[Outputs], list[Difference]]:
    check_stored(inputs, progress)
    found: list[CaseDifference] = []
    ids = inputs.cases.cases["case_id"].astype(str).tolist()
    size = store.read_table(PREDICTIONS, "shards/00000.parquet")["case_id"].nunique()
    counted = 0

    def advance(more: int) -> None:
        nonlocal counted
        counted += more
        progress("images", counted, len(ids))

    def sink(shard: Shard) -> None:
        found.extend(case_differences(_stored_shard(store, shard), shard))

    one_pass(inputs, all_arms(inputs.plan, versions), ids, set(), sink, advance, size)
    tolerance = inputs.plan.determinism.tolerance
    return _summed(found, inputs.plan, tolerance), list(_apart(found, tolerance, causes))


def _opened(store: AuditStore, sets: Path, device: str) -> tuple[Inputs, Versions]:
    """The set and the registered versions, both as they were bound to the audit."""
    plan = stored_plan(store)
    refs = plan.registered
    if not refs:
        raise BadInput("the audit is of recorded predictions: there is no model to run again; leave --model out.")
    bundle = bundle_of(store.home)
    if bundle and not bundle.models:
        raise BadInput("the model's files are not in the bundle; ask for one made with 'audit bundle --model'.")
    inputs = gather_stored(StoredPlan(plan, store.read_bytes("plan.yaml"), sets / "plan.yaml"))
    recorded = {role: files for role, files in read_lock(store).models.items() if role not in refs}
    today = recorded | {role: file_digests(ref, store.home) for role, ref in refs.items()}
    refuse_changes(store.audit_id, read_lock(store), set_digests(inputs), today)
    models = {role: open_version(ref, store.home, device) for role, ref in refs.items()}
    return inputs, Versions({role: one.version for role, one in models.items()}, models, {}, {}, {})


def _stored_shard(store: AuditStore, like: Shard) -> Shard:
    """The stored shard with the number of ``like``."""
    rows = store.read_table(PREDICTIONS, f"shards/{like.index:05d}.parquet")
    with np.load(io.BytesIO(store.read_bytes(like.masks_file)), allow_pickle=False) as archive:
        masks = {key: archive[key] for key in archive.files}
    name = f"marks/{like.index:05d}.parquet"
    marks = store.read_table(MARKS, name) if store.has(name) else like.marks.iloc[:0]
    return Shard(like.index, rows, masks, marks)


def _summed(found: list[CaseDifference], plan: Plan, tolerance: float) -> list[Outputs]:
    arms = dict.fromkeys((one.version, one.target) for one in found)
    return [_arm(version, target, found, plan, tolerance) for version, target in arms]


def _arm(version: str, target: str, found: list[CaseDifference], plan: Plan, tolerance: float) -> Outputs:
    mine = [one for one in found if (one.version, one.target) == (version, target)]
    role = version.partition(" + ")[0]
    point = plan.targets[target].operating_point_of(role)
    scored = [one for one in mine if one.scores is not None]
    changed = None
    if point and scored:
        changed = sum(len({score >= point.threshold for score in one.scores or ()}) > 1 for one in scored)
    return Outputs(
        version,
        target,
        len(mine),
        sum(one.beyond(tolerance) for one in mine),
        max((one.size for one in mine if one.size is not None), default=0.0),
        changed,
    )


def _apart(found: list[CaseDifference], tolerance: float, causes: tuple[str, ...]) -> Iterator[Difference]:
    """The outputs beyond the tolerance, largest first; an output that only one side has comes before."""
    beyond = sorted((one for one in found if one.beyond(tolerance)), key=_order)
    why = (
        f"Probable cause: {' '.join(causes)}"
        if causes
        else ("The recorded environment is the same: the version may not be deterministic (see determinism.json).")
    )
    for one in beyond[:SHOWN]:
        size = "not comparable" if one.size is None else f"differs by {one.size:.3g}, tolerance {tolerance:g}"
        thing = f"case {one.case_id}: {one.version}, {one.target}"
        yield Difference(thing, one.stored, one.now, f"The output {size}. {why}")
    if len(beyond) > SHOWN:
        yield Difference("outputs", "within the tolerance", f"{len(beyond) - SHOWN} more beyond it", why)


def _order(one: CaseDifference) -> tuple[bool, float, str]:
    return one.size is not None, -(one.size or 0.0), one.case_id
