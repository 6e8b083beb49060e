"""Confusion matrices as they stand on a page: counts and shares of the reference level, shaded by the share."""

from __future__ import annotations

from reportlab.graphics.shapes import Drawing, Rect
from reportlab.lib.colors import white
from reportlab.platypus import Flowable

from audit.dossier.content import Matrix, MatrixCell, MatrixPlot, Text, text
from audit.dossier.pdf_figures import Pages, render
from audit.dossier.pdf_style import BOLD, CANDIDATE, CAPTION, COMPARATOR, INK, NOTE, QUIET, RULE, SMALL, Face
from audit.dossier.pdf_text import Line, draw_lines, line_width, set_text

LABEL, CELL_TALL, WIDEST, BETWEEN, HEAD = 70.0, 27.0, 78.0, 24.0, 35.0
COUNT, TITLE = Face(8.4, 10.6), Face(SMALL.size, SMALL.leading, BOLD, QUIET)
DEEPEST = 0.62
"""Opacity of a share of 1: the count stays legible on it."""
BESIDE = 3
"""With more levels, matrices stand below each other."""


class MatrixFigure(Flowable):  # type: ignore[misc]
    """Reference levels down, calls across; what agrees is blue and framed, what does not is orange."""

    def __init__(self, plot: MatrixPlot, pages: Pages) -> None:
        super().__init__()
        self.plot, self.pages = plot, pages
        self.spaceBefore, self.spaceAfter = 6, 10

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        self.width = width
        levels, matrices = len(self.plot.levels), len(self.plot.matrices)
        self.across = matrices if levels <= BESIDE else 1
        room = (width - BETWEEN * (self.across - 1)) / self.across
        self.cell = min(WIDEST, (room - LABEL) / levels)
        self.one = LABEL + self.cell * levels
        self.caption = set_text(text(self.plot.caption), CAPTION, width, self.pages)
        self.note = set_text(self.plot.note, NOTE, width, self.pages)
        self.labels = [set_text(text(each), SMALL, LABEL - 8, self.pages) for each in self.plot.levels]
        self.tall = HEAD + CELL_TALL * levels
        down = -(-matrices // self.across)
        above = len(self.caption) * CAPTION.leading + 4
        self.height = above + down * self.tall + (down - 1) * 12 + 6 + len(self.note) * NOTE.leading
        return width, self.height

    def draw(self) -> None:
        draw_lines(self.canv, self.caption, CAPTION, 0, self.height, self.width)
        top = self.height - len(self.caption) * CAPTION.leading - 4
        for index, matrix in enumerate(self.plot.matrices):
            down, across = divmod(index, self.across)
            self._matrix(matrix, across * (self.one + BETWEEN), top - down * (self.tall + 12))
        draw_lines(self.canv, self.note, NOTE, 0, len(self.note) * NOTE.leading, self.width)

    def _matrix(self, matrix: Matrix, x: float, top: float) -> None:
        self._line(matrix.label, Face(SMALL.size, SMALL.leading, BOLD, INK), x, top, self.one)
        y = top - 13
        self._line(self.plot.reference, TITLE, x, y - 10, LABEL - 8)
        self._line(self.plot.call, TITLE, x + LABEL, y, self.one - LABEL)
        left = x + LABEL
        for number, level in enumerate(self.plot.levels):
            lines = set_text(text(level), SMALL, self.cell - 2, self.pages)[:1]
            self._centred(lines, SMALL, left + number * self.cell, y - 10)
        y = top - HEAD
        render(matrix_drawing(matrix, self.cell), self.canv, left, y - CELL_TALL * len(matrix.rows))
        for label, row in zip(self.labels, matrix.rows, strict=True):
            tall = len(label) * SMALL.leading
            draw_lines(self.canv, label, SMALL, x, y - 0.5 * (CELL_TALL - tall), LABEL - 8)
            for number, cell in enumerate(row):
                self._cell(cell, left + number * self.cell, y)
            y -= CELL_TALL

    def _cell(self, cell: MatrixCell, x: float, top: float) -> None:
        gap = 0.5 * (CELL_TALL - COUNT.leading - SMALL.leading)
        self._centred(set_text(cell.printed, COUNT, self.cell, self.pages), COUNT, x, top - gap)
        self._centred(set_text(cell.percent, SMALL, self.cell, self.pages), SMALL, x, top - gap - COUNT.leading)

    def _line(self, words: str, face: Face, x: float, top: float, width: float) -> None:
        draw_lines(self.canv, set_text((Text(words),), face, width, self.pages)[:1], face, x, top, width)

    def _centred(self, lines: tuple[Line, ...], face: Face, x: float, top: float) -> None:
        for line in lines[:1]:
            draw_lines(self.canv, (line,), face, x + 0.5 * (self.cell - line_width(line, face)), top, self.cell)


def matrix_drawing(matrix: Matrix, cell: float) -> Drawing:
    """The cells' shades; those on the diagonal have a frame, so that colour is not the only sign."""
    tall = CELL_TALL * len(matrix.rows)
    drawing = Drawing(cell * len(matrix.rows), tall)
    for down, row in enumerate(matrix.rows):
        for across, each in enumerate(row):
            place = (across * cell + 1, tall - (down + 1) * CELL_TALL + 1, cell - 2, CELL_TALL - 2)
            same = down == across
            drawing.add(Rect(*place, fillColor=white, strokeColor=INK if same else RULE, strokeWidth=0.6))
            if each.share:
                colour = CANDIDATE if same else COMPARATOR
                shade = Rect(*place, fillColor=colour, fillOpacity=DEEPEST * each.share, strokeColor=None)
                drawing.add(shade)
    return drawing
