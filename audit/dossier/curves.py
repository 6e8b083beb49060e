"""Curves with bands and the counts beneath them, in reportlab.graphics; line styles differ as well as colours."""

from __future__ import annotations

import math
from collections.abc import Callable

from reportlab.graphics.shapes import Drawing, Group, Line, Polygon, PolyLine, Rect, String

from audit.dossier.content import CurvePlot, CurveSeries
from audit.dossier.figures import TICK_SIZE, marker, ticks
from audit.dossier.pdf_style import CANDIDATE, COMPARATOR, INK, QUIET, REGULAR, RULE

Place = Callable[[float], float]
DASHES = (None, [3.2, 1.8])
LINES = ([1.2, 1.8], [5.0, 1.6, 1.2, 1.6])
HISTOGRAM = 34.0
MARGIN = 30.0
FOOT = 26.0


def curve_drawing(plot: CurvePlot, width: float, height: float) -> Drawing:
    """The plot with axes: curves above, a histogram of the first series' counts below where there is one."""
    drawing = Drawing(width, height)
    floor = FOOT + (HISTOGRAM + 6 if plot.counts else 0.0)
    x = _scale(plot.x_range, MARGIN, width - 4)
    y = _scale(plot.y_range, floor, height - 4)
    drawing.add(_grid(plot, x, y))
    for number, line in enumerate(plot.lines):
        points = inside(line.points, plot.y_range)
        if len(points) > 1:
            drawing.add(_polyline(points, x, y, QUIET, LINES[number % len(LINES)]))
    for index, series in enumerate(plot.series):
        drawing.add(_series(series, index, x, y, plot.y_range))
    if plot.counts:
        drawing.add(_histogram(plot, x))
    drawing.add(
        String(
            (MARGIN + width) / 2,
            3,
            plot.x_title,
            fontName=REGULAR,
            fontSize=TICK_SIZE,
            fillColor=QUIET,
            textAnchor="middle",
        )
    )
    return drawing


def inside(points: tuple[tuple[float, float], ...], ends: tuple[float, float]) -> tuple[tuple[float, float], ...]:
    """The first stretch of a line of straight pieces that lies within ``ends`` of y, cut where it leaves them."""
    kept: list[tuple[float, float]] = []
    for at, value in points:
        edge = min(max(value, ends[0]), ends[1])
        if kept and edge != value:
            start, height = kept[-1]
            kept.append((start + (at - start) * (edge - height) / (value - height), edge))
            break
        if edge == value:
            kept.append((at, value))
    return tuple(kept)


def _scale(ends: tuple[float, float], start: float, stop: float) -> Place:
    low, high = ends
    return lambda value: start + (stop - start) * (min(max(value, low), high) - low) / (high - low)


def _grid(plot: CurvePlot, x: Place, y: Place) -> Group:
    group = Group()
    left, right = x(plot.x_range[0]), x(plot.x_range[1])
    bottom, top = y(plot.y_range[0]), y(plot.y_range[1])
    for tick in ticks(*plot.y_range):
        group.add(Line(left, y(tick), right, y(tick), strokeColor=RULE, strokeWidth=0.35))
        group.add(_word(left - 3, y(tick) - 2, tick, "end"))
    for tick in ticks(*plot.x_range):
        group.add(Line(x(tick), bottom, x(tick), top, strokeColor=RULE, strokeWidth=0.35))
        group.add(_word(x(tick), FOOT - 10, tick, "middle"))
    group.add(Line(left, bottom, right, bottom, strokeColor=INK, strokeWidth=0.6))
    group.add(Line(left, bottom, left, top, strokeColor=INK, strokeWidth=0.6))
    return group


def _word(x: float, y: float, tick: float, anchor: str) -> String:
    words = f"{tick:g}".replace("-", "\u2212")
    return String(x, y, words, fontName=REGULAR, fontSize=TICK_SIZE, fillColor=INK, textAnchor=anchor)


def _series(series: CurveSeries, index: int, x: Place, y: Place, ends: tuple[float, float]) -> Group:
    group, colour = Group(), CANDIDATE if index == 0 else COMPARATOR
    if series.band and series.shaded:
        upper = [(at, high) for at, _, high in series.band]
        lower = [(at, low) for at, low, _ in reversed(series.band)]
        flat = [each for at, value in (*upper, *lower) for each in (x(at), y(value))]
        group.add(Polygon(flat, fillColor=colour, fillOpacity=0.16, strokeColor=None))
    elif series.band:
        for at, low, high in series.band:
            here = x(at) + (1.6 * index - 0.8)
            group.add(Line(here, y(low), here, y(high), strokeColor=colour, strokeWidth=0.8))
    group.add(_polyline(series.points, x, y, colour, DASHES[min(index, 1)]))
    for at, value in series.points if not series.shaded else ():
        if ends[0] <= value <= ends[1]:
            group.add(marker(index, x(at) + (1.6 * index - 0.8), y(value)))
    return group


def _polyline(points: tuple[tuple[float, float], ...], x: Place, y: Place, colour: object, dash: object) -> PolyLine:
    flat = [each for at, value in points for each in (x(at), y(value))]
    return PolyLine(flat, strokeColor=colour, strokeWidth=1.0, strokeDashArray=dash)


def _histogram(plot: CurvePlot, x: Place) -> Group:
    """Square roots of the counts: positive cases upwards, negative ones downwards."""
    group, middle = Group(), FOOT + HISTOGRAM / 2
    tallest = max(math.sqrt(max(up, down)) for _, _, up, down in plot.counts) or 1.0
    for low, high, up, down in plot.counts:
        for count, sign, opacity in ((up, 1, 0.75), (down, -1, 0.35)):
            tall = sign * math.sqrt(count) / tallest * (HISTOGRAM / 2 - 1)
            group.add(
                Rect(
                    x(low),
                    min(middle, middle + tall),
                    max(x(high) - x(low) - 0.6, 0.2),
                    abs(tall),
                    fillColor=CANDIDATE,
                    fillOpacity=opacity,
                    strokeColor=None,
                )
            )
    group.add(Line(x(plot.x_range[0]), middle, x(plot.x_range[1]), middle, strokeColor=INK, strokeWidth=0.4))
    return group


def _bar(left: float, right: float, middle: float, tall: float, opacity: float) -> Rect:
    wide, bottom = max(right - left - 0.6, 0.2), min(middle, middle + tall)
    return Rect(left, bottom, wide, abs(tall), fillColor=CANDIDATE, fillOpacity=opacity, strokeColor=None)
