"""``audit sign``: a person signs a document of an audit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audit.commands.shared import EVIDENCE, TRUST, AsJson, Command, Home, KeyPath, answer, opened, passphrase
from audit.records import BadInput

Meaning = Annotated[str, typer.Option(help="What the signature means: authored, reviewed or approved.")]


def sign(
    what: Annotated[str, typer.Argument(metavar="DOCUMENT|AUDIT", help="A document's id or file, or an audit's id.")],
    role: Annotated[str, typer.Option(help="In which role, for example 'Biostatistician'.")] = "",
    meaning: Meaning = "",
    name: Annotated[str, typer.Option(help="The printed name of the person who signs.")] = "",
    key: KeyPath = None,
    audit: Annotated[str | None, typer.Option(help="Audit id that DOCUMENT belongs to; default: the latest.")] = None,
    pdf: Annotated[Path | None, typer.Option(help="Also write a copy of the PDF with a PAdES signature here.")] = None,
    certificate: Annotated[
        Path | None, typer.Option(help="PKCS #12 file for --pdf; default: a certificate made from --key.")
    ] = None,
    home: Home = EVIDENCE,
    as_json: AsJson = False,
) -> None:
    """Signs a document (or all of an audit) by the digests of its files; the files themselves stay as they are.

    The signature page `signatures/<document>.pdf` shows who signed, in which role, with which meaning and when (UTC).
    A rule of four eyes (`four_eyes: true` in device.yaml) keeps authors from approving.
    """
    from audit.documents.signing import sign as sign_target
    from audit.documents.signing import signed_copy, target_of

    if pdf is not None and key is None and certificate is None:
        raise BadInput("--pdf needs a key to sign with: give --key, or --certificate with a PKCS #12 file.")
    secret = opened(key)
    target = target_of(what, home, audit, secret)
    copy = None
    if pdf is not None:
        code = passphrase(f"Passphrase of {certificate}: ") if certificate else None
        copy = signed_copy(target, pdf, name, meaning, secret, certificate, code)
    stated, page = sign_target(target, role, meaning, name)
    if pdf is not None and copy is not None:
        pdf.write_bytes(copy)
    text = f"Signed {target.document} of audit {target.store.audit_id} as {stated.id[:12]}.\nSignature page: {page}"
    text += f"\nSigned copy: {pdf}" if pdf else ""
    result = {"sign_off": stated.id, "audit": target.store.audit_id, "document": target.document, "page": str(page)}
    answer(result, as_json, text)


ENTRY = Command("sign", sign, 42, TRUST)
