"""A canvas that draws what the PDF's figures draw as SVG: vector, searchable, each result a link to its evidence."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from reportlab.platypus import Flowable

from audit.dossier.pdf_style import BOLD, ITALIC, MONO, REGULAR, register_fonts, text_width

Matrix = tuple[float, float, float, float, float, float]
UNMOVED: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
CLASSES = {REGULAR: "r", BOLD: "b", ITALIC: "i", MONO: "m"}
MARGIN = 2.0
TALLEST = 100_000.0
"""A page of a browser has no end: a figure is not broken."""


def svg_of(figure: Flowable, width: float, alt: str, evidence: str = "data-evidence") -> str:
    """The figure set ``width`` points wide; ``alt`` is its description for who does not see it."""
    register_fonts()
    _, height = figure.wrap(width, TALLEST)
    canvas = SvgCanvas(height + 2 * MARGIN, evidence)
    figure.drawOn(canvas, 0, MARGIN)
    box = f"0 0 {_n(width)} {_n(height + 2 * MARGIN)}"
    described = f'role="img" aria-label="{html.escape(alt)}"><title>{html.escape(alt)}</title>'
    return f'<svg viewBox="{box}" xml:space="preserve" {described}{"".join(canvas.parts)}</svg>'


@dataclass(frozen=True, slots=True)
class State:
    """What ``saveState`` keeps: where the origin is, colours, line, font."""

    matrix: Matrix = UNMOVED
    stroke: str = "#000000"
    fill: str = "#000000"
    opacity: float = 1.0
    width: float = 1.0
    dash: tuple[float, ...] = ()
    font: str = REGULAR
    size: float = 10.0


@dataclass(slots=True)
class Path:
    """Straight pieces in points, as ``drawPath`` takes them."""

    steps: list[tuple[str, float, float]] = field(default_factory=list)
    closed: bool = False

    def moveTo(self, x: float, y: float) -> None:  # noqa: N802
        self.steps.append(("M", x, y))

    def lineTo(self, x: float, y: float) -> None:  # noqa: N802
        self.steps.append(("L", x, y))

    def close(self) -> None:
        self.closed = True


class SvgCanvas:
    """The calls of a reportlab canvas that flowables and drawings of the suite make; ``parts`` is what they drew.

    A result's link becomes ``<a>`` with its address in the attribute ``evidence``, drawn over its text.
    """

    def __init__(self, height: float, evidence: str) -> None:
        self.height, self.evidence = height, evidence
        self.parts: list[str] = []
        self._state = State()
        self._kept: list[State] = []

    # ---- state

    @property
    def _fontname(self) -> str:
        return self._state.font

    @property
    def _fontsize(self) -> float:
        return self._state.size

    def saveState(self) -> None:  # noqa: N802
        self._kept.append(self._state)

    def restoreState(self) -> None:  # noqa: N802
        self._state = self._kept.pop()

    def _set(self, **changes: Any) -> None:
        self._state = replace(self._state, **changes)

    def translate(self, x: float, y: float) -> None:
        self.transform(1, 0, 0, 1, x, y)

    def transform(self, a: float, b: float, c: float, d: float, e: float, f: float) -> None:
        p, q, r, s, x, y = self._state.matrix
        moved = (a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + x, e * q + f * s + y)
        self._set(matrix=moved)

    def setStrokeColor(self, colour: Any) -> None:  # noqa: N802
        self._set(stroke=_hex(colour))

    def setFillColor(self, colour: Any) -> None:  # noqa: N802
        self._set(fill=_hex(colour))

    def setFillAlpha(self, opacity: float) -> None:  # noqa: N802
        self._set(opacity=opacity)

    def setLineWidth(self, width: float) -> None:  # noqa: N802
        self._set(width=width)

    def setDash(self, dash: Sequence[float] = (), _phase: float = 0) -> None:  # noqa: N802
        self._set(dash=tuple(dash))

    def setFont(self, name: str, size: float, _leading: float | None = None) -> None:  # noqa: N802
        self._set(font=name, size=size)

    def _unseen(self, *_arguments: object) -> None:
        """What a screen does not show, or no figure of the suite sets."""

    setLineCap = setLineJoin = setStrokeAlpha = _unseen  # noqa: N815
    setFillOverprint = setStrokeOverprint = setOverprintMask = _unseen  # noqa: N815

    # ---- drawing

    def line(self, x0: float, y0: float, x1: float, y1: float) -> None:
        (a, b), (c, d) = self._at(x0, y0), self._at(x1, y1)
        self.parts.append(f'<path d="M{_n(a)} {_n(b)}L{_n(c)} {_n(d)}"{self._line()} fill="none"/>')

    def rect(self, x: float, y: float, width: float, height: float, stroke: int = 1, fill: int = 0) -> None:
        self.roundRect(x, y, width, height, 0, stroke, fill)

    def roundRect(  # noqa: N802
        self, x: float, y: float, width: float, height: float, radius: float, stroke: int = 1, fill: int = 0
    ) -> None:
        left, top = self._at(x, y + height)
        round_ = f' rx="{_n(radius)}"' if radius else ""
        place = f'x="{_n(left)}" y="{_n(top)}" width="{_n(width)}" height="{_n(height)}"'
        self.parts.append(f"<rect {place}{round_}{self._inked(stroke, fill)}/>")

    def circle(self, x: float, y: float, radius: float, stroke: int = 1, fill: int = 0) -> None:
        a, b = self._at(x, y)
        self.parts.append(f'<circle cx="{_n(a)}" cy="{_n(b)}" r="{_n(radius)}"{self._inked(stroke, fill)}/>')

    def beginPath(self) -> Path:  # noqa: N802
        return Path()

    def drawPath(self, path: Path, stroke: int = 1, fill: int = 0, **_options: Any) -> None:  # noqa: N802
        steps = ((name, *self._at(x, y)) for name, x, y in path.steps)
        drawn = "".join(f"{name}{_n(x)} {_n(y)}" for name, x, y in steps)
        self.parts.append(f'<path d="{drawn}{"Z" if path.closed else ""}"{self._inked(stroke, fill)}/>')

    def drawString(self, x: float, y: float, words: str, **_options: Any) -> None:  # noqa: N802
        """Set to the width that it has in the PDF, whatever font the reader's machine has."""
        if not words.strip():
            return
        a, b = self._at(x, y)
        turn = math.degrees(math.atan2(self._state.matrix[1], self._state.matrix[0]))
        turned = f' transform="rotate({_n(-turn)} {_n(a)} {_n(b)})"' if abs(turn) > 1e-6 else ""
        own = self._state
        long = text_width(words, own.font, own.size)
        fit = f' textLength="{_n(long)}" lengthAdjust="spacingAndGlyphs"' if len(words) > 1 else ""
        look = f'class="{CLASSES[own.font]}" font-size="{_n(own.size)}" fill="{own.fill}"'
        self.parts.append(f'<text x="{_n(a)}" y="{_n(b)}" {look}{fit}{turned}>{html.escape(words)}</text>')

    def drawRightString(self, x: float, y: float, words: str) -> None:  # noqa: N802
        self.drawString(x - text_width(words, self._state.font, self._state.size), y, words)

    def linkRect(self, address: str, key: str, _rectangle: Sequence[float], **_options: Any) -> None:  # noqa: N802
        """The text drawn last is the result: it becomes the link."""
        place = next(i for i in range(len(self.parts) - 1, -1, -1) if self.parts[i].startswith("<text"))
        bound = f' {self.evidence}="{html.escape(address)}"' if address else ""
        self.parts[place] = f'<a href="#{html.escape(key)}"{bound}>{self.parts[place]}</a>'

    def _at(self, x: float, y: float) -> tuple[float, float]:
        a, b, c, d, e, f = self._state.matrix
        return a * x + c * y + e, self.height - (b * x + d * y + f)

    def _line(self) -> str:
        dash = f' stroke-dasharray="{" ".join(map(_n, self._state.dash))}"' if self._state.dash else ""
        return f' stroke="{self._state.stroke}" stroke-width="{_n(self._state.width)}"{dash}'

    def _inked(self, stroke: int, fill: int) -> str:
        faint = f' fill-opacity="{_n(self._state.opacity)}"' if fill and self._state.opacity < 1 else ""
        return f'{self._line() if stroke else ""} fill="{self._state.fill if fill else "none"}"{faint}'


def _hex(colour: Any) -> str:
    return f"#{colour.hexval()[2:]}"


def _n(value: float) -> str:
    """A coordinate with at most two decimals."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
