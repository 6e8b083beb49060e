"""The path from training data to documents as it stands on a page: boxes in columns, arrows between them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from reportlab.graphics.shapes import Drawing, Line, Polygon, Rect
from reportlab.platypus import Flowable

from audit.dossier.content import LineageBox, LineageChart, text
from audit.dossier.pdf_figures import Pages, render
from audit.dossier.pdf_style import ACCENT, CAPTION, SMALL, TINT, Face
from audit.dossier.pdf_text import Line as Words
from audit.dossier.pdf_text import draw_lines, set_text

GAP, BETWEEN, PAD = 20.0, 8.0, 5.0
TITLE = Face(SMALL.size, SMALL.leading, "Body-Bold", ACCENT)
Place = tuple[float, float, float, float]
"""x and y of the lower left corner, width, height."""


class LineageFigure(Flowable):  # type: ignore[misc]
    """One column for each step, its boxes stacked in the middle of the height."""

    def __init__(self, chart: LineageChart, pages: Pages) -> None:
        super().__init__()
        self.chart, self.pages = chart, pages
        self.spaceBefore, self.spaceAfter = 6, 8

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        self.width = width
        self.caption = set_text(text(self.chart.caption), CAPTION, width, self.pages)
        columns = len(self.chart.columns)
        self.room = (width - GAP * (columns - 1)) / columns
        self.words = {box.key: self._set(box) for column in self.chart.columns for box in column}
        tall = max(self._tall(column) for column in self.chart.columns)
        self.height = len(self.caption) * CAPTION.leading + 6 + tall
        return width, self.height

    def _set(self, box: LineageBox) -> tuple[tuple[Words, ...], tuple[Words, ...]]:
        inside = self.room - 2 * PAD
        lines = (line for runs in box.lines for line in set_text(runs, SMALL, inside, self.pages))
        return set_text(text(box.title), TITLE, inside, self.pages), tuple(lines)

    def _box_height(self, box: LineageBox) -> float:
        return sum(len(lines) for lines in self.words[box.key]) * SMALL.leading + 2 * PAD

    def _tall(self, column: tuple[LineageBox, ...]) -> float:
        return sum(self._box_height(box) for box in column) + BETWEEN * (len(column) - 1)

    def draw(self) -> None:
        draw_lines(self.canv, self.caption, CAPTION, 0, self.height, self.width)
        places = self._places(self.height - len(self.caption) * CAPTION.leading - 6)
        render(lineage_drawing(places, self.chart.arrows, (self.width, self.height)), self.canv, 0, 0)
        for key, (x, y, width, height) in places.items():
            top = y + height - PAD
            for lines, face in zip(self.words[key], (TITLE, SMALL), strict=True):
                draw_lines(self.canv, lines, face, x + PAD, top, width)
                top -= len(lines) * face.leading

    def _places(self, tall: float) -> dict[str, Place]:
        places: dict[str, Place] = {}
        for number, column in enumerate(self.chart.columns):
            top = tall - 0.5 * (tall - self._tall(column))
            for box in column:
                height = self._box_height(box)
                places[box.key] = (number * (self.room + GAP), top - height, self.room, height)
                top -= height + BETWEEN
        return places


def lineage_drawing(
    places: Mapping[str, Place], arrows: tuple[tuple[str, str], ...], size: tuple[float, float]
) -> Drawing:
    """Boxes at their places, and an arrow for each pair: rightwards, or down inside a column."""
    drawing = Drawing(*size)
    for x, y, width, height in places.values():
        drawing.add(Rect(x, y, width, height, rx=3, ry=3, fillColor=TINT, strokeColor=ACCENT, strokeWidth=0.6))
    for one, other in arrows:
        for shape in _arrow(places[one], places[other]):
            drawing.add(shape)
    return drawing


def _arrow(one: Place, other: Place) -> tuple[Line, Polygon]:
    (x, y, width, height), (x1, y1, width1, height1) = one, other
    down = abs(x - x1) < 1
    start = (x + 0.5 * width, y) if down else (x + width, y + 0.5 * height)
    end = (x1 + 0.5 * width1, y1 + height1) if down else (x1, y1 + 0.5 * height1)
    angle = math.atan2(end[1] - start[1], end[0] - start[0])
    head = [end[0], end[1]]
    for turn in (2.6, -2.6):
        head += [end[0] + 4.2 * math.cos(angle + turn), end[1] + 4.2 * math.sin(angle + turn)]
    return Line(*start, *end, strokeColor=ACCENT, strokeWidth=0.8), Polygon(head, fillColor=ACCENT, strokeColor=None)
