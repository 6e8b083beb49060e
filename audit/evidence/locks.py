"""Locking a plan before results exist, amending it, and saying whether an audit is confirmatory.

A lock is an MLflow run in state 'locked' that holds the plan's bytes and the digests of the validation sets and of
every model file; the audit later runs inside it. Rules:

- no lock, or a lock of other content under the same plan id that was not amended: exploratory;
- an amendment made when results were known: exploratory; before: confirmatory, with both versions and the reason;
- a model file or a validation set that changed after the lock: refused;
- earlier runs on the same set are listed, never hidden; results of the same plan on the same set bar a lock.

Sources: ICH E9 section 5.1; FDA draft guidance on AI-enabled device software functions (January 2025).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from audit.evidence import mirror
from audit.evidence.binding import Digests, Lock, ModelDigests, changes, refuse_changes
from audit.evidence.files import is_file
from audit.evidence.keys import SigningKey
from audit.evidence.producer import producer as current_producer
from audit.evidence.register import LOCKS, Event, enter, events
from audit.evidence.rules import (
    mode_of_amendment,
    mode_of_lock,
    refuse_bad_amendment,
    refuse_known_results,
    refuse_second_lock,
    why_unlocked,
)
from audit.evidence.running import hold, release
from audit.evidence.store import AuditStore, Mode, create_audit, utc_now
from audit.home import only_one, open_home
from audit.plan import StoredPlan, parse_plan
from audit.records import BadInput, Statement

PLAN_FILE, LOCK_FILE, START_FILE, AMENDED_FILE = "plan.yaml", "lock.json", "start.json", "plan_before_amendment.yaml"
GUARD = ".locking"
BINDING_KINDS = ("lock", "start")


def lock(
    home: Path,
    plan: StoredPlan,
    set_digests: Digests,
    model_digests: ModelDigests,
    who: str | None,
    at: str,
    producer: Mapping[str, Any] | None = None,
    clock: Callable[[], str] = utc_now,
    key: SigningKey | None = None,
) -> AuditStore:
    """Locks ``plan`` at ``at`` (UTC, ISO 8601). ``model_digests`` maps 'candidate' and 'comparator' to file -> SHA-256.

    Raises ``BadInput`` where the same plan is locked already or has results on one of the sets.
    """
    open_home(home)
    with only_one(home, GUARD):
        known = events(home)
        refuse_second_lock(known, plan)
        refuse_known_results(known, plan, set_digests)
        mode, reason = mode_of_lock(known, plan, set_digests, who, at)
        bound = Lock(plan.plan.id, plan.sha256, set_digests, model_digests, mode, reason, who, at)
        return _write_lock(home, plan, bound, {}, producer, clock, key)


def amend(
    home: Path,
    old: AuditStore,
    plan: StoredPlan,
    reason: str,
    results_known: bool,
    who: str | None,
    at: str,
    set_digests: Digests | None = None,
    model_digests: ModelDigests | None = None,
    producer: Mapping[str, Any] | None = None,
    clock: Callable[[], str] = utc_now,
    key: SigningKey | None = None,
) -> AuditStore:
    """Locks ``plan`` as the successor of ``old``'s plan; both versions and ``reason`` are kept.

    Digests default to those of the old lock. Raises ``BadInput`` for an empty reason, an unchanged plan, or where
    ``results_known`` is denied though the register lists a run.
    """
    before = read_lock(old)
    open_home(home)
    with only_one(home, GUARD):
        known = events(home)
        refuse_bad_amendment(known, old, before, plan, reason, results_known)
        refuse_second_lock(known, plan)
        mode, sentence = mode_of_amendment(before, reason, results_known, who, at)
        amends = {"audit": old.audit_id, "plan_sha256": before.plan_sha256, "reason": reason}
        amends |= {"results_known": str(results_known).lower()}
        sets, models = set_digests or before.sets, model_digests or before.models
        bound = Lock(plan.plan.id, plan.sha256, sets, models, mode, sentence, who, at, amends)
        kept = {AMENDED_FILE: old.read_bytes(PLAN_FILE)}
        new = _write_lock(home, plan, bound, kept, producer, clock, key)
    old.state_that(
        "amended", {"plan:successor": plan.sha256}, [], {"audit": new.audit_id, "reason": reason, "who": who}
    )
    return new


def find_lock(
    home: Path,
    plan_sha256: str,
    producer: Mapping[str, Any] | None = None,
    clock: Callable[[], str] = utc_now,
    key: SigningKey | None = None,
) -> AuditStore | None:
    """The audit that was locked with exactly this plan, or None."""
    found = [one for one in events(home) if one.event in LOCKS and one.plan_sha256 == plan_sha256]
    return _store(home, found[-1], producer, clock, key) if found else None


def read_lock(store: AuditStore) -> Lock:
    """What the audit is bound to: its lock, or for an unlocked audit its start."""
    stated = [one for one in store.ledger.read() if one.kind in BINDING_KINDS]
    try:
        return Lock(**stated[0].body)
    except (IndexError, TypeError) as error:
        raise BadInput(
            f"audit {store.audit_id}: its ledger has no readable lock or start; restore {store.ledger.path.name}."
        ) from error


def mode(home: Path, plan: StoredPlan, set_digests: Digests, model_digests: ModelDigests) -> tuple[Mode, str]:
    """Whether a run of ``plan`` now would be confirmatory, and why, in one sentence.

    Raises ``BadInput`` naming the model file or set that changed after the lock.
    """
    locked = find_lock(home, plan.sha256)
    if locked is None:
        return "exploratory", why_unlocked(events(home), plan)
    bound = read_lock(locked)
    refuse_changes(locked.audit_id, bound, set_digests, model_digests)
    return bound.mode, bound.reason


def start(
    home: Path,
    plan: StoredPlan,
    set_digests: Digests,
    model_digests: ModelDigests,
    who: str | None,
    at: str,
    producer: Mapping[str, Any] | None = None,
    clock: Callable[[], str] = utc_now,
    key: SigningKey | None = None,
) -> AuditStore:
    """The audit in which ``plan`` runs: its lock, its own interrupted run, or a new exploratory one.

    Registers 'run started' and sets state 'running', except for a locked audit that is complete: that is returned
    as it is, for there is nothing left to run. Raises ``BadInput`` as ``mode`` does.
    """
    decided, reason = mode(home, plan, set_digests, model_digests)
    found = find_lock(home, plan.sha256, producer, clock, key)
    if found and found.state == "complete":
        return found
    bound = Lock(plan.plan.id, plan.sha256, set_digests, model_digests, decided, reason, who, at)
    store = found or _interrupted(home, bound, producer, clock, key) or _begin(home, plan, bound, producer, clock, key)
    store.ledger.refuse_unsigned()
    hold(store)
    enter(store, "run started", plan, set_digests, model_digests, who, at)
    store.set_state("running")
    return store


def finish(store: AuditStore, state: str, at: str, who: str | None = None, note: str | None = None) -> None:
    """Ends a run: ``state`` 'complete' or 'aborted' (with the reason as ``note``). Anchors the ledger's head."""
    if state not in ("complete", "aborted"):
        raise ValueError(f"a run ends complete or aborted, not {state}")
    plan = _stored_plan(store)
    bound = read_lock(store)
    store.anchor()
    if mirror.is_mirrored(store.home, store.run_id):
        mirror.put_missing(store.home, store.run_id, store.folder, [name for name in store.subjects() if is_file(name)])
    enter(
        store, "run finished" if state == "complete" else "run aborted", plan, bound.sets, bound.models, who, at, note
    )
    store.set_state("complete" if state == "complete" else "aborted")
    release(store)


def _write_lock(
    home: Path,
    plan: StoredPlan,
    bound: Lock,
    more: Mapping[str, bytes],
    producer: Mapping[str, Any] | None,
    clock: Callable[[], str],
    key: SigningKey | None,
) -> AuditStore:
    store = create_audit(home, plan, bound.at, bound.mode, bound.reason, "locked", producer, clock, key)
    state_binding(store, "lock", plan, bound, {LOCK_FILE: bound.to_json(), **more})
    note = str(bound.amends["reason"]) if bound.amends else None
    enter(store, "amend" if bound.amends else "lock", plan, bound.sets, bound.models, bound.who, bound.at, note)
    return store


def _begin(
    home: Path,
    plan: StoredPlan,
    bound: Lock,
    producer: Mapping[str, Any] | None,
    clock: Callable[[], str],
    key: SigningKey | None,
) -> AuditStore:
    store = create_audit(home, plan, bound.at, bound.mode, bound.reason, "running", producer, clock, key)
    state_binding(store, "start", plan, bound, {START_FILE: bound.to_json()})
    return store


def state_binding(store: AuditStore, kind: str, plan: StoredPlan, bound: Lock, files: Mapping[str, bytes]) -> Statement:
    """States what an audit is bound to: the plan's bytes, the sets' and the model files' digests."""
    others = {f"set:{name}": digest for name, digest in bound.sets.items()}
    for version, digests in bound.models.items():
        others |= {f"model:{version}/{name}": digest for name, digest in digests.items()}
    body = json.loads(bound.to_json())
    return store.put_files(kind, {PLAN_FILE: plan.data, **files}, [], body, others)


def _interrupted(
    home: Path, bound: Lock, producer: Mapping[str, Any] | None, clock: Callable[[], str], key: SigningKey | None
) -> AuditStore | None:
    """The last unlocked audit of the same plan, sets and model files, if it never ended."""
    mine = [one for one in events(home) if one.plan_sha256 == bound.plan_sha256 and one.event not in LOCKS]
    if not mine or mine[-1].event == "run finished":
        return None
    last = mine[-1]
    same = Lock(last.plan, last.plan_sha256, last.sets, last.models, bound.mode, "", None, last.at)
    return None if changes(same, bound.sets, bound.models) else _store(home, last, producer, clock, key)


def _store(
    home: Path,
    event: Event,
    producer: Mapping[str, Any] | None,
    clock: Callable[[], str],
    key: SigningKey | None,
) -> AuditStore:
    facts = current_producer() if producer is None else producer
    return AuditStore(home.resolve(), event.audit, event.run_id, facts, clock, key)


def _stored_plan(store: AuditStore) -> StoredPlan:
    data = store.read_bytes(PLAN_FILE)
    return StoredPlan(parse_plan(data, f"{store.audit_id}: {PLAN_FILE}"), data, store.folder / PLAN_FILE)
