"""The EU declaration of conformity as a draft: its fields, and whether it may be issued (AI Act, Annex V)."""

from __future__ import annotations

from audit.dossier.block import Block, NoParameters
from audit.dossier.content import Column, Mark, Node, Paragraph, Row, Runs, Signature, Table, Text, text
from audit.dossier.declared_texts import declared_source
from audit.dossier.gaps import gaps
from audit.dossier.view import AuditView

WORDS = "eu"
FIELDS = (
    ("aia.annex5.1", "Name, type and reference of the system"),
    ("aia.annex5.2", "Name and address of the provider or its authorised representative"),
    ("aia.annex5.3", "Sole responsibility"),
    ("aia.annex5.4", "Conformity with Regulation (EU) 2024/1689, Regulation (EU) 2017/745 and other Union law"),
    ("aia.annex5.5", "Protection of personal data"),
    ("aia.annex5.6", "Harmonised standards and common specifications"),
    ("aia.annex5.7", "Notified body, procedure and certificate"),
    ("aia.annex5.8", "Place, date, name, function and signature"),
)


def _build(view: AuditView, _given: NoParameters) -> tuple[Node, ...]:
    standing = [gap for gap in gaps(view) if gap.severity != "note"]
    lacking = [label for entry, label in FIELDS if not _text(view, entry)]
    bar = _bar(len(standing), lacking)
    columns = (Column("Point of Annex V", 0.9), Column("Field", 2.4), Column("As declared above", 3.7))
    rows = tuple(_row(view, entry, label) for entry, label in FIELDS)
    table = Table("Fields of the declaration", columns, rows, text("Draft. No field is filled by this product."))
    if standing or lacking:
        return (bar, table)
    return (
        bar,
        table,
        Signature("On behalf of the provider", "I issue this declaration under its sole responsibility"),
    )


def _bar(standing: int, lacking: list[str]) -> Paragraph:
    if not standing and not lacking:
        words = "No gap of weight stands and every field is declared: the provider may decide whether to issue it."
        return Paragraph((Mark("draft", "part"), Text(f" {words}", "strong")), "lead")
    words = (
        f" This draft cannot be issued: {standing} gaps of weight stand on the first page and {len(lacking)} of its "
        "fields are not declared. It has no signature block until both are closed."
    )
    return Paragraph((Mark("not to be issued", "bad"), Text(words, "strong")), "lead")


def _row(view: AuditView, entry: str, label: str) -> Row:
    """The words stand above, where each declared text is printed and can be edited; here who declared them when."""
    declaration = view.device.declared.get(entry) if view.device else None
    missing: Runs = (Mark("missing", "bad"), Text(" declare it in device.yaml"))
    stated = declared_source(view, declaration, WORDS) if declaration and _text(view, entry) else missing
    return Row((text(f"({entry.rpartition('.')[2]})"), text(label), stated))


def _text(view: AuditView, entry: str) -> str:
    declaration = view.device.declared.get(entry) if view.device else None
    return declaration.text.strip() if declaration else ""


ENTRY = Block("declaration", NoParameters, _build)
