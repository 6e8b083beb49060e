"""What a reviewer would ask, with clause and remedy: deficiencies, and what the evidence cannot tell."""

from __future__ import annotations

from audit.dossier.block import Block, Parameters, nothing
from audit.dossier.content import Column, Mark, Node, Paragraph, Row, Table, text
from audit.dossier.precheck import TONES, Asked, precheck
from audit.dossier.view import AuditView

COLUMNS = (
    Column("Reviewer's question", 1.9),
    Column("What evidence and declared facts tell", 2.7),
    Column("Clauses", 1.5),
    Column("Remedy", 2.1),
)


class DeficiencyParameters(Parameters):
    """``market``: of the document, which ``resolve`` gives; a document of both prints the clauses of both."""

    market: str = "both"


def _build(view: AuditView, given: DeficiencyParameters) -> tuple[Node, ...]:
    asked = precheck(view)
    silent = [each.check.question for each in asked if each.outcome == "nothing to ask"]
    rows = tuple(_row(each, given.market) for each in asked if each.outcome != "nothing to ask")
    if not rows:
        return nothing("None of the questions that are asked here finds anything in the evidence.")
    note = Paragraph(text(f"Asked as well, nothing found: {' '.join(silent)}" if silent else ""), "note")
    return (Table("", COLUMNS, rows), *((note,) if silent else ()))


def _row(asked: Asked, market: str) -> Row:
    eu, fda = asked.clauses
    clauses = {"eu": eu, "us": fda}.get(market, f"EU: {eu}; FDA: {fda}")
    known = asked.outcome == "deficient"
    mark = Mark(asked.check.severity, TONES[asked.check.severity]) if known else Mark("open", "quiet")
    return Row(
        (
            (mark, *text(f" {asked.check.question}")),
            asked.what,
            text(clauses),
            text(asked.check.remedy),
        )
    )


ENTRY = Block("deficiencies", DeficiencyParameters, _build)
