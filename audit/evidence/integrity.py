"""Whether an audit's evidence is whole: chain, anchors, files, register and MLflow run. No model, no recomputation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from audit.evidence.chain import Line, check_lines, describe
from audit.evidence.difference import Difference
from audit.evidence.files import inside, is_file
from audit.evidence.locks import read_lock
from audit.evidence.register import events, register_of
from audit.evidence.statements import sha256
from audit.evidence.store import LEDGER, AuditStore
from audit.home import open_home
from audit.records import BadInput


def check_integrity(store: AuditStore) -> list[Difference]:
    """Ledger, anchors, files, register and MLflow run; nothing is recomputed and no model is opened."""
    lines = store.ledger.lines()
    chain = check_lines(LEDGER, lines, store.audit_id)
    return [
        *chain,
        *_anchors(store, lines, bool(chain)),
        *_files(store),
        *_unknown_files(store),
        *register_of(store.home).check(),
        *_mlflow(store),
        *([] if chain else _pointers(store)),
    ]


def _anchors(store: AuditStore, lines: list[Line], broken: bool) -> Iterator[Difference]:
    """The first anchor that the ledger does not meet; where the chain is broken anyway, only its end is looked at."""
    by_number = {line.seq: (place, line) for place, line in enumerate(lines, 1)}
    last = max(by_number, default=-1)
    for where, seq, digest in sorted(_heads(store), key=lambda one: one[1]):
        place, line = by_number.get(seq, (0, None))
        if seq > last and not any(one.seq < 0 for one in lines):
            what = f"The ledger was cut: {where} records a later end than the ledger has."
            yield Difference(f"{LEDGER} statement {seq}", "present", "missing", what)
            return
        if line and line.digest != digest and not line.problem and (seq == last or not broken):
            what = f"The line, or one before it, is not the one that {where} recorded: the ledger was rewritten."
            yield Difference(f"{LEDGER} line {place} ({describe(line)})", digest, line.digest, what)
            return


def _heads(store: AuditStore) -> Iterator[tuple[str, int, str]]:
    for event in events(store.home):
        if event.audit == store.audit_id and event.head:
            yield f"the register ({event.event})", *event.head
    head = _tags(store).get("audit.head", "")
    number, _, digest = head.partition(":")
    if number.isdigit() and digest:
        yield "MLflow's tag audit.head", int(number), digest


def _files(store: AuditStore) -> Iterator[Difference]:
    for name, statement in store.subjects().items():
        if not is_file(name):
            continue
        expected = statement.subjects[name]
        found = _digest(store, name)
        if found != expected:
            what = "The file is gone." if found == "no file" else "The file is not the one that was stated."
            yield Difference(
                name, f"SHA-256 {expected}", found, f"{what} (statement {statement.id[:16]}, {statement.kind})"
            )


def _digest(store: AuditStore, name: str) -> str:
    try:
        path = inside(store.folder, name)
    except BadInput:
        return "a path outside the audit folder"
    return sha256(path.read_bytes()) if path.is_file() and not path.is_symlink() else "no file"


def _unknown_files(store: AuditStore) -> Iterator[Difference]:
    known = {LEDGER, *store.subjects()}
    for path in sorted(store.folder.rglob("*")):
        name = path.relative_to(store.folder).as_posix()
        if (path.is_file() or path.is_symlink()) and name not in known:
            what = "No statement knows this file: it was added later, or its writing was interrupted."
            yield Difference(name, "no such file", "a file", what)


def _mlflow(store: AuditStore) -> Iterator[Difference]:
    run = _run(store)
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


def _pointers(store: AuditStore) -> Iterator[Difference]:
    ids = {one.id for one in store.statements()}
    for tag, value in sorted(_tags(store).items()):
        if tag.startswith("audit.statement.") and value not in ids:
            what = "The tag points to a statement that the ledger does not have."
            yield Difference(f"MLflow tag {tag}", "a statement of this audit", value, what)


def _tags(store: AuditStore) -> dict[str, str]:
    run = _run(store)
    return dict(run.data.tags) if run else {}


def _run(store: AuditStore) -> Any:
    from mlflow.exceptions import MlflowException

    try:
        return open_home(store.home).get_run(store.run_id)
    except MlflowException:
        return None
