"""A curve plot as it stands on a page: caption, legend, drawing."""

from __future__ import annotations

from collections.abc import Mapping

from reportlab.graphics import renderPDF
from reportlab.graphics.shapes import Drawing, PolyLine
from reportlab.platypus import Flowable

from audit.dossier.content import CurvePlot, Text, text
from audit.dossier.curves import DASHES, LINES, curve_drawing
from audit.dossier.figures import marker
from audit.dossier.pdf_parts import DryCanvas
from audit.dossier.pdf_style import CANDIDATE, CAPTION, COMPARATOR, QUIET, REGULAR, SMALL
from audit.dossier.pdf_text import draw_lines, set_text

WIDEST = 330.0
TALL = 0.62
SCORES = "Below: scores of the candidate, positive cases up, negative ones down, on a square-root scale"


class CurveFigure(Flowable):  # type: ignore[misc]
    """Caption above, legend to the right of the drawing."""

    def __init__(self, plot: CurvePlot, pages: Mapping[str, int]) -> None:
        super().__init__()
        self.plot, self.pages = plot, pages
        self.spaceBefore, self.spaceAfter = 6, 8

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        self.width = width
        self.drawn = min(WIDEST, 0.68 * width)
        self.caption = set_text(text(self.plot.caption), CAPTION, width, self.pages)
        self.height = len(self.caption) * CAPTION.leading + 4 + self.drawn * TALL + 30
        return width, self.height

    def draw(self) -> None:
        draw_lines(self.canv, self.caption, CAPTION, 0, self.height, self.width)
        top = self.height - len(self.caption) * CAPTION.leading - 4
        self._render(curve_drawing(self.plot, self.drawn, top), 0, 0)
        self._legend(self.drawn + 14, top - 4)

    def _legend(self, left: float, y: float) -> None:
        room = self.width - left
        y = self._words(self.plot.y_title, left, y, room)
        for index, series in enumerate(self.plot.series):
            self._sample(left, y - 5, index, not series.shaded)
            y = self._words(series.label, left + 22, y, room - 22)
        for number, line in enumerate(self.plot.lines):
            self._sample(left, y - 5, None, False, LINES[number % len(LINES)])
            y = self._words(line.label, left + 22, y, room - 22)
        if self.plot.counts:
            self._words(
                "Below: scores of the candidate, positive cases up, negative down, on a square-root scale",
                left,
                y,
                room,
            )

    def _words(self, words: str, x: float, y: float, room: float) -> float:
        lines = set_text((Text(words, "quiet"),), SMALL, room, self.pages)
        draw_lines(self.canv, lines, SMALL, x, y, room)
        return y - len(lines) * SMALL.leading - 4

    def _sample(self, x: float, y: float, index: int | None, marked: bool, dash: list[float] | None = None) -> None:
        drawing = Drawing(20, 8)
        colour = QUIET if index is None else CANDIDATE if index == 0 else COMPARATOR
        dash = dash if index is None else DASHES[min(index, 1)]
        drawing.add(PolyLine([0, 4, 18, 4], strokeColor=colour, strokeWidth=1.0, strokeDashArray=dash))
        if marked and index is not None:
            drawing.add(marker(index, 9, 4))
        self._render(drawing, x, y - 3)

    def _render(self, drawing: Drawing, x: float, y: float) -> None:
        if not isinstance(self.canv, DryCanvas):
            drawing.initialFontName = REGULAR
            renderPDF.draw(drawing, self.canv, x, y)
