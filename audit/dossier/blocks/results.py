"""A small table whose cells are bound one by one to estimates."""

from __future__ import annotations

from audit.dossier.block import Block, Parameters
from audit.dossier.citing import estimate, limits, size
from audit.dossier.content import Column, Node, Row, Runs, Table, text
from audit.dossier.view import AuditView, EstimateRow
from audit.tables import ALL, OVERALL


class Binding(Parameters):
    """Which estimate stands in a cell."""

    measure: str
    target: str = ""
    version: str = "candidate"
    attribute: str = OVERALL
    level: str = ALL


class ResultRow(Parameters):
    """A label and the estimate beside it."""

    label: str
    value: Binding


class ResultsParameters(Parameters):
    """``rows`` of labels and bindings; an empty target takes every target of the plan."""

    caption: str
    rows: tuple[ResultRow, ...]


def _build(view: AuditView, given: ResultsParameters) -> tuple[Node, ...]:
    columns = (
        Column("Quantity", 3.2),
        Column("Cases", 0.8, "right"),
        Column("Estimate", 1, "right"),
        Column("Interval", 1.6, "right"),
    )
    rows = tuple(row for each in given.rows for row in _rows(view, each))
    return (Table(given.caption, columns, rows),)


def _rows(view: AuditView, each: ResultRow) -> list[Row]:
    bound = each.value
    targets = [bound.target] if bound.target else list(view.plan.targets)
    found = [view.plain.get((bound.version, bound.measure, target, bound.attribute, bound.level)) for target in targets]
    rows = [_row(view, each.label, row) for row in found if row is not None]
    return rows or [Row((text(each.label), text("not assessed: not among the plan's estimates", "quiet")), (1, 3))]


def _row(view: AuditView, label: str, row: EstimateRow) -> Row:
    words: Runs = text(f"{label}, {row.target.replace('_', ' ')}")
    if row.value is None:
        return Row((words, size(view, row, "n_cases"), estimate(view, row)), (1, 1, 2))
    return Row((words, size(view, row, "n_cases"), estimate(view, row), limits(view, row)))


ENTRY = Block("results", ResultsParameters, _build)
