"""Groups by measures as a table of colours: blue is better, orange worse, hatched undefined; numbers in every cell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reportlab.graphics.shapes import Drawing, Line, Rect
from reportlab.platypus import Flowable

from audit.dossier.content import HeatCell, HeatRow, HeatTable, text
from audit.dossier.pdf_figures import Pages, break_before, render
from audit.dossier.pdf_style import CANDIDATE, CAPTION, CELL, COMPARATOR, HEAD, NOTE, RULE, SMALL, TINT
from audit.dossier.pdf_text import Line as Words
from audit.dossier.pdf_text import draw_lines, line_width, set_text

DEEPEST, HATCH, SWATCHES, SWATCH = 0.62, 5.0, 9, 15.0
LABEL, SIZE, SCALE = 0.21, 0.07, 12.0


@dataclass(frozen=True, slots=True)
class SetHeatRow:
    """A row with its texts set."""

    row: HeatRow
    label: tuple[Words, ...]
    size: tuple[Words, ...]
    cells: tuple[tuple[Words, ...], ...]
    height: float


class HeatFigure(Flowable):  # type: ignore[misc]
    """The table breaks between rows; caption, heads and colour scale are repeated."""

    def __init__(
        self, plot: HeatTable, pages: Pages, rows: tuple[SetHeatRow, ...] | None = None, part: str = ""
    ) -> None:
        super().__init__()
        self.plot, self.pages, self.rows, self.part = plot, pages, rows, part
        self.spaceBefore, self.spaceAfter = 6, 10

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        self.width = width
        self.left = (LABEL + SIZE) * width
        self.cell = (width - self.left) / len(self.plot.columns)
        if self.rows is None:
            self.rows = tuple(self._set(row) for row in self.plot.rows)
        self.caption = set_text(text(self.plot.caption + self.part), CAPTION, width, self.pages)
        self.heads = [set_text(text(each), HEAD, self.cell - 6, self.pages) for each in self.plot.columns]
        self.note = set_text(self.plot.note, NOTE, width, self.pages)
        self.height = self._above + sum(row.height for row in self.rows) + self._below
        return width, self.height

    def _set(self, row: HeatRow) -> SetHeatRow:
        room = LABEL * self.width - (8 if row.cells else 0)
        label = set_text(
            text(row.label, "plain" if row.cells else "strong"), CELL, room if row.cells else self.width, self.pages
        )
        size = set_text(row.size, SMALL, SIZE * self.width - 6, self.pages)
        cells = tuple(self._lines(each) for each in row.cells)
        tallest = max([len(label) * CELL.leading, *(len(lines) * SMALL.leading for lines in cells)])
        return SetHeatRow(row, label, size, cells, tallest + (6 if row.cells else 3))

    def _lines(self, cell: HeatCell | None) -> tuple[Words, ...]:
        if cell is None:
            return set_text(text("–", "quiet"), SMALL, self.cell - 8, self.pages)
        parts = (set_text(runs, SMALL, self.cell - 8, self.pages) for runs in (cell.printed, cell.limits) if runs)
        return tuple(line for lines in parts for line in lines)

    @property
    def _above(self) -> float:
        return len(self.caption) * CAPTION.leading + max(map(len, self.heads)) * HEAD.leading + 8

    @property
    def _below(self) -> float:
        return SCALE + 10 + len(self.note) * NOTE.leading

    def split(self, width: float, height: float) -> list[Flowable]:
        self.wrap(width, height)
        assert self.rows is not None
        room, fits = height - self._above - self._below, 0
        while fits < len(self.rows) and self.rows[fits].height <= room:
            room -= self.rows[fits].height
            fits += 1
        fits = min(fits, len(self.rows) - 2)
        fits = break_before(fits, [bool(row.row.cells) for row in self.rows])
        if fits < 4:
            return []
        return [
            HeatFigure(self.plot, self.pages, self.rows[:fits], self.part),
            HeatFigure(self.plot, self.pages, self.rows[fits:], " (continued)"),
        ]

    def draw(self) -> None:
        draw_lines(self.canv, self.caption, CAPTION, 0, self.height, self.width)
        y = self.height - self._above
        cases = set_text(text("Cases"), HEAD, SIZE * self.width, self.pages)
        draw_lines(self.canv, cases, HEAD, LABEL * self.width, y + 4 + HEAD.leading, SIZE * self.width - 6, "right")
        for number, head in enumerate(self.heads):
            top = y + 4 + len(head) * HEAD.leading
            draw_lines(self.canv, head, HEAD, self.left + number * self.cell + 3, top, self.cell)
        render(heat_drawing(self.rows or (), self.left, self.cell, self.width), self.canv, 0, self._below)
        for row in self.rows or ():
            self._texts(row, y)
            y -= row.height
        self._scale(self._below - 6)
        draw_lines(self.canv, self.note, NOTE, 0, len(self.note) * NOTE.leading, self.width)

    def _texts(self, row: SetHeatRow, top: float) -> None:
        inset = 8.0 if row.row.cells else 0.0
        middle = top - 0.5 * row.height
        draw_lines(self.canv, row.label, CELL, inset, middle + 0.5 * len(row.label) * CELL.leading, self.width)
        right = SIZE * self.width - 6
        draw_lines(self.canv, row.size, SMALL, LABEL * self.width, middle + 0.5 * SMALL.leading, right, "right")
        for number, lines in enumerate(row.cells):
            x, y = self.left + number * self.cell, middle + 0.5 * len(lines) * SMALL.leading
            for line in lines:
                centred = x + 0.5 * (self.cell - line_width(line, SMALL))
                draw_lines(self.canv, (line,), SMALL, centred, y, self.cell)
                y -= SMALL.leading

    def _scale(self, top: float) -> None:
        """The colour scale between its words, and what hatching means."""
        drawing, wide = Drawing(self.width, SCALE), SWATCHES * SWATCH
        x = self._said(self.plot.worse, 0.0, top) + 5
        for number in range(SWATCHES):
            place = (x + number * SWATCH, 2, SWATCH, SCALE - 4)
            for shape in shaded(2 * number / (SWATCHES - 1) - 1, place):
                drawing.add(shape)
        x = self._said(self.plot.better, x + wide + 5, top) + 18
        for shape in hatched((x, 2, 2 * SWATCH, SCALE - 4)):
            drawing.add(shape)
        self._said("undefined, with the reason", x + 2 * SWATCH + 5, top)
        render(drawing, self.canv, 0, top - SCALE)

    def _said(self, words: str, x: float, top: float) -> float:
        """Where the words end."""
        lines = set_text(text(words, "quiet"), SMALL, self.width, self.pages)
        draw_lines(self.canv, lines, SMALL, x, top - 0.5 * (SCALE - SMALL.leading), self.width)
        return x + line_width(lines[0], SMALL)


def heat_drawing(rows: tuple[SetHeatRow, ...], left: float, cell: float, width: float) -> Drawing:
    """The shades of all cells, rules below the headings."""
    tall = sum(row.height for row in rows)
    drawing, y = Drawing(width, tall), tall
    for row in rows:
        y -= row.height
        if not row.row.cells:
            drawing.add(Line(0, y + 1, width, y + 1, strokeColor=RULE, strokeWidth=0.5))
        for number, each in enumerate(row.row.cells):
            place = (left + number * cell + 1, y + 1, cell - 2, row.height - 2)
            if each is not None:
                for shape in hatched(place) if each.shade is None else shaded(each.shade, place):
                    drawing.add(shape)
    return drawing


def shaded(shade: float, place: tuple[float, float, float, float]) -> Iterator[Rect]:
    """A cell between orange (-1), white (0) and blue (1)."""
    colour = CANDIDATE if shade > 0 else COMPARATOR
    yield Rect(*place, fillColor=colour, fillOpacity=DEEPEST * min(abs(shade), 1.0), strokeColor=None)
    yield Rect(*place, fillColor=None, strokeColor=RULE, strokeWidth=0.35)


def hatched(place: tuple[float, float, float, float]) -> Iterator[Rect | Line]:
    """A cell without a value: slanted lines, cut where they leave it."""
    x, y, width, height = place
    yield Rect(*place, fillColor=TINT, strokeColor=RULE, strokeWidth=0.35)
    for step in range(1, int((width + height) / HATCH) + 1):
        reach = step * HATCH
        start, end = max(0.0, reach - height), min(reach, width)
        if end > start:
            yield Line(x + start, y + reach - start, x + end, y + reach - end, strokeColor=RULE, strokeWidth=0.5)
