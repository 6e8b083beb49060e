"""Anchors as they come: what ``audit verify --anchor`` is given, and ``audit anchor`` for time stamps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from audit.dossier.printed_root import printed_root
from audit.evidence.anchors import WITHOUT, Anchored, check_anchor
from audit.evidence.bundled import bundle_of
from audit.evidence.keys import published
from audit.evidence.store import AuditStore
from audit.evidence.timestamps import (
    RESPONSE,
    check_token,
    read_certificates,
    read_token,
    request_for,
    stamped_size,
)
from audit.records import BadInput, Statement

KIND, FOLDER = "timestamp", "timestamps"
DELIVERED = (".pdf", ".docx")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for a time stamp: the root it is for, and how many statements the root stands for."""

    root: str
    statements: int


def anchored(store: AuditStore, anchor: str | None, tsa: Path | None) -> Anchored:
    """Holds the audit against what the auditor has: a root, a fingerprint or public key, a delivered document, or a
    time stamp, whose authority's certificate is ``tsa``. With ``tsa`` alone the stamps that the audit kept are taken.

    Raises ``BadInput`` for what is none of these.
    """
    lines = store.ledger.lines()
    path = Path(anchor) if anchor is not None else None
    if path is not None and path.is_file() and path.suffix == RESPONSE:
        if tsa is None:
            raise BadInput(f"{path}: a time stamp needs the certificate of its authority; give it with --tsa.")
        return check_token(lines, read_token(path.read_bytes(), str(path)), read_certificates(tsa), path.name)
    if path is not None and path.suffix in DELIVERED:
        return check_anchor(lines, printed_root(path), {})
    if anchor is not None:
        return check_anchor(lines, anchor, published(store.home))
    return Anchored(WITHOUT) if tsa is None else _kept(store, tsa)


def _kept(store: AuditStore, tsa: Path) -> Anchored:
    names = [name for name in store.subjects() if name.startswith(f"{FOLDER}/")]
    if not names:
        raise BadInput(f"audit {store.audit_id} kept no time stamp; give one with --anchor FILE{RESPONSE}.")
    certificates, lines = read_certificates(tsa), store.ledger.lines()
    found = [check_token(lines, read_token(store.read_bytes(name), name), certificates, name) for name in names]
    differences = tuple(each for one in found for each in one.differences)
    return Anchored(found[-1].sentence, differences)


def ask(store: AuditStore, path: Path) -> Asked:
    """Writes the request for a time stamp over the ledger as it stands to ``path``; nothing is sent anywhere."""
    if path.exists():
        raise BadInput(f"{path} exists already; give another name, a request is never overwritten.")
    lines = store.ledger.lines()
    if not lines:
        raise BadInput(f"audit {store.audit_id} has no statement to stamp; run 'audit run PLAN' first.")
    try:
        path.write_bytes(request_for(store.ledger.root()))
    except OSError as error:
        raise BadInput(f"{path}: cannot be written ({error.strerror}); give a folder you may write to.") from error
    return Asked(store.ledger.root(), len(lines))


def keep(store: AuditStore, path: Path, tsa: Path | None, who: str) -> Statement:
    """Keeps the authority's answer in the audit; ``BadInput`` where it is over no root of this audit, or ``tsa`` is
    given and it is not by that authority."""
    if bundle_of(store.home):
        raise BadInput("a bundle is read-only; keep the time stamp in the home, with --home.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); give the authority's answer.") from error
    token, lines = read_token(data, str(path)), store.ledger.lines()
    size = stamped_size(lines, token)
    if size is None:
        raise BadInput(
            f"{path}: the stamp is over no root of audit {store.audit_id}; ask with 'audit anchor --request'."
        )
    if tsa is not None:
        for wrong in check_token(lines, token, read_certificates(tsa), path.name).differences:
            raise BadInput(f"{path}: {wrong.explanation}")
    last = lines[size - 1].read
    inputs = [last.statement] if last else []
    name = f"{FOLDER}/{len(store.statements(KIND)) + 1:03d}{RESPONSE}"
    return store.put_bytes(KIND, name, data, inputs, {"statements": size, "at": token.at, "who": who})
