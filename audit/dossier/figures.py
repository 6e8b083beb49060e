"""Vector figures in reportlab.graphics: forest plot, importance bars, case flow. Shapes differ as well as colours."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from reportlab.graphics.shapes import Circle, Drawing, Group, Line, Polygon, Rect, String
from reportlab.lib.colors import Color, white

from audit.dossier.content import Bar, ForestMark, ForestPlot
from audit.dossier.pdf_style import ACCENT, CANDIDATE, COMPARATOR, INK, LIMIT, QUIET, REGULAR, RULE, TINT

OFFSET = 2.6
TICK_SIZE = 6.2


def ticks(low: float, high: float) -> list[float]:
    """At most seven round numbers between the limits."""
    span = high - low
    rough = span / 5
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough)
    first = math.ceil(low / step - 1e-9)
    return [round(index * step, 10) for index in range(first, math.floor(high / step + 1e-9) + 1)]


def forest_drawing(
    plot: ForestPlot, marks: Sequence[tuple[float, tuple[ForestMark | None, ...]]], width: float, height: float
) -> Drawing:
    """Markers and intervals of ``marks`` (height above the axis in points, one mark per version), with both lines."""
    drawing = Drawing(width, height)

    def x(value: float) -> float:
        return width * (min(max(value, plot.low), plot.high) - plot.low) / (plot.high - plot.low)

    for tick in ticks(plot.low, plot.high):
        drawing.add(Line(x(tick), 0, x(tick), height, strokeColor=RULE, strokeWidth=0.35))
    if plot.overall is not None:
        drawing.add(_vertical(x(plot.overall), height, CANDIDATE, [1.2, 1.8]))
    if plot.criterion is not None:
        drawing.add(_vertical(x(plot.criterion), height, LIMIT, None))
    for y, versions in marks:
        for index, mark in enumerate(versions):
            if mark is not None and mark.value is not None:
                here = y + (OFFSET * (1 - 2 * index) if len(versions) > 1 else 0.0)
                drawing.add(_mark(mark, index, here, x))
    return drawing


def _vertical(x: float, height: float, colour: Color, dash: list[float] | None) -> Line:
    return Line(x, 0, x, height, strokeColor=colour, strokeWidth=0.8, strokeDashArray=dash)


def _mark(mark: ForestMark, index: int, y: float, x: Callable[[float], float]) -> Group:
    group = Group()
    colour = CANDIDATE if index == 0 else COMPARATOR
    if mark.low is not None and mark.high is not None:
        low, high = x(mark.low), x(mark.high)
        group.add(Line(low, y, high, y, strokeColor=colour, strokeWidth=0.9))
        for end in (low, high):
            group.add(Line(end, y - 1.3, end, y + 1.3, strokeColor=colour, strokeWidth=0.7))
    if mark.value is not None:
        group.add(marker(index, x(mark.value), y))
    return group


def marker(index: int, x: float, y: float) -> Circle | Polygon:
    """Filled circle for the candidate, open diamond for the comparator."""
    if index == 0:
        return Circle(x, y, 2.1, fillColor=CANDIDATE, strokeColor=CANDIDATE, strokeWidth=0.5)
    points = [x, y + 2.6, x + 2.6, y, x, y - 2.6, x - 2.6, y]
    return Polygon(points, fillColor=white, strokeColor=COMPARATOR, strokeWidth=0.9)


def axis_drawing(low: float, high: float, width: float, title: str, unit: str = "") -> Drawing:
    """The axis below a plot: line, ticks, numbers, title."""
    drawing = Drawing(width, 24)
    drawing.add(Line(0, 22, width, 22, strokeColor=INK, strokeWidth=0.6))
    marks = ticks(low, high)
    places = max((len(f"{tick:.6f}".rstrip("0").partition(".")[2]) for tick in marks), default=1)
    for tick in marks:
        here = width * (tick - low) / (high - low)
        drawing.add(Line(here, 22, here, 19.6, strokeColor=INK, strokeWidth=0.6))
        words = f"{tick:.{max(places, 1)}f}".replace("-", "\u2212")
        drawing.add(String(here, 12.4, words, fontName=REGULAR, fontSize=TICK_SIZE, fillColor=INK, textAnchor="middle"))
    drawing.add(
        String(width / 2, 3, title + unit, fontName=REGULAR, fontSize=TICK_SIZE, fillColor=QUIET, textAnchor="middle")
    )
    return drawing


def bar_drawing(bars: Sequence[tuple[float, Bar]], top: float, width: float, height: float) -> Drawing:
    """Bars from zero with limits; ``bars`` are pairs of height above the axis and bar, ``top`` the axis' end."""
    drawing = Drawing(width, height)
    for tick in ticks(0.0, top):
        drawing.add(Line(width * tick / top, 0, width * tick / top, height, strokeColor=RULE, strokeWidth=0.35))
    for y, bar in bars:
        if bar.value is None:
            continue
        drawing.add(
            Rect(0, y - 3.2, width * bar.value / top, 6.4, fillColor=ACCENT, strokeColor=None, fillOpacity=0.55)
        )
        if bar.low is not None and bar.high is not None:
            low, high = width * bar.low / top, width * min(bar.high, top) / top
            drawing.add(Line(low, y, high, y, strokeColor=INK, strokeWidth=0.9))
            for end in (low, high):
                drawing.add(Line(end, y - 1.8, end, y + 1.8, strokeColor=INK, strokeWidth=0.7))
    return drawing


def flow_drawing(
    boxes: Sequence[tuple[float, float, float, float]],
    arrows: Sequence[tuple[float, float, float, float]],
    size: tuple[float, float],
) -> Drawing:
    """Boxes (x, y, width, height) and arrows (from x, y to x, y) of the case flow."""
    drawing = Drawing(*size)
    for x, y, width, height in boxes:
        drawing.add(Rect(x, y, width, height, rx=3, ry=3, fillColor=TINT, strokeColor=ACCENT, strokeWidth=0.6))
    for x0, y0, x1, y1 in arrows:
        drawing.add(Line(x0, y0, x1, y1, strokeColor=ACCENT, strokeWidth=0.8))
        angle = math.atan2(y1 - y0, x1 - x0)
        points = [x1, y1]
        for turn in (2.6, -2.6):
            points += [x1 + 4.2 * math.cos(angle + turn), y1 + 4.2 * math.sin(angle + turn)]
        drawing.add(Polygon(points, fillColor=ACCENT, strokeColor=None))
    return drawing


def limits_of(bars: Sequence[Bar]) -> float:
    """The end of the bar axis: the largest finite limit, rounded up."""
    seen = [value for bar in bars for value in (bar.value, bar.high) if value is not None and math.isfinite(value)]
    return (max(seen, default=1.0) or 1.0) * 1.04
