"""What each measure is: title, unit, direction, source, and the method of its intervals."""

from __future__ import annotations

from audit.dossier.block import Block, NoParameters, nothing
from audit.dossier.content import Column, Node, Row, Table, text
from audit.dossier.view import GAPS, AuditView

BETTER = {"higher": "higher is better", "lower": "lower is better", "nearer": "nearer the ideal is better"}


def _build(view: AuditView, _given: NoParameters) -> tuple[Node, ...]:
    names = list(dict.fromkeys(row.measure for row in view.rows))
    if not names:
        return nothing("No measure was computed.")
    columns = (
        Column("Measure", 1.3),
        Column("Unit", 0.85),
        Column("Reading", 1.1),
        Column("Interval", 1.5),
        Column("Source", 2.0),
    )
    rows = []
    for name in names:
        facts = view.measure(name)
        methods = dict.fromkeys(
            row.method for row in view.rows if row.measure == name and row.method and row.kind == "value"
        )
        cells = (
            facts.title,
            facts.unit or "none",
            BETTER.get(facts.direction, facts.direction),
            "; ".join(methods) or ("none; read beside its permutation null" if name in GAPS else ""),
            facts.source,
        )
        rows.append(Row(tuple(text(cell) if cell else text("not stated", "quiet") for cell in cells)))
    return (Table("Measures and how their intervals are made", columns, tuple(rows)),)


ENTRY = Block("metrics", NoParameters, _build)
