"""A heat table as a table of Word: shaded cells that break between rows, their results bound like all others."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from audit.dossier.content import Column, HeatCell, HeatRow, HeatTable, Row, Runs, Table, Text, text
from audit.dossier.pdf_heat import DEEPEST, LABEL, SIZE
from audit.dossier.pdf_style import CANDIDATE, COMPARATOR, TINT

Fill = Callable[[int, int], str]
"""The colour behind the cell of a row and a column, '' where there is none."""


def heat_as_table(node: HeatTable) -> tuple[Table, Fill]:
    """The same cells as a plain table, and the colour behind each."""
    part = (1 - LABEL - SIZE) / len(node.columns)
    columns = (
        Column("Group", LABEL), Column("Cases", SIZE, "right"), *(Column(each, part) for each in node.columns)
    )  # fmt: skip
    rows = tuple(_row(row, len(columns)) for row in node.rows)
    legend = f"Blue: {node.better}. Orange: {node.worse}. Grey: undefined, with the reason. "
    fills = {(down, across + 2): _fill(cell) for down, row in enumerate(node.rows) for across, cell in _cells(row)}
    return Table(node.caption, columns, rows, (Text(legend), *node.note)), lambda *place: fills.get(place, "")


def _row(row: HeatRow, columns: int) -> Row:
    if not row.cells:
        return Row((text(row.label, "strong"),), (columns,), kind="group")
    return Row((text(row.label), row.size, *(_words(cell) for cell in row.cells)))


def _words(cell: HeatCell | None) -> Runs:
    if cell is None:
        return text("–", "quiet")
    return (*cell.printed, Text(" "), *cell.limits) if cell.limits else cell.printed


def _cells(row: HeatRow) -> Iterator[tuple[int, HeatCell]]:
    yield from ((across, cell) for across, cell in enumerate(row.cells) if cell is not None)


def _fill(cell: HeatCell) -> str:
    """The figure's colour at the cell's shade, laid over white."""
    if cell.shade is None:
        return str(TINT.hexval())[2:].upper()
    colour, depth = CANDIDATE if cell.shade > 0 else COMPARATOR, DEEPEST * min(abs(cell.shade), 1.0)
    parts = (round(255 * (1 - depth * (1 - part))) for part in (colour.red, colour.green, colour.blue))
    return "".join(f"{part:02X}" for part in parts)
