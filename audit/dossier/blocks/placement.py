"""Where each section of the AI guidance goes in eSTAR, and what serves it (draft guidance, Appendix A)."""

from __future__ import annotations

from audit.dossier.block import Block, Parameters
from audit.dossier.content import Column, Node, Row, Table, text
from audit.dossier.view import AuditView


class Placement(Parameters):
    """One section of the guidance, its place in eSTAR and the document that serves it."""

    section: str
    estar: str
    served_by: str


class PlacementParameters(Parameters):
    """``rows`` in the order of the guidance."""

    caption: str
    rows: tuple[Placement, ...]


def _build(_view: AuditView, given: PlacementParameters) -> tuple[Node, ...]:
    columns = (Column("Section of the guidance", 2.0), Column("Place in eSTAR", 1.6), Column("Served by", 2.8))
    rows = tuple(Row((text(each.section), text(each.estar), text(each.served_by))) for each in given.rows)
    return (Table(given.caption, columns, rows),)


ENTRY = Block("placement", PlacementParameters, _build)
