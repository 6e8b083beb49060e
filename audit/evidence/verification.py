"""``audit verify``: names exactly what differs from the evidence; integrity first, then recomputation.

Integrity: the ledger's chain and its anchors, every file's digest, files that no statement knows, the lock, the
registered model's files, the MLflow run. Recomputation goes on after an integrity failure, so that the exact number is
named as well. Unsigned evidence that was rebuilt throughout is internally consistent: only something the auditor
holds (a delivered file, a printed digest) can tell it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from audit import tables
from audit.decision_tables import DECISION_TABLES
from audit.evidence.binding import Lock, ModelDigests, changes
from audit.evidence.comparison import compare_records, compare_tables
from audit.evidence.difference import Difference
from audit.evidence.erased_comparison import compare_after
from audit.evidence.erasures import Erasure, erasures
from audit.evidence.files import is_file
from audit.evidence.integrity import check_integrity
from audit.evidence.locks import PLAN_FILE, read_lock
from audit.evidence.register import events
from audit.evidence.statements import sha256
from audit.evidence.store import AuditStore, list_audits
from audit.given_files import file_bytes
from audit.records import BadInput, Statement
from audit.tables import Table

Recompute = Callable[[AuditStore], Mapping[str, pd.DataFrame | bytes]]
ModelDigestsNow = Callable[[], ModelDigests]
SetDigestsNow = Callable[[], Mapping[str, str]]


def verify(
    store: AuditStore,
    recompute: Recompute,
    model_digests: ModelDigestsNow,
    set_digests: SetDigestsNow | None = None,
) -> list[Difference]:
    """Everything that differs; an empty list means that the audit stands as it was written.

    ``recompute`` gives table name -> frame, and path -> bytes for JSON files ('findings.json'); ``model_digests`` and
    ``set_digests`` give today's digests, in the shape in which they were locked (without ``set_digests`` the sets are
    not looked at again).
    """
    found = check_integrity(store)
    found += list(_binding(store, model_digests, set_digests))
    return found + list(recomputed(store, recompute))


def _binding(
    store: AuditStore, model_digests: ModelDigestsNow, set_digests: SetDigestsNow | None
) -> Iterator[Difference]:
    try:
        bound = read_lock(store)
    except BadInput:
        return  # an audit that never started, or a damaged ledger, which the chain names
    yield from _plan(store, bound)
    yield from _registered(store, bound)
    try:
        sets = dict(set_digests()) if set_digests else dict(bound.sets)
        now = model_digests()
    except BadInput as error:
        yield Difference("model files or validation set", "readable", "not readable", str(error))
        return
    for what, expected, found in changes(bound, sets, now):
        yield Difference(
            what, f"SHA-256 {expected}", found, f"It changed after {bound.at}, when the audit was bound to it."
        )


def _plan(store: AuditStore, bound: Lock) -> Iterator[Difference]:
    stated = store.subjects().get(PLAN_FILE)
    if stated and stated.subjects[PLAN_FILE] != bound.plan_sha256:
        what = "The plan was replaced after the audit was bound to it."
        yield Difference(PLAN_FILE, f"SHA-256 {bound.plan_sha256}", stated.subjects[PLAN_FILE], what)


def _registered(store: AuditStore, bound: Lock) -> Iterator[Difference]:
    for event in events(store.home):
        if event.audit != store.audit_id:
            continue
        differing = [("plan", bound.plan_sha256, event.plan_sha256)] if event.plan_sha256 != bound.plan_sha256 else []
        for what, expected, found in [*differing, *changes(bound, event.sets, event.models)]:
            told = f"The register ({event.event}, {event.at}) and the audit's own ledger disagree."
            yield Difference(f"register: {what}", expected, found, told)


def recomputed(store: AuditStore, recompute: Recompute) -> Iterator[Difference]:
    """Everything stored that ``recompute`` does not give again; that it cannot be done is a difference as well."""
    try:
        results = recompute(store)
    except Exception as error:  # whatever broke while redoing damaged evidence is itself a finding, never a traceback
        reason = " ".join(str(error).split()) or type(error).__name__
        yield Difference("recomputation", "possible from the stored evidence", "not possible", reason)
        return
    erased = erasures(store)
    for name, result in results.items():
        try:
            yield from _compare(store, name, result, erased)
        except BadInput as error:
            yield Difference(name, "a readable table", "not readable", str(error))


def _compare(store: AuditStore, name: str, result: pd.DataFrame | bytes, erased: Sequence[Erasure]) -> list[Difference]:
    if isinstance(result, bytes):
        return compare_records(name, _json(store, name), json.loads(result))
    table = table_called(name)
    if erased:
        return compare_after(name, store.read_table(table), table.conform(result), erased)
    return compare_tables(name, store.read_table(table), table.conform(result))


def _json(store: AuditStore, name: str) -> Any:
    try:
        return json.loads(store.read_bytes(name))
    except ValueError as error:
        raise BadInput(f"{name} is not readable JSON ({error}).") from error


def table_called(name: str) -> Table:
    """The declared table of that name."""
    known = {one.name: one for one in (*vars(tables).values(), *DECISION_TABLES) if isinstance(one, Table)}
    if name not in known:
        raise BadInput(f"no table is called '{name}'; known: {', '.join(known)}.")
    return known[name]


@dataclass(frozen=True, slots=True)
class FileCheck:
    """Which audit a delivered file belongs to. ``differences`` is empty only for a file exactly as delivered."""

    path: Path
    sha256: str
    audit_id: str | None
    document: str | None
    statement: Statement | None
    superseded: bool
    differences: tuple[Difference, ...]

    @property
    def changed(self) -> bool:
        """Whether the file bears the name of a delivered document and has other bytes."""
        return bool(self.differences) and self.statement is not None and not self.superseded


def verify_file(home: Path, path: Path) -> FileCheck:
    """Finds by digest the audit that delivered ``path``; a file of a known name but other bytes is reported as such."""
    try:
        digest = sha256(file_bytes(path))
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); give a delivered PDF or JSON file.") from error
    stores = [AuditStore(home.resolve(), one.audit_id, one.run_id, {}) for one in reversed(list_audits(home))]
    if not stores:
        raise BadInput(f'no audit in {home}/: run "audit run PLAN" first.')
    for store in stores:
        for statement in reversed(store.statements()):
            for name, known in statement.subjects.items():
                if known == digest and is_file(name):
                    return _delivered(store, path, digest, name, statement)
    return _not_delivered(stores, path, digest)


def _delivered(store: AuditStore, path: Path, digest: str, name: str, statement: Statement) -> FileCheck:
    latest = store.subjects().get(name)
    superseded = latest is None or latest.subjects[name] != digest
    found: tuple[Difference, ...] = ()
    if latest is None:
        at = next(one.at for one in reversed(erasures(store)) if name in one.removed)
        what = f"It shows something of a patient whose rows were erased on {at[:10]}: destroy it, ask for the new one."
        found = (Difference(path.name, "a file that stands", "erased", what),)
    elif superseded:
        what = f"The audit replaced this file on {latest.created}; it is an earlier version."
        found = (Difference(path.name, f"SHA-256 {latest.subjects[name]}", digest, what),)
    return FileCheck(path, digest, store.audit_id, name, statement, superseded, found)


def _not_delivered(stores: list[AuditStore], path: Path, digest: str) -> FileCheck:
    for store in stores:
        for name, statement in store.subjects().items():
            if is_file(name) and Path(name).name == path.name:
                what = f"This is not the delivered file: audit {store.audit_id} delivered other bytes under this name."
                difference = Difference(path.name, f"SHA-256 {statement.subjects[name]}", digest, what)
                return FileCheck(path, digest, store.audit_id, name, statement, False, (difference,))
    what = "No audit of this home delivered this file."
    unknown = Difference(path.name, "a file that an audit delivered", f"SHA-256 {digest}", what)
    return FileCheck(path, digest, None, None, None, False, (unknown,))
