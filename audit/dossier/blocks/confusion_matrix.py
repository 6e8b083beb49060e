"""Confusion matrices at the operating point: counts and shares of each reference level, both versions side by side."""

from __future__ import annotations

from audit.dossier.block import Block, NoParameters, nothing
from audit.dossier.comparison import questions
from audit.dossier.content import Matrix, MatrixCell, MatrixPlot, Node, text
from audit.dossier.decision_counts import Calls, Cell, calls
from audit.dossier.rounding import percent
from audit.dossier.view import AuditView
from audit.dossier.words import with_role

SHOWN, MOST_LEVELS = 2, 8
SIGNS = ("positive", "negative")
NOTE = "Each share is of the cases of its row. Blue, framed: the call agrees with the reference; orange: it does not."


def _build(view: AuditView, _given: NoParameters) -> tuple[Node, ...]:
    found = calls(view)
    if not found:
        return nothing("Confusion matrices: no target has both a call and a reference.")
    claimed = {each.target for each in questions(view)}
    every = list(dict.fromkeys(each.target for each in found))
    targets = [name for name in every if name in claimed] or every[:SHOWN]
    return tuple(node for name in targets for node in _of_target(view, [c for c in found if c.target == name]))


def _of_target(view: AuditView, found: list[Calls]) -> tuple[Node, ...]:
    first = found[0]
    words = first.target.replace("_", " ")
    if len(first.values) > MOST_LEVELS:
        return nothing(f"Confusion matrix, {words}: the counts of {len(first.values)} grades stand in the evidence.")
    where = "grades" if first.graded else "calls at the operating point"
    plot = MatrixPlot(
        caption=f"Confusion matrix, {words}: {where} against the reference",
        alt=f"Confusion matrices of {len(found)} version(s) for {words}: rows are the reference, columns the calls.",
        reference="Reference",
        call="Predicted grade" if first.graded else "Called",
        levels=first.labels or SIGNS,
        matrices=tuple(Matrix(with_role(view, each.version), _rows(each)) for each in found),
        note=text(NOTE),
    )
    return (plot,)


def _rows(found: Calls) -> tuple[tuple[MatrixCell, ...], ...]:
    return tuple(_row([found.cells[reference, call] for call in found.values]) for reference in found.values)


def _row(cells: list[Cell]) -> tuple[MatrixCell, ...]:
    total = sum(cell.number for cell in cells)
    return tuple(
        MatrixCell(cell.number / total if total else None, (cell.printed,), text(percent(cell.number, total)))
        for cell in cells
    )


ENTRY = Block("confusion_matrix", NoParameters, _build)
