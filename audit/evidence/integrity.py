"""Whether an audit's evidence is whole: chain, anchors, files, register and MLflow run. No model, no recomputation."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import PurePosixPath

from audit.evidence import mirror
from audit.evidence.bundled import bundle_of
from audit.evidence.chain import Line, check_lines, describe
from audit.evidence.difference import Difference
from audit.evidence.erasures import check_erasures, erasures, unfinished
from audit.evidence.files import FILE, NONE, inside, is_file, kind_of
from audit.evidence.keys import published
from audit.evidence.ledger import Ledger
from audit.evidence.locks import read_lock
from audit.evidence.pointers import check_pointers
from audit.evidence.register import ANCHOR, events, recorded_head, register_of
from audit.evidence.register_checks import check_register
from audit.evidence.registry import check_registry
from audit.evidence.signatures import check_signatures
from audit.evidence.signoffs import check_placed, check_sign_offs
from audit.evidence.statements import sha256
from audit.evidence.store import LEDGER, AuditStore, mlflow_run
from audit.records import BadInput

Anchor = tuple[str, int, str]


def check_integrity(store: AuditStore) -> list[Difference]:
    """Ledger, anchors, files, register and MLflow run; nothing is recomputed and no model is opened."""
    ledger = _check_ledger(store.ledger, _anchors(store))
    register = register_of(store.home)
    entries = _check_ledger(register, _parsed("MLflow", recorded_head(store.home)))
    return [
        *ledger,
        *_signatures(store, store.ledger, whole=True),
        *check_sign_offs(store),
        *([] if ledger else [*check_placed(store), *check_erasures(store)]),
        *_files(store),
        *_unknown_files(store),
        *_mirror(store),
        *entries,
        *_missing_anchors(store, register),
        *_signatures(store, register, whole=False),
        *_mlflow(store),
        *([] if ledger else check_pointers(store)),
        *([] if ledger or entries else check_register(store)),
        *check_registry(store),
    ]


def check_chain(store: AuditStore) -> list[Difference]:
    """The audit's own ledger alone, with its anchors and signatures: what a file of the audit rests on."""
    return [*_check_ledger(store.ledger, _anchors(store)), *_signatures(store, store.ledger, whole=True)]


def _signatures(store: AuditStore, ledger: Ledger, whole: bool) -> list[Difference]:
    return check_signatures(ledger.path.name, ledger.lines(), published(store.home), whole)


def _check_ledger(ledger: Ledger, anchors: list[Anchor]) -> list[Difference]:
    lines = ledger.lines()
    chain = [*_place(ledger), *check_lines(ledger.path.name, lines, ledger.audit)]
    return [*chain, *islice(_unmet(ledger.path.name, lines, anchors, bool(chain)), 1)]


def _place(ledger: Ledger) -> Iterator[Difference]:
    found = kind_of(ledger.path)
    if found not in (FILE, NONE):
        what = "A ledger is a file in its folder: what stands elsewhere can be exchanged without touching the folder."
        yield Difference(ledger.path.name, FILE, found, what)


def _unmet(name: str, lines: list[Line], anchors: list[Anchor], broken: bool) -> Iterator[Difference]:
    """Anchors that the ledger does not meet; where the chain is broken anyway, only its end is looked at."""
    by_number = {line.seq: (place, line) for place, line in enumerate(lines, 1)}
    last = max(by_number, default=-1)
    for where, seq, digest in sorted(anchors, key=lambda one: one[1]):
        place, line = by_number.get(seq, (0, None))
        if seq > last and not any(one.seq < 0 for one in lines):
            what = f"The ledger was cut: {where} recorded a later end than it has."
            yield Difference(f"{name} statement {seq}", "present", "missing", what)
        if line and line.digest != digest and not line.problem and (seq == last or not broken):
            what = f"The line, or one before it, is not the one that {where} recorded: the ledger was rewritten."
            yield Difference(f"{name} line {place} ({describe(line)})", digest, line.digest, what)


def _anchors(store: AuditStore) -> list[Anchor]:
    mine = [event for event in events(store.home) if event.audit == store.audit_id]
    registered = [(f"the register ({event.event})", *event.head) for event in mine if event.head]
    return registered + _parsed("MLflow", store.tags().get("audit.head", ""))


def _missing_anchors(store: AuditStore, register: Ledger) -> Iterator[Difference]:
    """Anchors that MLflow should hold and does not: without them a cut ledger would look whole."""
    what = "The tag that tells where the ledger ended was taken out of MLflow."
    if register.lines() and not _parsed("", recorded_head(store.home)):
        yield Difference(f"MLflow experiment tag {ANCHOR}", "the end of the register", "no such tag", what)
    anchored = any(line.read and line.read.statement.kind != "shard" for line in store.ledger.lines())
    if anchored and mlflow_run(store.home, store.run_id) and not store.tags().get("audit.head"):
        yield Difference("MLflow tag audit.head", "the end of the ledger", "no such tag", what)


def _parsed(where: str, head: str) -> list[Anchor]:
    number, _, digest = head.partition(":")
    return [(where, int(number), digest)] if number.isdecimal() and digest else []


def _files(store: AuditStore) -> Iterator[Difference]:
    bundle = bundle_of(store.home)
    left_out = bundle.left_out if bundle else {}
    begun = set(_begun(store))
    for name in sorted(begun):
        what = "An erasure was begun and not finished; give the same 'audit erase' command again."
        yield Difference(name, "erased, as stated", "as it was before", what)
    for name, statement in store.subjects().items():
        if not is_file(name) or name in begun or (name in left_out and not (store.folder / name).exists()):
            continue
        expected = statement.subjects[name]
        found = _digest(store, name)
        if found != expected:
            what = "The file is gone." if found == NONE else "The file is not the one that was stated."
            yield Difference(
                name, f"SHA-256 {expected}", found, f"{what} (statement {statement.id[:16]}, {statement.kind})"
            )


def _begun(store: AuditStore) -> list[str]:
    """Files of an interrupted erasure, which still hold what was to be erased."""
    named = {name for one in erasures(store) for name in (*one.files, *one.removed)}
    return unfinished(store, {name: _digest(store, name) for name in named})


def _digest(store: AuditStore, name: str) -> str:
    try:
        path = inside(store.folder, name)
    except BadInput:
        return "a path outside the audit folder"
    found = kind_of(path)
    return sha256(path.read_bytes()) if found == FILE else found


def _unknown_files(store: AuditStore) -> Iterator[Difference]:
    known = {LEDGER, *store.subjects(), *_begun(store)}
    folders = _folders(store)
    for path in sorted(store.folder.rglob("*")):
        name = path.relative_to(store.folder).as_posix()
        found = kind_of(path)
        if found == "a folder" and (name in folders or any(path.iterdir())):
            continue
        if name not in known:
            what = "No statement knows this file: it was added later, or its writing was interrupted."
            yield Difference(name, "no such file", found.replace("a folder", "an empty folder"), what)


def _folders(store: AuditStore) -> set[str]:
    """Folders that a statement's file ever lay in; an erasure may have emptied them."""
    names = {name for one in store.statements() for name in one.subjects if is_file(name)}
    return {parent.as_posix() for name in names for parent in PurePosixPath(name).parents}


def _mirror(store: AuditStore) -> Iterator[Difference]:
    """The artifact store's copies, where it is not the audit's folder itself."""
    if mlflow_run(store.home, store.run_id) is None or not mirror.is_mirrored(store.home, store.run_id):
        return
    expected = {name: one.subjects[name] for name, one in store.subjects().items() if is_file(name)}
    yield from mirror.check(store.home, store.run_id, expected | {LEDGER: _digest(store, LEDGER)})


def _mlflow(store: AuditStore) -> Iterator[Difference]:
    run = mlflow_run(store.home, store.run_id)
    if run is None:
        yield Difference(f"MLflow run {store.run_id}", "present", "missing", "The run was removed from MLflow.")
        return
    if run.info.lifecycle_stage != "active":
        yield Difference(
            f"MLflow run {store.run_id}", "active", run.info.lifecycle_stage, "The run was deleted in MLflow."
        )
    for tag, expected in _expected_tags(store).items():
        found = run.data.tags.get(tag, "no tag")
        if found != expected:
            yield Difference(f"MLflow tag {tag}", expected, found, "The tag was changed after the audit wrote it.")


def _expected_tags(store: AuditStore) -> dict[str, str]:
    known = [one for one in events(store.home) if one.audit == store.audit_id]
    states = {"lock": "locked", "amend": "locked", "run started": "running"}
    states |= {"run finished": "complete", "run aborted": "aborted"}
    expected = {"audit.id": store.audit_id}
    expected |= {"audit.state": states[known[-1].event]} if known else {}
    try:
        bound = read_lock(store)
    except BadInput:
        return expected
    return expected | {"audit.plan": bound.plan, "audit.plan_sha256": bound.plan_sha256, "audit.mode": bound.mode}
