"""What the intake check of the set found."""

from __future__ import annotations

from audit.dossier.block import Block, NoParameters, nothing
from audit.dossier.content import Column, Node, Row, Table, text
from audit.dossier.rounding import whole
from audit.dossier.view import AuditView


def _build(view: AuditView, _given: NoParameters) -> tuple[Node, ...]:
    if not view.concerns:
        return nothing("The intake check of the set found nothing to report.")
    columns = (Column("Severity", 0.8), Column("What", 3), Column("Rows", 0.6, "right"), Column("Remedy", 2.2))
    rows = tuple(
        Row((text(each.severity), text(each.what), text(whole(each.rows)), text(each.remedy))) for each in view.concerns
    )
    return (Table("Intake check", columns, rows),)


ENTRY = Block("concerns", NoParameters, _build)
