"""ROC curves as they stand on a page: a square plot with the diagonal of chance, the numbers beside it."""

from __future__ import annotations

from reportlab.graphics.shapes import Drawing, Line
from reportlab.platypus import Flowable

from audit.dossier.content import FrocLine, FrocPlot, RocPlot, Text, text
from audit.dossier.figures import marker
from audit.dossier.pdf_figures import Pages, render
from audit.dossier.pdf_froc import BELOW, LEFT, curve_drawing
from audit.dossier.pdf_style import CAPTION, CELL, NOTE, QUIET, SMALL
from audit.dossier.pdf_text import draw_lines, set_text

SIDE = 196.0
DASH = [1.2, 1.8]


class RocFigure(Flowable):  # type: ignore[misc]
    """The curves of all versions in one square; the number of each stands to its right."""

    def __init__(self, plot: RocPlot, pages: Pages) -> None:
        super().__init__()
        self.plot, self.pages = plot, pages
        self.spaceBefore, self.spaceAfter = 6, 10

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        self.width = width
        self.beside = LEFT + SIDE + 26
        self.room = width - self.beside - 12
        self.caption = set_text(text(self.plot.caption), CAPTION, width, self.pages)
        self.blocks = [
            (
                set_text((Text(curve.label, "strong"),), SMALL, self.room, self.pages),
                [set_text(runs, CELL, self.room, self.pages) for runs in curve.printed],
            )
            for curve in self.plot.curves
        ]
        self.note = set_text(self.plot.note, NOTE, self.room + 12, self.pages)
        drawn = BELOW + SIDE + 4
        self.height = len(self.caption) * CAPTION.leading + 6 + max(drawn, self._words_height)
        return width, self.height

    @property
    def _words_height(self) -> float:
        numbers = sum(len(lines) for _, groups in self.blocks for lines in groups) * CELL.leading
        labels = sum(len(label) * SMALL.leading + 10 for label, _ in self.blocks)
        return numbers + labels + len(self.note) * NOTE.leading

    def draw(self) -> None:
        draw_lines(self.canv, self.caption, CAPTION, 0, self.height, self.width)
        top = self.height - len(self.caption) * CAPTION.leading - 6
        base = top - BELOW - SIDE - 4
        render(roc_drawing(self.plot), self.canv, 0, base)
        y = top - 2
        for index, (label, groups) in enumerate(self.blocks):
            key = Drawing(10, 8)
            key.add(marker(index, 5, 4))
            render(key, self.canv, self.beside - 4, y - 9)
            draw_lines(self.canv, label, SMALL, self.beside + 10, y, self.room)
            y -= len(label) * SMALL.leading + 2
            for lines in groups:
                draw_lines(self.canv, lines, CELL, self.beside + 10, y, self.room)
                y -= len(lines) * CELL.leading
            y -= 8
        draw_lines(self.canv, self.note, NOTE, self.beside - 2, y, self.room + 12)


def roc_drawing(plot: RocPlot) -> Drawing:
    """Axes, diagonal, curves and operating points."""
    curves = tuple(FrocLine(curve.label, curve.points, curve.operating_point) for curve in plot.curves)
    drawing = curve_drawing(FrocPlot("", "", plot.x_axis, plot.y_axis, 1.0, curves), SIDE, SIDE)
    chance = Line(LEFT, BELOW, LEFT + SIDE, BELOW + SIDE, strokeColor=QUIET, strokeWidth=0.6, strokeDashArray=DASH)
    drawing.insert(0, chance)
    return drawing
