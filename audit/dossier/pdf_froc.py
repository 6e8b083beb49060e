"""FROC curves as they stand on a page: plot, legend to its right, limits as crosses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reportlab.graphics.shapes import Drawing, Group, Line, PolyLine, String
from reportlab.platypus import Flowable

from audit.dossier.content import FrocLine, FrocPlot, FrocPoint, text
from audit.dossier.figures import TICK_SIZE, marker, ticks
from audit.dossier.pdf_figures import Pages, render
from audit.dossier.pdf_style import CANDIDATE, CAPTION, COMPARATOR, INK, QUIET, REGULAR, RULE, SMALL
from audit.dossier.pdf_text import draw_lines, set_text

LEFT, BELOW, TALL, WIDE = 34.0, 26.0, 170.0, 0.56
BESIDE = 2.4
"""Points by which a version's bars stand beside those of the one before, so that neither hides the other."""
Place = Callable[[float, float], tuple[float, float]]


class FrocFigure(Flowable):  # type: ignore[misc]
    """The curves of a plot with axes; what the symbols mean stands beside."""

    def __init__(self, plot: FrocPlot, pages: Pages) -> None:
        super().__init__()
        self.plot, self.pages = plot, pages
        self.spaceBefore, self.spaceAfter = 6, 10

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        self.width = width
        self.caption = set_text(text(self.plot.caption), CAPTION, width, self.pages)
        self.beside = LEFT + WIDE * width + 16
        room = width - self.beside - 12
        self.labels = [set_text(text(curve.label), SMALL, room, self.pages) for curve in self.plot.curves]
        self.notes = [set_text(text(words, "quiet"), SMALL, room + 12, self.pages) for words in self.plot.legend]
        self.height = len(self.caption) * CAPTION.leading + 6 + TALL + BELOW
        return width, self.height

    def draw(self) -> None:
        draw_lines(self.canv, self.caption, CAPTION, 0, self.height, self.width)
        render(curve_drawing(self.plot, WIDE * self.width, TALL), self.canv, 0, 0)
        y = BELOW + TALL
        for index, lines in enumerate(self.labels):
            key = Drawing(10, 8)
            key.add(marker(index, 5, 4))
            render(key, self.canv, self.beside - 4, y - 9)
            draw_lines(self.canv, lines, SMALL, self.beside + 10, y, self.width)
            y -= len(lines) * SMALL.leading + 4
        for lines in self.notes:
            draw_lines(self.canv, lines, SMALL, self.beside - 2, y - 2, self.width)
            y -= len(lines) * SMALL.leading + 4


def curve_drawing(plot: FrocPlot, width: float, height: float) -> Drawing:
    """Axes, curves and points; x from 0 to the plot's end, y from 0 to 1."""
    drawing = Drawing(LEFT + width + 8, BELOW + height + 4)

    def place(x: float, y: float) -> tuple[float, float]:
        return LEFT + width * min(x, plot.x_end) / plot.x_end, BELOW + height * y

    _axes(drawing, plot, place)
    for index, curve in enumerate(plot.curves):
        drawing.add(_curve(curve, index, place, plot.x_end))
    return drawing


def _axes(drawing: Drawing, plot: FrocPlot, place: Place) -> None:
    for tick in ticks(0.0, 1.0):
        (x, y), (end, _) = place(0, tick), place(plot.x_end, tick)
        drawing.add(Line(x, y, end, y, strokeColor=RULE, strokeWidth=0.35))
        drawing.add(_words(f"{tick:.1f}", x - 4, y - 2, "end"))
    for tick in ticks(0.0, plot.x_end):
        (x, y), (_, top) = place(tick, 0), place(tick, 1)
        drawing.add(Line(x, y, x, top, strokeColor=RULE, strokeWidth=0.35))
        drawing.add(_words(f"{tick:g}", x, y - 9, "middle"))
    (x, y), (end, top) = place(0, 0), place(plot.x_end, 1)
    drawing.add(PolyLine([x, top, x, y, end, y], strokeColor=INK, strokeWidth=0.6))
    drawing.add(_words(plot.x_axis, (x + end) / 2, y - 19, "middle"))
    turned = Group(_words(plot.y_axis, 0, 0, "middle"))
    turned.translate(x - 24, (y + top) / 2)
    turned.rotate(90)
    drawing.add(turned)


def _words(words: str, x: float, y: float, anchor: str) -> String:
    return String(x, y, words, fontName=REGULAR, fontSize=TICK_SIZE, fillColor=QUIET, textAnchor=anchor)


def _curve(curve: FrocLine, index: int, place: Place, x_end: float) -> Group:
    colour, dash = (CANDIDATE, None) if index == 0 else (COMPARATOR, [3, 2])
    group = Group()
    inside = [place(x, y) for x, y in curve.points if x <= x_end]
    if len(inside) > 1:
        flat = [value for point in inside for value in point]
        group.add(PolyLine(flat, strokeColor=colour, strokeWidth=1.0, strokeDashArray=dash))
    for point in curve.read_off:
        bars = _limits(point, colour, place)
        bars.translate(BESIDE * index, 0)
        group.add(bars)
    if curve.operating_point is not None:
        group.add(_limits(curve.operating_point, colour, place))
        group.add(marker(index, *place(curve.operating_point.x, curve.operating_point.y)))
    return group


def _limits(point: FrocPoint, colour: Any, place: Place) -> Group:
    group = Group()
    ends = []
    if point.x_limits is not None:
        ends.append((place(point.x_limits[0], point.y), place(point.x_limits[1], point.y)))
    if point.y_limits is not None:
        ends.append((place(point.x, point.y_limits[0]), place(point.x, point.y_limits[1])))
    for (x0, y0), (x1, y1) in ends:
        group.add(Line(x0, y0, x1, y1, strokeColor=colour, strokeWidth=0.7))
        across = (0.0, 1.5) if y0 == y1 else (1.5, 0.0)
        for x, y in ((x0, y0), (x1, y1)):
            group.add(
                Line(x - across[0], y - across[1], x + across[0], y + across[1], strokeColor=colour, strokeWidth=0.6)
            )
    return group
