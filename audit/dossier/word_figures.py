"""A figure for Word: the one that the PDF draws, on a page of its own size, as a PNG of 200 dots per inch."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pypdfium2
from PIL.Image import Dither, Quantize
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable

from audit.dossier.pdf_style import register_fonts

DPI = 200
POINTS = 72
TALLEST = 560.0
MARGIN = 2.0


class PictureCanvas(Canvas):  # type: ignore[misc]
    """Draws and links to nothing: a picture has no other pages."""

    def linkRect(self, *_arguments: object, **_options: object) -> None:  # noqa: N802
        return None


def figure_pictures(figure: Flowable, width: float) -> Iterator[tuple[bytes, float, float]]:
    """The figure set ``width`` points wide, in as many parts as pages need: PNG, width and height in points.

    The same figure gives the same bytes.
    """
    register_fonts()
    for part in _parts(figure, width):
        _, height = part.wrap(width, TALLEST)
        yield _png(part, width, height), width, height + 2 * MARGIN


def _parts(figure: Flowable, width: float) -> list[Flowable]:
    _, height = figure.wrap(width, TALLEST)
    if height <= TALLEST:
        return [figure]
    halves = figure.split(width, TALLEST)
    return [halves[0], *_parts(halves[-1], width)] if len(halves) > 1 else [figure]


def _png(figure: Flowable, width: float, height: float) -> bytes:
    buffer = io.BytesIO()
    canvas: Any = PictureCanvas(buffer, pagesize=(width, height + 2 * MARGIN), invariant=1)
    figure.drawOn(canvas, 0, MARGIN)
    canvas.showPage()
    canvas.save()
    with pypdfium2.PdfDocument(buffer.getvalue()) as document:
        image = document[0].render(scale=DPI / POINTS).to_pil()
    drawn = io.BytesIO()
    image.convert("RGB").quantize(255, method=Quantize.MAXCOVERAGE, dither=Dither.NONE).save(
        drawn, format="PNG", dpi=(DPI, DPI)
    )
    return drawn.getvalue()
