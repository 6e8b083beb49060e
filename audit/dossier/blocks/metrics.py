"""What each measure is: title, unit, direction, source, and the method of its intervals."""

from __future__ import annotations

from audit.dossier.block import Block, NoParameters, nothing
from audit.dossier.content import Column, Node, Row, Table, text
from audit.dossier.view import GAPS, AuditView

BETTER = {"higher": "higher is better", "lower": "lower is better", "nearer": "nearer the ideal is better"}

COLUMNS = (Column("Measure", 1.7), Column("Unit, reading", 1.3), Column("Interval", 2.1), Column("Source", 2.2))


def _build(view: AuditView, _given: NoParameters) -> tuple[Node, ...]:
    names = list(dict.fromkeys(row.measure for row in view.rows))
    if not names:
        return nothing("No measure was computed.")
    together: dict[tuple[str, ...], list[str]] = {}
    for name in names:
        together.setdefault(_facts(view, name), []).append(view.measure(name).title)
    rows = tuple(
        Row((text("; ".join(titles)), *(text(cell) if cell else text("–", "quiet") for cell in cells)))
        for cells, titles in together.items()
    )
    note = text("Measures with the same entries share a row. A dash: no interval is made.")
    return (Table("Measures and how their intervals are made", COLUMNS, rows, note),)


def _facts(view: AuditView, name: str) -> tuple[str, ...]:
    """Unit and direction, method of the interval, source."""
    facts = view.measure(name)
    methods = dict.fromkeys(
        row.method for row in view.rows if row.measure == name and row.method and row.kind == "value"
    )
    return (
        f"{facts.unit or 'no unit'}; {BETTER.get(facts.direction, facts.direction)}",
        "; ".join(methods) or ("none; read beside its permutation null" if name in GAPS else ""),
        facts.source,
    )


ENTRY = Block("metrics", NoParameters, _build)
