"""The Bland-Altman plot as a vector figure: points, bias and limits with their bands, both axes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from reportlab.graphics.shapes import Circle, Drawing, Line, Rect, String
from reportlab.platypus import Flowable

from audit.dossier.content import AgreementLine, AgreementPlot, Text, text
from audit.dossier.figures import TICK_SIZE, axis_drawing, ticks
from audit.dossier.pdf_figures import AXIS, Pages, render
from audit.dossier.pdf_style import ACCENT, CANDIDATE, CAPTION, INK, LIMIT, NOTE, QUIET, REGULAR, RULE, SMALL
from audit.dossier.pdf_text import Line as TextLine
from audit.dossier.pdf_text import draw_lines, set_text

HEIGHT, LEFT = 150.0, 34.0
RATIOS = (0.1, 0.2, 0.33, 0.5, 0.67, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
SPACE = 11.0


class AgreementFigure(Flowable):  # type: ignore[misc]
    """The plot with the three lines' numbers to its right."""

    def __init__(self, plot: AgreementPlot, pages: Pages) -> None:
        super().__init__()
        self.plot, self.pages = plot, pages
        self.spaceBefore, self.spaceAfter = 6, 10

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        self.width = width
        self.plot_width = 0.62 * width - LEFT
        self.caption = set_text(text(self.plot.caption), CAPTION, width, self.pages)
        self.note = set_text(self.plot.note, NOTE, width, self.pages)
        self.height = (
            len(self.caption) * CAPTION.leading + 4 + SPACE + HEIGHT + AXIS + len(self.note) * NOTE.leading + 2
        )
        return width, self.height

    def draw(self) -> None:
        draw_lines(self.canv, self.caption, CAPTION, 0, self.height, self.width)
        base = len(self.note) * NOTE.leading + 2 + AXIS
        draw_lines(self.canv, self.note, NOTE, 0, base - AXIS - 1, self.width)
        x, y = limits([p[0] for p in self.plot.points]), limits(_heights(self.plot))
        render(scatter_drawing(self.plot, x, y, self.plot_width), self.canv, LEFT, base)
        render(axis_drawing(*x, self.plot_width, self.plot.x_axis), self.canv, LEFT, base - 22)
        render(side_drawing(self.plot, y), self.canv, 0, base)
        self._numbers(base, y)

    def _numbers(self, base: float, y: tuple[float, float]) -> None:
        """Name and numbers of each line beside its height, moved apart where they would overlap."""
        left, room = LEFT + self.plot_width + 8, self.width - LEFT - self.plot_width - 8
        found = [
            (line, set_text((Text(f"{line.label} "), *line.printed), SMALL, room, self.pages))
            for line in self.plot.lines
        ]
        for height, lines in _apart(found, y):
            draw_lines(self.canv, lines, SMALL, left, base + height, room)


def _apart(
    found: Sequence[tuple[AgreementLine, tuple[TextLine, ...]]], y: tuple[float, float]
) -> list[tuple[float, tuple[TextLine, ...]]]:
    """Tops of the texts, highest first, each below the one before."""
    out: list[tuple[float, tuple[TextLine, ...]]] = []
    ceiling = HEIGHT + 6
    for line, lines in sorted(found, key=lambda each: -each[0].value):
        size = len(lines) * SMALL.leading
        top = min(_place(line.value, y) + 0.5 * size, ceiling)
        out.append((top, lines))
        ceiling = top - size - 2
    return out


def limits(values: Sequence[float]) -> tuple[float, float]:
    """The range of the values with a margin of 4 %; never empty."""
    low, high = min(values), max(values)
    pad = 0.04 * (high - low) or 0.5 * abs(low) or 1.0
    return low - pad, high + pad


def _heights(plot: AgreementPlot) -> list[float]:
    found = [point[1] for point in plot.points]
    for line in plot.lines:
        found += [value for value in (line.value, line.low, line.high) if value is not None]
    return [*found, 0.0]


def _place(value: float, y: tuple[float, float]) -> float:
    return HEIGHT * (value - y[0]) / (y[1] - y[0])


def scatter_drawing(plot: AgreementPlot, x: tuple[float, float], y: tuple[float, float], width: float) -> Drawing:
    """Points, the line of no difference, the lines with their bands."""
    drawing = Drawing(width, HEIGHT)
    for line in plot.lines:
        if line.low is not None and line.high is not None:
            low, high = _place(line.low, y), _place(line.high, y)
            drawing.add(Rect(0, low, width, high - low, fillColor=ACCENT, fillOpacity=0.12, strokeColor=None))
    drawing.add(Line(0, _place(0.0, y), width, _place(0.0, y), strokeColor=RULE, strokeWidth=0.8))
    for across, up in plot.points:
        here = width * (across - x[0]) / (x[1] - x[0])
        drawing.add(Circle(here, _place(up, y), 1.5, fillColor=CANDIDATE, fillOpacity=0.45, strokeColor=None))
    for line in plot.lines:
        middle = line.label.startswith(("bias", "mean"))
        colour, dash = (INK, None) if middle else (LIMIT, [4, 2.4])
        at = _place(line.value, y)
        drawing.add(Line(0, at, width, at, strokeColor=colour, strokeWidth=1.0, strokeDashArray=dash))
    return drawing


def side_drawing(plot: AgreementPlot, y: tuple[float, float]) -> Drawing:
    """The axis on the left with its title above; ratios stand at their logarithms."""
    drawing = Drawing(LEFT, HEIGHT + SPACE)
    drawing.add(Line(LEFT, 0, LEFT, HEIGHT, strokeColor=INK, strokeWidth=0.6))
    for value, words in ratio_ticks(y) if plot.ratio else plain_ticks(y):
        here = _place(value, y)
        drawing.add(Line(LEFT - 2.4, here, LEFT, here, strokeColor=INK, strokeWidth=0.6))
        drawing.add(
            String(LEFT - 4, here - 2.1, words, fontName=REGULAR, fontSize=TICK_SIZE, fillColor=INK, textAnchor="end")
        )
    title = String(0, HEIGHT + 3, plot.y_axis, fontName=REGULAR, fontSize=TICK_SIZE, fillColor=QUIET)
    drawing.add(title)
    return drawing


def plain_ticks(y: tuple[float, float]) -> list[tuple[float, str]]:
    """Round numbers between the limits."""
    return [(tick, f"{tick:g}".replace("-", "\u2212")) for tick in ticks(*y)]


def ratio_ticks(y: tuple[float, float]) -> list[tuple[float, str]]:
    """Logarithms of usual ratios between the limits, none closer than a line of text; 1 always among them."""
    inside = [ratio for ratio in RATIOS if y[0] <= math.log(ratio) <= y[1]]
    kept: list[float] = []
    for ratio in sorted(inside, key=lambda each: abs(math.log(each))):
        if all(abs(_place(math.log(ratio), y) - _place(math.log(other), y)) >= SPACE for other in kept):
            kept.append(ratio)
    return [(math.log(ratio), f"{ratio:g}") for ratio in sorted(kept)]
