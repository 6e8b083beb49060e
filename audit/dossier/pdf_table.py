"""Tables that break between rows and repeat their header; a row taller than a page breaks between its lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reportlab.platypus import Flowable

from audit.dossier.content import Column, PageOf, Row, Runs, Table, text
from audit.dossier.pdf_style import ACCENT, CAPTION, CELL, HEAD, NOTE, RULE, TINT
from audit.dossier.pdf_text import Line, draw_lines, note_place, set_text, statement_key

PAD_X, PAD_Y = 3.0, 2.3
TALLEST = 330.0
WHOLE = 120.0
"""A table this low is not broken; it goes to the next page instead."""


@dataclass(frozen=True, slots=True)
class SetCell:
    """A cell set into lines: where it starts, how wide it is."""

    lines: tuple[Line, ...]
    x: float
    width: float
    align: str


@dataclass(frozen=True, slots=True)
class SetRow:
    """A row set into cells, with its height in points."""

    cells: tuple[SetCell, ...]
    height: float
    kind: str
    key: str


def names_pages(table: Table) -> bool:
    """Whether a cell names a page, so that the table may be set differently in each pass of the layout."""
    return any(isinstance(run, PageOf) for row in table.rows for runs in row.cells for run in runs)


def set_rows(table: Table, width: float, pages: Mapping[str, int]) -> tuple[SetRow, ...]:
    """Every row of a table set to the columns' widths."""
    edges = _edges(table.columns, width)
    return tuple(part for row in table.rows for part in _halved(_set_row(row, table.columns, edges, pages)))


def _edges(columns: Sequence[Column], width: float) -> list[float]:
    total = sum(column.share for column in columns)
    edges = [0.0]
    for column in columns:
        edges.append(edges[-1] + width * column.share / total)
    return edges


def _set_row(row: Row, columns: Sequence[Column], edges: list[float], pages: Mapping[str, int]) -> SetRow:
    cells = []
    column = 0
    for index, runs in enumerate(row.cells):
        span = row.spans[index] if row.spans else 1
        x, room = edges[column] + PAD_X, edges[column + span] - edges[column] - 2 * PAD_X
        align = columns[column].align if span == 1 else "left"
        cells.append(SetCell(set_text(runs, CELL, room, pages), x, room, align))
        column += span
    return SetRow(tuple(cells), _height(cells), row.kind, row.key)


def _height(cells: Sequence[SetCell]) -> float:
    return max(len(cell.lines) for cell in cells) * CELL.leading + 2 * PAD_Y


def _halved(row: SetRow) -> list[SetRow]:
    """A row taller than a page allows, cut between lines."""
    if row.height <= TALLEST:
        return [row]
    at = int(TALLEST / CELL.leading)
    head = tuple(replace(cell, lines=cell.lines[:at]) for cell in row.cells)
    tail = tuple(replace(cell, lines=cell.lines[at:]) for cell in row.cells)
    rest = SetRow(tail, _height(tail), row.kind, "")
    return [SetRow(head, _height(head), row.kind, row.key), *_halved(rest)]


class GridTable(Flowable):  # type: ignore[misc]
    """A ruled table; header repeated on every page, group headings kept with the row below."""

    def __init__(
        self, table: Table, pages: Mapping[str, int], rows: tuple[SetRow, ...] | None = None, part: str = "whole"
    ) -> None:
        super().__init__()
        self.table, self.pages, self.rows, self.part = table, pages, rows, part
        self.tall: float | None = None
        self.spaceBefore, self.spaceAfter = 5, 9

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        self.width = width
        if self.rows is None:
            self.rows = set_rows(self.table, width, self.pages)
        edges = _edges(self.table.columns, width)
        titles = tuple(
            self._heading(column, edges[i] + PAD_X, edges[i + 1] - edges[i] - 2 * PAD_X)
            for i, column in enumerate(self.table.columns)
        )  # fmt: skip
        self.header = SetRow(titles, max(len(cell.lines) for cell in titles) * HEAD.leading + 2 * PAD_Y + 1, "head", "")
        self.caption = (
            set_text(_caption(self.table, self.part), CAPTION, width, self.pages) if self.table.caption else ()
        )
        note = self.table.note if self.part in ("whole", "last") else ()
        self.note = set_text(note, NOTE, width, self.pages) if note else ()
        if self.tall is None:
            self.tall = sum(row.height for row in self.rows)
        self.height = self._above + self.tall + self._below
        return width, self.height

    def _heading(self, column: Column, x: float, room: float) -> SetCell:
        return SetCell(set_text(text(column.title), HEAD, room, self.pages), x, room, column.align)

    @property
    def _above(self) -> float:
        return (len(self.caption) * CAPTION.leading + 2.5 if self.caption else 0.0) + self.header.height

    @property
    def _below(self) -> float:
        return len(self.note) * NOTE.leading + 4.0 if self.note else 0.0

    def split(self, width: float, height: float) -> list[Flowable]:
        self.wrap(width, height)
        assert self.rows is not None
        assert self.tall is not None
        if self.height <= WHOLE and self.part == "whole":
            return []
        room, fits = height - self._above, 0
        while fits < len(self.rows) and self.rows[fits].height <= room:
            room -= self.rows[fits].height
            fits += 1
        fits = min(fits, len(self.rows) - (2 if len(self.rows) > 3 else 1))  # no last row alone on a page
        while fits and self.rows[fits - 1].kind == "group":
            fits -= 1
        if fits < min(3, len(self.rows) - 1) or fits == 0:
            return []
        head = GridTable(
            self.table, self.pages, self.rows[:fits], "first" if self.part in ("whole", "first") else "middle"
        )
        rest = GridTable(self.table, self.pages, self.rows[fits:], "last")
        head.tall = sum(row.height for row in self.rows[:fits])
        rest.tall = self.tall - head.tall  # a sum of its own per part would make long tables quadratic
        return [head, rest]

    def draw(self) -> None:
        y = self.height
        if self.caption:
            if self.part in ("whole", "first"):
                note_place(self.canv, self.table.caption, self.height)
            draw_lines(self.canv, self.caption, CAPTION, 0, y, self.width)
            y -= len(self.caption) * CAPTION.leading + 2.5
        y = self._draw_header(y)
        for row in self.rows or ():
            y = self._draw_row(row, y)
        if self.note:
            draw_lines(self.canv, self.note, NOTE, 0, y - 3.0, self.width)

    def _draw_header(self, y: float) -> float:
        bottom = y - self.header.height
        for cell in self.header.cells:
            height = len(cell.lines) * HEAD.leading
            draw_lines(self.canv, cell.lines, HEAD, cell.x, bottom + PAD_Y + height, cell.width, cell.align)
        self.canv.setStrokeColor(ACCENT)
        self.canv.setLineWidth(0.9)
        self.canv.line(0, bottom, self.width, bottom)
        return bottom

    def _draw_row(self, row: SetRow, y: float) -> float:
        bottom = y - row.height
        if row.kind == "group":
            self.canv.setFillColor(TINT)
            self.canv.rect(0, bottom, self.width, row.height, stroke=0, fill=1)
        for cell in row.cells:
            draw_lines(self.canv, cell.lines, CELL, cell.x, y - PAD_Y, cell.width, cell.align)
        if row.key:
            self.canv.bookmarkHorizontal(statement_key(row.key), 0, y)
        self.canv.setStrokeColor(RULE)
        self.canv.setLineWidth(0.35)
        self.canv.line(0, bottom, self.width, bottom)
        return bottom


def _caption(table: Table, part: str) -> Runs:
    return text(table.caption + ("" if part in ("whole", "first") else " (continued)"))
