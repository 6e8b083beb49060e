"""The picture of one explanation: original beside overlay in the same window, readable at 8 cm width.

Drawn with Pillow from numbers alone: the same input gives the same bytes. Colours are safe for colour-blind readers:
orange raises the output, blue lowers it (Okabe and Ito); one-sided maps run from dark red to pale yellow.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont
from scipy.ndimage import binary_erosion

from audit.records import BoolArray, Image, Pixels

WIDTH, PANEL, GAP, BAR = 1240, 520, 20, 26
TEXT, SMALL, NOTE = 36, 30, 26
INK, PAPER = (20, 20, 20), (255, 255, 255)
BLUE, ORANGE = (86, 180, 233), (255, 140, 0)
ONE_SIDED = ((70, 0, 10), (200, 30, 20), (255, 150, 20), (255, 250, 190))
MOST_OPAQUE = 0.9
Colour = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Legend:
    """Heading of the right panel, what the colour bar's numbers count, and whether the map has two signs."""

    title: str
    unit: str
    signed: bool
    outlined: bool = False

    @property
    def caption(self) -> str:
        """What the colours mean, for the line under the panels."""
        sides = "orange raises it, blue lowers it; " if self.signed else ""
        outline = " White line: reference mask." if self.outlined else ""
        return f"Colour: {self.unit}; {sides}saturated at the 99.5th percentile.{outline}"


def overlay_png(
    image: Image, attribution: Pixels, mask: BoolArray | None, lines: Sequence[str], legend: Legend, simulated: bool
) -> bytes:
    """PNG of the image beside the image under its attribution map, with the reference mask outlined on the map.

    ``attribution`` and ``mask`` have the image's shape; of a volume the slice with most absolute attribution is shown
    and named. Both panels share one window (1st to 99.5th percentile). The map's colours saturate at its 99.5th
    percentile; the bar bears that number. A scale in mm stands in the left panel where the spacing is known.
    """
    plane = _plane(image, attribution, mask)
    limit = _limit(plane.attribution)
    gray = _fitted(_windowed(plane.pixels), plane.size)
    colour = _coloured(gray, _fitted(plane.attribution, plane.size), limit, legend.signed)
    left, right = _picture(np.repeat(gray[..., None], 3, axis=2)), _picture(_outlined(colour, plane))
    for panel in (left, right) if simulated else ():
        _stamp(panel)
    _scale_bar(left, plane)
    heading = [*lines, *([plane.note] if plane.note else [])]
    outlined = plane.mask is not None and bool(plane.mask.any())
    return _png(_page(left, right, heading, replace(legend, outlined=outlined), limit))


@dataclass(frozen=True, slots=True)
class _Plane:
    pixels: Pixels
    attribution: Pixels
    mask: BoolArray | None
    mm_per_dot: float | None
    size: tuple[int, int]
    note: str


def _plane(image: Image, attribution: Pixels, mask: BoolArray | None) -> _Plane:
    """The slice to show, with the panel's size: square pixels in mm where the spacing is known."""
    pixels, note, spacing = image.pixels, "", image.spacing_mm
    if pixels.ndim == 3:
        index = int(np.abs(attribution).sum(axis=(1, 2)).argmax())
        note = f"slice {index + 1} of {len(pixels)} (most attribution)"
        pixels, attribution = pixels[index], attribution[index]
        mask = None if mask is None else mask[index]
    down, across = spacing[-2:] if spacing else (1.0, 1.0)
    height_mm, width_mm = pixels.shape[0] * down, pixels.shape[1] * across
    zoom = PANEL / max(height_mm, width_mm)
    size = (max(1, round(width_mm * zoom)), max(1, round(height_mm * zoom)))
    return _Plane(pixels, attribution, mask, 1 / zoom if spacing else None, size, note)


def _windowed(pixels: Pixels) -> Pixels:
    low, high = np.percentile(pixels, (1, 99.5))
    return np.asarray(np.clip((pixels - low) / max(high - low, 1e-12), 0, 1), dtype=np.float32)


def _limit(attribution: Pixels) -> float:
    """Where the colours saturate: the 99.5th percentile of the absolute map, its maximum if that is zero."""
    size = np.abs(attribution)
    return float(np.percentile(size, 99.5)) or float(size.max())


def _fitted(values: Pixels, size: tuple[int, int]) -> Colour:
    picture = Picture.fromarray(np.ascontiguousarray(values, dtype=np.float32))
    return np.asarray(picture.resize(size, Picture.Resampling.BILINEAR), dtype=np.float64)


def _coloured(gray: Colour, attribution: Colour, limit: float, signed: bool) -> Colour:
    strength = np.clip(attribution / limit, -1 if signed else 0, 1) if limit > 0 else np.zeros_like(attribution)
    alpha = (MOST_OPAQUE * np.abs(strength))[..., None]
    return (1 - alpha) * gray[..., None] + alpha * _colour(strength, signed)


def _colour(strength: Colour, signed: bool) -> Colour:
    """RGB, 0 to 1, for strengths of -1 to 1 (signed) or 0 to 1."""
    if signed:
        return np.where(strength[..., None] >= 0, np.array(ORANGE) / 255, np.array(BLUE) / 255)
    stops = np.linspace(0, 1, len(ONE_SIDED))
    channels = [np.interp(strength, stops, [stop[i] / 255 for stop in ONE_SIDED]) for i in range(3)]
    return np.stack(channels, axis=-1)


def _outlined(colour: Colour, plane: _Plane) -> Colour:
    if plane.mask is None or not plane.mask.any():
        return colour
    wide = _fitted(plane.mask.astype(np.float32), plane.size) >= 0.5
    edge = wide & ~binary_erosion(wide, iterations=2)
    return np.where(edge[..., None], 1.0, colour)


def _picture(values: Colour) -> Picture.Image:
    return Picture.fromarray(np.round(255 * np.clip(values, 0, 1)).astype(np.uint8), "RGB")


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _stamp(panel: Picture.Image) -> None:
    draw, text = ImageDraw.Draw(panel), "SIMULATED DATA"
    draw.text((panel.width - 12, 10), text, (255, 230, 0), _font(SMALL), anchor="ra", stroke_width=2, stroke_fill=INK)


def _scale_bar(panel: Picture.Image, plane: _Plane) -> None:
    if plane.mm_per_dot is None:
        return
    room = plane.mm_per_dot * panel.width / 3
    length = max((step for step in _round_lengths() if step <= room), default=None)
    if length is None:
        return
    draw, dots = ImageDraw.Draw(panel), length / plane.mm_per_dot
    y = panel.height - 22
    draw.rectangle((18, y - 4, 18 + dots, y + 4), PAPER, INK)
    label = f"{length:g} mm"
    draw.text((18, y - 10), label, PAPER, _font(SMALL), anchor="ld", stroke_width=2, stroke_fill=INK)


def _round_lengths() -> list[float]:
    return [base * 10.0**power for power in range(-3, 4) for base in (1, 2, 5)]


def _page(
    left: Picture.Image, right: Picture.Image, lines: Sequence[str], legend: Legend, limit: float
) -> Picture.Image:
    heading = [part for line in lines for part in _wrapped(line, TEXT)]
    top = 14 + (TEXT + 10) * len(heading)
    at = top + SMALL + 16
    foot = _wrapped(legend.caption, NOTE)
    page = Picture.new("RGB", (WIDTH, at + PANEL + 14 + (NOTE + 8) * len(foot)), PAPER)
    draw = ImageDraw.Draw(page)
    for i, line in enumerate(heading):
        draw.text((GAP, 10 + i * (TEXT + 10)), line, INK, _font(TEXT))
    for i, line in enumerate(foot):
        draw.text((GAP, at + PANEL + 8 + i * (NOTE + 8)), line, INK, _font(NOTE))
    for x, title, panel in ((GAP, "Original", left), (2 * GAP + PANEL, legend.title, right)):
        draw.text((x, top + 4), title, INK, _font(SMALL))
        page.paste((0, 0, 0), (x, at, x + PANEL, at + PANEL))
        page.paste(panel, (x + (PANEL - panel.width) // 2, at + (PANEL - panel.height) // 2))
    _colour_bar(page, 3 * GAP + 2 * PANEL, at, legend, limit)
    return page


def _colour_bar(page: Picture.Image, x: int, y: int, legend: Legend, limit: float) -> None:
    low = -1.0 if legend.signed else 0.0
    strength = np.linspace(1, low, PANEL)[:, None] * np.ones((1, BAR))
    bar = _coloured(np.full(strength.shape, 0.25), strength, 1.0, legend.signed)
    page.paste(_picture(bar), (x, y))
    draw = ImageDraw.Draw(page)
    labels = [(0.0, limit, "la"), (0.5, 0.0, "lm"), (1.0, -limit, "ld")]
    for place, value, anchor in labels if legend.signed else [(0.0, limit, "la"), (1.0, 0.0, "ld")]:
        draw.text((x + BAR + 6, y + place * PANEL), _label(value, legend.signed), INK, _font(24), anchor=anchor)


def _label(value: float, signed: bool) -> str:
    return "0" if value == 0 else f"{value:{'+' if signed else ''}.2g}"


def _wrapped(line: str, size: int) -> list[str]:
    """The line broken at spaces to the page's width."""
    parts: list[str] = []
    for word in line.split():
        longer = f"{parts[-1]} {word}" if parts else word
        if parts and _font(size).getbbox(longer)[2] <= WIDTH - 2 * GAP:
            parts[-1] = longer
        else:
            parts.append(word)
    return parts


def _png(page: Picture.Image) -> bytes:
    buffer = io.BytesIO()
    page.save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()
