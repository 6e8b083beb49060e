"""Signing documents of an audit, revoking a signature, and the signature page that goes with the document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from audit.dossier.device import read_device
from audit.dossier.pdf import render_pdf
from audit.dossier.pdf_signing import pades_signed, signer_of_file, signer_of_key
from audit.dossier.signature_page import Signed, signature_page
from audit.evidence.keys import SigningKey
from audit.evidence.signoffs import PAGE, WHOLE, revoke, sign_off, sign_offs
from audit.evidence.statements import sha256
from audit.evidence.store import AuditStore, list_audits, open_audit
from audit.evidence.verification import verify_file
from audit.records import BadInput, SignOff, Statement

DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class Target:
    """A document of an audit (its id), or 'audit' for all of them; ``files``: name in the audit -> SHA-256."""

    store: AuditStore
    document: str
    files: Mapping[str, str]


def target_of(what: str, home: Path, audit: str | None, key: SigningKey | None) -> Target:
    """``what`` is a delivered file, a document's id in ``audit`` (default: the latest), or an audit id.

    Raises ``BadInput`` for a file that is not as delivered or was replaced, and for an audit that is not complete.
    """
    if Path(what).is_file():
        found = verify_file(home, Path(what))
        if found.differences or found.statement is None or found.statement.kind != DOCUMENT:
            why = found.differences[0].explanation if found.differences else "It is no document of an audit."
            raise BadInput(f"{what}: cannot be signed. {why}")
        return _of_document(open_audit(home, found.audit_id, key=key), str(found.statement.body["document"]))
    if audit is not None or what not in {one.audit_id for one in list_audits(home)}:
        store = open_audit(home, audit, key=key)
        if what in _documents(store):
            return _of_document(store, what)
    store = open_audit(home, what, key=key)
    files = {name: digest for document in _documents(store) for name, digest in _files(store, document).items()}
    return Target(_complete(store), WHOLE, _unchanged(store, files))


def _documents(store: AuditStore) -> list[str]:
    named = (str(one.body.get("document", "")) for one in store.statements(DOCUMENT))
    return list(dict.fromkeys(name for name in named if name))


def _of_document(store: AuditStore, document: str) -> Target:
    return Target(_complete(store), document, _unchanged(store, _files(store, document)))


def _complete(store: AuditStore) -> AuditStore:
    if store.state != "complete":
        raise BadInput(f"audit {store.audit_id} is {store.state or 'not started'}; sign when it is complete.")
    return store


def _files(store: AuditStore, document: str) -> dict[str, str]:
    """The document's files as they stand, by name."""
    mine = {name: one for name, one in store.subjects().items() if one.kind == DOCUMENT}
    return {name: one.subjects[name] for name, one in sorted(mine.items()) if one.body.get("document") == document}


def _unchanged(store: AuditStore, files: Mapping[str, str]) -> Mapping[str, str]:
    if not files:
        raise BadInput(f"audit {store.audit_id} has no document to sign; run 'audit dossier' first.")
    for name, digest in files.items():
        if sha256(store.read_bytes(name)) != digest:
            raise BadInput(f"{name}: not the bytes that audit {store.audit_id} stated; run 'audit verify' first.")
    return files


def sign(target: Target, role: str, meaning: str, name: str) -> tuple[Statement, Path]:
    """States the sign-off and writes the signature page anew; returns the statement and the page's path."""
    stated = sign_off(target.store, target.document, target.files, role, meaning, name, four_eyes(target.store))
    return stated, write_page(target.store, target.document, target.files)


def take_back(home: Path, audit: str | None, sign_off_id: str, reason: str, name: str, key: SigningKey | None) -> Path:
    """Revokes a sign-off and writes the signature page anew; returns the page's path.

    Without ``audit`` every audit of the home is searched for the sign-off.
    """
    store = _holder(home, audit, sign_off_id, key)
    revoke(store, sign_off_id, reason, name)
    (one,) = [each for each in sign_offs(store) if each.id.startswith(sign_off_id)]
    files = (
        _files(store, one.document)
        if one.document != WHOLE
        else {file: digest for document in _documents(store) for file, digest in _files(store, document).items()}
    )
    return write_page(store, one.document, files)


def _holder(home: Path, audit: str | None, sign_off_id: str, key: SigningKey | None) -> AuditStore:
    if audit is not None:
        return open_audit(home, audit, key=key)
    for one in reversed(list_audits(home)):
        store = open_audit(home, one.audit_id, key=key)
        if any(each.id.startswith(sign_off_id) for each in sign_offs(store)):
            return store
    raise BadInput(f"'{sign_off_id}': no audit of {home}/ has such a sign-off; see audit list --signatures.")


def four_eyes(store: AuditStore) -> bool:
    """Whether the device's facts, as the audit holds them, ask for different people as author and approver."""
    return store.has("device.yaml") and read_device(store.folder / "device.yaml").four_eyes


def write_page(store: AuditStore, document: str, files: Mapping[str, str]) -> Path:
    """Writes and states ``signatures/<document>.pdf``; the signed files stay as they are."""
    known = tuple(one for one in sign_offs(store) if one.document == document)
    title, simulated = _title(store, document)
    page = signature_page(
        Signed(
            store.audit_id, store.run_id, store.ledger.root(), f"{store.statements()[-1].created[:19]}Z", document,
            title,
            tuple(files.items()), known, four_eyes(store), simulated,
        )
    )  # fmt: skip
    name = f"signatures/{document}.pdf"
    store.put_bytes(PAGE, name, render_pdf(page), [one.id for one in known], {"document": document})
    return store.folder / name


def _title(store: AuditStore, document: str) -> tuple[str, bool]:
    if document == WHOLE:
        sets = json.loads(store.read_bytes("set.json"))["sets"]
        return f"All documents of audit {store.audit_id}", any(each["facts"]["simulated"] for each in sets)
    facts: dict[str, Any] = json.loads(store.read_bytes(f"documents/{document}.json"))
    return str(facts["title"]), bool(facts["simulated"])


def listed(home: Path) -> list[tuple[str, SignOff]]:
    """(audit id, sign-off) of every audit of the home, in the order of signing."""
    stores = (AuditStore(home.resolve(), one.audit_id, one.run_id, {}) for one in list_audits(home))
    found = [(store.audit_id, one) for store in stores for one in sign_offs(store)]
    return sorted(found, key=lambda each: each[1].at)


def signed_copy(
    target: Target,
    path: Path,
    name: str,
    meaning: str,
    key: SigningKey | None,
    certificate: Path | None,
    passphrase: str | None,
) -> bytes:
    """The document's PDF with a PAdES signature inside, for ``path``; the delivered bytes are its beginning.

    Raises ``BadInput`` where ``path`` exists, the target is not one document, or pyHanko is not installed.
    """
    pdfs = [file for file in target.files if file.endswith(".pdf")]
    if path.exists():
        raise BadInput(f"{path} exists already; give another name, a signed file is never overwritten.")
    if target.document == WHOLE or len(pdfs) != 1:
        raise BadInput("--pdf signs one document; name it instead of the audit.")
    if certificate is not None:
        signer = signer_of_file(certificate, passphrase)
    else:
        assert key is not None
        signer = signer_of_key(key.private, name, datetime.fromisoformat(target.store.clock()))
    return pades_signed(target.store.read_bytes(pdfs[0]), name, meaning, signer)
