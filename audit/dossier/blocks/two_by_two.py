"""Decisions against the reference, by version and target: right and wrong, or agreeing and not, as the truth allows."""

from __future__ import annotations

from audit.dossier.block import Block, NoParameters, nothing
from audit.dossier.content import Column, Node, Row, Table, text
from audit.dossier.decision_counts import calls
from audit.dossier.view import AuditView
from audit.dossier.words import version_label

PAIRS = ((1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0))
STANDARD = ("True positive", "False negative", "False positive", "True negative")
AGREEMENT = ("Both positive", "Reference alone", "Device alone", "Both negative")


def _build(view: AuditView, _given: NoParameters) -> tuple[Node, ...]:
    decided = [each for each in calls(view) if not each.graded]
    if not decided:
        return nothing("Two-by-two tables: no target has both an operating point and a reference.")
    titles = STANDARD if view.has_standard else AGREEMENT
    columns = (Column("Version, target", 2.6), *(Column(title, 1, "right") for title in titles))
    rows = []
    for each in decided:
        label = f"{version_label(view, each.version)}, {each.target.replace('_', ' ')}"
        rows.append(Row((text(label), *((each.cells[pair].printed,) for pair in PAIRS))))
    note = text("Counts of cases at the plan's operating point, against the reference.")
    return (Table("Decisions against the reference", columns, tuple(rows), note),)


ENTRY = Block("two_by_two", NoParameters, _build)
