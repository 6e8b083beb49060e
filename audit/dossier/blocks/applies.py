"""From when clauses apply: dates as the catalogue of the consolidated text has them."""

from __future__ import annotations

from audit.dossier.block import Block, Parameters
from audit.dossier.catalogues import known_requirements
from audit.dossier.content import Column, Node, Row, Table, text
from audit.dossier.view import AuditView


class AppliesParameters(Parameters):
    """``entries``: catalogue entries that state a date of application."""

    entries: tuple[str, ...]


def _build(_view: AuditView, given: AppliesParameters) -> tuple[Node, ...]:
    known = known_requirements()
    columns = (Column("Clause", 1.2), Column("What", 1.5), Column("From when", 3.6), Column("Source", 0.8))
    rows = tuple(
        Row(tuple(text(words) for words in (each.label, each.title, each.requires, each.confidence)))
        for each in (known[entry] for entry in given.entries if entry in known)
    )
    note = text("Sourced: read in the law or in independent extracts of it. Recalled: check before relying on it.")
    return (Table("From when the clauses apply", columns, rows, note),)


ENTRY = Block("applies", AppliesParameters, _build)
