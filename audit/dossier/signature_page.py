"""The signature page of a document: a file of its own, which names the signed files by digest.

Source: 21 CFR 11.50 (printed name, date and time, meaning, in any readable form) and 11.70; Regulation (EU) 2024/1689,
Annex IV(2)(g).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audit.dossier.content import Column, Document, Heading, Mark, Node, Paragraph, Row, Table, Text, Tone, text
from audit.records import SignOff

TONES: dict[str, Tone] = {"valid": "good", "revoked": "bad", "replaced": "part", "erased": "quiet"}
WORDS = {"replaced": "for an earlier version", "erased": "files erased since"}
TYPED = "no key"


@dataclass(frozen=True, slots=True)
class Signed:
    """What was signed: title of the document, its files with SHA-256, and every sign-off of any version of it."""

    audit_id: str
    run_id: str
    ledger_root: str
    created: str
    document: str
    title: str
    files: tuple[tuple[str, str], ...]
    sign_offs: tuple[SignOff, ...]
    four_eyes: bool
    simulated: bool


def signature_page(signed: Signed) -> Document:
    """The page as a document: what was signed, by whom, in which meaning, when (UTC), and what no longer stands."""
    now = [one for one in signed.sign_offs if one.files == dict(signed.files)]
    before = [one for one in signed.sign_offs if one.files != dict(signed.files)]
    front: list[Node] = [
        Paragraph(text(_introduction(signed))),
        Heading("Signed files", 1, "files"),
        _files(signed),
        Heading("Signatures", 1, "signatures"),
        signatures_table(now, "") if now else Paragraph(text("No signature of this version stands.")),
    ]
    if before:
        front += [Heading("Earlier versions", 1, "earlier"), signatures_table(before, "")]
    if any(one.key is None for one in signed.sign_offs):
        words = "A signature with no key is a name that was typed by whoever ran the command; it proves nothing."
        front.append(Paragraph(text(words), "note"))
    return Document(
        id=f"signatures_{signed.document}",
        title="Signature page",
        subtitle=signed.title,
        instrument="21 CFR 11.50 and 11.70; Regulation (EU) 2024/1689, Annex IV(2)(g)",
        edition="electronic signatures linked to their record",
        head=signed.title,
        foot="Check it with: audit verify FILE",
        vocabulary="fda",
        page="A4",
        audit_id=signed.audit_id,
        run_id=signed.run_id,
        ledger_root=signed.ledger_root,
        created=signed.created,
        simulated=signed.simulated,
        public=False,
        front=tuple(front),
        sections=(),
        appendix=(),
    )


def _introduction(signed: Signed) -> str:
    rule = " The device's facts ask for four eyes: author and approver are different people with different keys."
    return (
        f"This page belongs to {signed.title} of audit {signed.audit_id} and to no other document: it names the files "
        "by their digests. Signing changed no byte of them. Each signature is a statement in the audit's ledger, "
        f"signed with the key whose fingerprint is given; a revoked one stays listed.{rule if signed.four_eyes else ''}"
    )


def _files(signed: Signed) -> Table:
    columns = (Column("File", 2.4), Column("SHA-256", 4.4))
    return Table("", columns, tuple(Row((text(name), text(digest, "mono"))) for name, digest in signed.files))


def signatures_table(sign_offs: Sequence[SignOff], caption: str) -> Table:
    """Printed name, role, meaning, time (UTC), key and state of each signature."""
    columns = (
        Column("Name", 1.3), Column("Role", 1.2), Column("Meaning", 0.85), Column("Signed (UTC)", 1.05),
        Column("Key", 1.5), Column("State", 1.7),
    )  # fmt: skip
    return Table(caption, columns, tuple(_row(one) for one in sign_offs))


def _row(one: SignOff) -> Row:
    key = text(one.key[:16], "mono") if one.key else text(TYPED, "quiet")
    state = (Mark(one.state, TONES[one.state]), Text(f" {one.note or WORDS.get(one.state, '')}".rstrip()))
    cells = (
        text(one.name, "strong"),
        text(one.role),
        text(one.meaning),
        text(f"{one.at[:10]} {one.at[11:19]}"),
        key,
        state,
    )
    return Row(cells)
