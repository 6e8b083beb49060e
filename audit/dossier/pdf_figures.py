"""Figures as they stand on a page: the drawing with its labels, numbers and links beside it."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from PIL import Image as PngFile
from reportlab.graphics import renderPDF
from reportlab.graphics.shapes import Drawing
from reportlab.lib.utils import ImageReader
from reportlab.platypus import Flowable

from audit.dossier.content import Bar, BarPlot, FlowChart, ForestPlot, ForestRow, Picture, Runs, Text, text
from audit.dossier.figures import axis_drawing, bar_drawing, flow_drawing, forest_drawing, limits_of, marker
from audit.dossier.pdf_parts import DryCanvas
from audit.dossier.pdf_style import CANDIDATE, CAPTION, CELL, LIMIT, NOTE, REGULAR, RULE, SMALL, Face
from audit.dossier.pdf_text import Line, draw_lines, set_text

GAP = 6.0
AXIS = 24.0
FEWEST_OVERLEAF = 4
LEGEND = 13.0
LABEL, PLOT, PRINTED, REMARK = 0.17, 0.25, 0.2, 0.37
"""Parts of the width of a bar plot; a bar without remark prints into the remark's place."""
Pages = Mapping[str, int]


def render(drawing: Drawing, canvas: Any, x: float, y: float) -> None:
    """The drawing on the page; nothing while the document is only measured."""
    if not isinstance(canvas, DryCanvas):
        drawing.initialFontName = REGULAR
        renderPDF.draw(drawing, canvas, x, y)


def break_before(fits: int, plain: Sequence[bool]) -> int:
    """Where to break rows of which so many fit: no heading at the foot, no two or three of a group by themselves.

    ``plain``: False for each row that is a heading.
    """
    if len(plain) - fits < FEWEST_OVERLEAF:
        fits = max((place for place in range(fits + 1) if not plain[place]), default=fits)
    while fits > 0 and not plain[fits - 1]:
        fits -= 1
    return fits


@dataclass(frozen=True, slots=True)
class SetForestRow:
    """A forest row with its texts set: label, size, one printed estimate per version."""

    row: ForestRow
    label: tuple[Line, ...]
    size: tuple[Line, ...]
    printed: tuple[tuple[Line, ...], ...]
    height: float


class ForestFigure(Flowable):  # type: ignore[misc]
    """A forest plot that breaks between rows; caption, legend and axis are repeated."""

    def __init__(
        self, plot: ForestPlot, pages: Pages, rows: tuple[SetForestRow, ...] | None = None, part: str = "whole"
    ) -> None:
        super().__init__()
        self.plot, self.pages, self.rows, self.part = plot, pages, rows, part
        self.spaceBefore, self.spaceAfter = 6, 10

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        self.width = width
        count = max(len(self.plot.versions), 1)
        self.columns = (0.20 * width, 0.07 * width, 0.215 * width)
        self.plot_width = width - self.columns[0] - self.columns[1] - count * self.columns[2] - 2 * GAP
        if self.rows is None:
            self.rows = tuple(self._set(row) for row in self.plot.rows)
        caption = self.plot.caption + ("" if self.part in ("whole", "first") else " (continued)")
        self.caption = set_text(text(caption), CAPTION, width, self.pages)
        self.height = self._above + sum(row.height for row in self.rows) + AXIS
        return width, self.height

    def _set(self, row: ForestRow) -> SetForestRow:
        label = set_text(
            text(row.label, "plain" if row.marks else "strong"),
            CELL,
            self.columns[0] - (8 if row.marks else 0),
            self.pages,
        )
        if not row.marks:
            return SetForestRow(row, label, (), (), len(label) * CELL.leading + 2)
        size = set_text(row.size, SMALL, self.columns[1] - 4, self.pages)
        printed = tuple(
            set_text(mark.printed if mark else text("–", "quiet"), SMALL, self.columns[2] - 4, self.pages)
            for mark in row.marks
        )
        tallest = max([len(label) * CELL.leading, *(len(lines) * SMALL.leading for lines in printed)])
        return SetForestRow(row, label, size, printed, max(tallest, 11.6) + 2.4)

    @property
    def _above(self) -> float:
        return len(self.caption) * CAPTION.leading + LEGEND + 3

    def split(self, width: float, height: float) -> list[Flowable]:
        self.wrap(width, height)
        assert self.rows is not None
        room, fits = height - self._above - AXIS, 0
        while fits < len(self.rows) and self.rows[fits].height <= room:
            room -= self.rows[fits].height
            fits += 1
        fits = min(fits, len(self.rows) - 2)
        fits = break_before(fits, [bool(row.row.marks) for row in self.rows])
        if fits < 4:
            return []
        head = "first" if self.part in ("whole", "first") else "middle"
        return [
            ForestFigure(self.plot, self.pages, self.rows[:fits], head),
            ForestFigure(self.plot, self.pages, self.rows[fits:], "last"),
        ]

    def draw(self) -> None:
        y = self.height
        draw_lines(self.canv, self.caption, CAPTION, 0, y, self.width)
        y -= len(self.caption) * CAPTION.leading
        self._legend(y)
        top = y - LEGEND - 3
        marks = []
        y = top
        for row in self.rows or ():
            self._texts(row, y)
            if row.row.marks:
                marks.append((y - 0.5 * row.height - AXIS, row.row.marks))
            y -= row.height
        left = self.columns[0] + self.columns[1] + GAP
        render(forest_drawing(self.plot, marks, self.plot_width, top - AXIS), self.canv, left, AXIS)
        render(axis_drawing(self.plot.low, self.plot.high, self.plot_width, self.plot.axis), self.canv, left, AXIS - 22)

    def _texts(self, row: SetForestRow, y: float) -> None:
        inset = 8.0 if row.row.marks else 0.0
        self._centred(row.label, CELL, inset, y, row.height, self.columns[0] - inset)
        if not row.row.marks:
            return
        self._centred(row.size, SMALL, self.columns[0], y, row.height, self.columns[1] - 2, "right")
        x = self.columns[0] + self.columns[1] + self.plot_width + 2 * GAP
        for lines in row.printed:
            self._centred(lines, SMALL, x, y, row.height, self.columns[2] - 4)
            x += self.columns[2]
        self.canv.setStrokeColor(RULE)
        self.canv.setLineWidth(0.25)
        self.canv.line(0, y - row.height, self.width, y - row.height)

    def _centred(
        self, lines: tuple[Line, ...], face: Face, x: float, y: float, height: float, width: float, align: str = "left"
    ) -> None:
        draw_lines(self.canv, lines, face, x, y - 0.5 * (height - len(lines) * face.leading), width, align)

    def _legend(self, y: float) -> None:
        base, x = y - LEGEND, 0.0
        for index, version in enumerate(self.plot.versions):
            drawing = Drawing(8, 8)
            drawing.add(marker(index, 4, 4))
            render(drawing, self.canv, x, base + 1)
            x = self._word(version, x + 10, base)
        for words, colour, dash in (
            ("whole set, candidate", CANDIDATE, [1.2, 1.8]),
            (self.plot.criterion_text, LIMIT, []),
        ):
            if not words or (not dash and self.plot.criterion is None):
                continue
            self.canv.setStrokeColor(colour)
            self.canv.setLineWidth(0.8)
            self.canv.setDash(dash)
            self.canv.line(x, base + 5, x + 14, base + 5)
            self.canv.setDash([])
            x = self._word(words, x + 17, base)

    def _word(self, words: str, x: float, base: float) -> float:
        lines = set_text((Text(words.replace(" ", "\u00a0")),), SMALL, self.width, self.pages)
        draw_lines(self.canv, lines, SMALL, x, base + 9.2, self.width)
        return x + sum(atom.width for line in lines for word in line for atom in word) + 10


class BarFigure(Flowable):  # type: ignore[misc]
    """Importance bars with label, number and remark."""

    def __init__(self, plot: BarPlot, pages: Pages) -> None:
        super().__init__()
        self.plot, self.pages = plot, pages
        self.spaceBefore, self.spaceAfter = 6, 4

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        self.width = width
        self.caption = set_text(text(self.plot.caption), CAPTION, width, self.pages)
        self.rows = [self._set(bar) for bar in self.plot.bars]
        self.height = len(self.caption) * CAPTION.leading + 4 + sum(height for _, height in self.rows) + AXIS
        return width, self.height

    def _set(self, bar: Bar) -> tuple[tuple[tuple[Line, ...], ...], float]:
        runs: tuple[tuple[Runs, float], ...] = (
            (text(bar.label), LABEL), (bar.printed, PRINTED if bar.remark else PRINTED + REMARK),
            (text(bar.remark, "quiet"), REMARK),
        )  # fmt: skip
        cells = tuple(set_text(each, SMALL, share * self.width - 4, self.pages) for each, share in runs)
        return cells, max(len(lines) for lines in cells) * SMALL.leading + 2.6

    def draw(self) -> None:
        y = self.height
        draw_lines(self.canv, self.caption, CAPTION, 0, y, self.width)
        top = y = y - len(self.caption) * CAPTION.leading - 4
        left, plot_width = LABEL * self.width, PLOT * self.width
        bars = []
        for bar, (cells, height) in zip(self.plot.bars, self.rows, strict=True):
            for lines, x in zip(cells, (0.0, left + plot_width + GAP, (1 - REMARK) * self.width + 4), strict=True):
                draw_lines(self.canv, lines, SMALL, x, y - 0.5 * (height - len(lines) * SMALL.leading), self.width)
            bars.append((y - 0.5 * height - AXIS, bar))
            y -= height
        end = limits_of(self.plot.bars)
        render(bar_drawing(bars, end, plot_width, top - AXIS), self.canv, left, AXIS)
        render(axis_drawing(0.0, end, plot_width, self.plot.axis), self.canv, left, AXIS - 22)


class FlowFigure(Flowable):  # type: ignore[misc]
    """The case flow: boxes downwards, what leaves to the right."""

    BOX = 26.0
    STEP = 44.0

    def __init__(self, chart: FlowChart, pages: Pages) -> None:
        super().__init__()
        self.chart, self.pages = chart, pages
        self.spaceBefore, self.spaceAfter = 6, 8

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        self.width = width
        self.caption = set_text(text(self.chart.caption), CAPTION, width, self.pages)
        self.heights = [max(self.BOX, len(step.out) * SMALL.leading + 8) for step in self.chart.steps]
        self.height = len(self.caption) * CAPTION.leading + 6 + sum(self.heights) + 16 * (len(self.heights) - 1)
        return width, self.height

    def draw(self) -> None:
        draw_lines(self.canv, self.caption, CAPTION, 0, self.height, self.width)
        y = self.height - len(self.caption) * CAPTION.leading - 6
        boxes, arrows = [], []
        main, side = 0.36 * self.width, 0.40 * self.width
        places = []
        for index, (step, height) in enumerate(zip(self.chart.steps, self.heights, strict=True)):
            bottom = y - 0.5 * (height + self.BOX)
            boxes.append((0.0, bottom, main, self.BOX))
            places.append((step.label, step.number, 0.0, bottom + self.BOX, main))
            if step.out:
                boxes.append((main + 60, y - height, side, height))
                arrows.append((main, y - 0.5 * height, main + 58, y - 0.5 * height))
            if index + 1 < len(self.chart.steps):
                following = self.heights[index + 1]
                arrows.append((0.5 * main, bottom, 0.5 * main, y - height - 16 - 0.5 * (following - self.BOX) + 2))
            y -= height + 16
        render(flow_drawing(boxes, arrows, (self.width, self.height)), self.canv, 0, 0)
        self._words(places, boxes, main)

    def _words(
        self,
        places: list[tuple[str, Runs, float, float, float]],
        boxes: list[tuple[float, float, float, float]],
        main: float,
    ) -> None:
        for label, number, x, top, width in places:
            lines = set_text((Text(f"{label}: "), *number), CELL, width - 12, self.pages)
            draw_lines(self.canv, lines, CELL, x + 8, top - 8, width)
        sides = iter([box for box in boxes if box[0] > main])
        for step in self.chart.steps:
            if step.out:
                x, bottom, width, height = next(sides)
                top = bottom + height - 4
                for label, number in step.out:
                    lines = set_text((Text(f"{label}: "), *number), SMALL, width - 12, self.pages)
                    draw_lines(self.canv, lines, SMALL, x + 8, top, width)
                    top -= SMALL.leading


class PictureBlock(Flowable):  # type: ignore[misc]
    """A picture from the evidence with its text to the right."""

    TALLEST = 150.0

    def __init__(self, picture: Picture, pages: Pages) -> None:
        super().__init__()
        self.picture, self.pages = picture, pages
        self.image = ImageReader(io.BytesIO(printable_picture(picture.png)))
        self.spaceBefore, self.spaceAfter = 6, 8

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        self.width = width
        columns, rows = self.image.getSize()
        scale = min(0.52 * width / columns, self.TALLEST / rows)
        self.shown = columns * scale, rows * scale
        room = 0.46 * width
        self.title = set_text(self.picture.title, CELL, room, self.pages)
        self.words = set_text(self.picture.text, CELL, room, self.pages)
        self.source = set_text(text(self.picture.path, "mono"), NOTE, room, self.pages)
        lines = len(self.title) + len(self.words)
        self.height = max(self.shown[1], lines * CELL.leading + len(self.source) * NOTE.leading + 8) + 4
        return width, self.height

    def draw(self) -> None:
        bottom = self.height - self.shown[1]
        self.canv.drawImage(self.image, 0, bottom, *self.shown)
        self.canv.setStrokeColor(RULE)
        self.canv.setLineWidth(0.4)
        self.canv.rect(0, bottom, *self.shown, stroke=1, fill=0)
        x, y = 0.54 * self.width, self.height
        for lines, face, gap in ((self.title, CELL, 2.0), (self.words, CELL, 3.0), (self.source, NOTE, 0.0)):
            draw_lines(self.canv, lines, face, x, y, 0.46 * self.width)
            y -= len(lines) * face.leading + gap


@lru_cache(maxsize=256)
def printable_picture(png: bytes) -> bytes:
    """The picture as a fine JPEG, a quarter of its size, made once for all; the evidence keeps the exact one."""
    printed = io.BytesIO()
    with PngFile.open(io.BytesIO(png)) as image:
        image.convert("RGB").save(printed, format="JPEG", quality=90, subsampling=0)
    return printed.getvalue()
