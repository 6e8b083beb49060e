"""The versions of a document: when each was built, what changed in its results, why, and who answers for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.dossier.content import Column, Heading, Link, Node, Paragraph, Row, Runs, Table, Text, Value, text
from audit.dossier.signature_page import signatures_table
from audit.dossier.view import AuditView
from audit.dossier.words import group_label, quantity, version_label
from audit.records import Statement

LISTED = 60
UNSIGNED = (
    "Electronic signatures of this version stand on its signature page, a file of its own: signing changes no byte of "
    "what is signed."
)
DOCUMENT, ACKNOWLEDGED = "document", "acknowledged"


def revision_history(view: AuditView, document: str) -> tuple[Node, ...]:
    """Heading, versions, and the results that changed from one version to the next; ``document`` is its id."""
    earlier = [one for one in view.ledger if one.kind == DOCUMENT and one.body.get("document") == document]
    reasons = {
        one.body["replaces"]: one
        for one in view.ledger
        if one.kind == ACKNOWLEDGED and one.body["document"] == document
    }
    heading = Heading("Revision history", 1, "revisions")
    if not earlier:
        return (heading, Paragraph(text(f"This is the first version, built {view.created}. {UNSIGNED}")))
    rows = [_row(number, one, earlier, reasons) for number, one in enumerate(earlier, 1)]
    rows.append(_row(len(earlier) + 1, None, earlier, reasons, view.created))
    columns = (Column("Version", 0.6), Column("Built", 1.9), Column("Statement", 1.1), Column("Changed", 4.0))
    changes = (_changes(view, one, earlier) for one in reasons.values())
    signed = [one for one in view.sign_offs if one.document == document]
    return (
        heading,
        Paragraph(text(UNSIGNED)),
        Table("", columns, tuple(rows)),
        *(node for each in changes for node in each),
        *((signatures_table(signed, "Signatures of earlier versions"),) if signed else ()),
    )


def _row(
    number: int,
    one: Statement | None,
    versions: list[Statement],
    reasons: Mapping[str, Statement],
    created: str = "",
) -> Row:
    built = f"{one.created[:19]}Z" if one else created
    statement: Runs = (Link(one.id[:12], one.id),) if one else text("this version", "quiet")
    known = reasons.get(versions[number - 2].id) if number > 1 else None
    return Row((text(str(number)), text(built), statement, _why(number, known)))


def _why(number: int, known: Statement | None) -> Runs:
    if number == 1:
        return text("first version")
    if known is None:
        return text("no result that the version before prints")
    several = len(known.body["changed"])
    counted = Value(f"{several:,}", known.id, "/count")
    noun = " result: " if several == 1 else " results: "
    return (counted, Text(noun), Text(f"{known.body['reason']} (acknowledged by {known.body['who']})"))


def _changes(view: AuditView, one: Statement, versions: list[Statement]) -> tuple[Node, ...]:
    number = 2 + next(place for place, version in enumerate(versions) if version.id == one.body["replaces"])
    changed = one.body["changed"]
    rows = [
        Row((text(_label(view, each)), *(_cell(one, place, key, each[key]) for key in ("before", "after"))))
        for place, each in enumerate(changed[:LISTED])
    ]
    more = f"{len(changed) - LISTED} more stand in the statement." if len(changed) > LISTED else ""
    columns = (Column("Result", 4.2), Column("Before", 1.2, "right"), Column("After", 1.2, "right"))
    return (Table(f"Results changed by version {number}", columns, tuple(rows), text(more)),)


def _cell(one: Statement, place: int, key: str, words: str) -> Runs:
    return (Value(words, one.id, f"/changed/{place}/{key}"),)


def _label(view: AuditView, changed: Mapping[str, Any]) -> str:
    key, _, column = str(changed["pointer"])[1:].partition("/")
    row = view.by_id.get(key)
    if row is None:
        return f"{changed['kind']} {changed['pointer']}"
    words = f"{quantity(view, row.measure, row.target)}, {group_label(row)}, {version_label(view, row.version)}"
    return f"{words}: {column.replace('_', ' ')}"
