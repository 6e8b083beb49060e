"""The picture of one explanation: original beside overlay in the same window, readable at 8 cm width.

Drawn with Pillow from numbers alone: the same input gives the same bytes. Colours are safe for colour-blind readers:
orange raises the output, blue lowers it (Okabe and Ito); one-sided maps run from dark red to pale yellow.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

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
LEAST_CONTRAST, AS_ASKED = 0.1, "window as the file asks"
AXES = ("slice", "row", "column")
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

    ``attribution`` and ``mask`` have the image's shape. Of a volume both panels show the three planes through the
    strongest voxel and, lower right, the largest values along the slices, all at one scale. Both panels share one
    window: the one for which the file asks (VOI LUT), else from the 1st to the 99.5th percentile. The map's colours
    saturate at its 99.5th percentile; the bar bears that number. A scale in mm stands in the left panel where the
    spacing is known, and where the file tells how the image lies, the letters of its left and upper sides (R, L, A, P,
    H, F).
    """
    plane = plane_of(image, attribution, mask)
    limit = _limit(attribution)
    colour = _coloured(plane.gray, plane.attribution, limit, legend.signed)
    gray = plane.gray
    left, right = as_picture(np.repeat(gray[..., None], 3, axis=2)), as_picture(_outlined(colour, plane))
    for panel in (left, right) if simulated else ():
        stamp(panel)
    scale_bar(left, plane)
    letters(left, plane)
    heading = [*lines, *([plane.note] if plane.note else [])]
    outlined = plane.mask is not None and bool(plane.mask.any())
    return png(_page(left, right, heading, replace(legend, outlined=outlined), limit))


@dataclass(frozen=True, slots=True)
class Plane:
    """What a panel shows, at its size in dots: the windowed image, 0 to 1, the map, the mask."""

    gray: Colour
    attribution: Colour
    mask: BoolArray | None
    mm_per_dot: float | None
    note: str
    sides: tuple[tuple[int, int, str], ...] = ()


SIDES = (("R", "L"), ("A", "P"), ("F", "H"))
"""Names of the ends of the patient's axes, the negative one first (DICOM PS3.3, C.7.6.1.1.1)."""


def _sides(image: Image, axes: tuple[int, int], corner: tuple[int, int], size: tuple[int, int]) -> list[Any]:
    """Where the letters of the left and the upper side of a tile stand; none where the file does not tell."""
    if image.directions is None:
        return []
    (x, y), (width, height) = corner, size
    left, upper = (_opposite(image.directions[axis]) for axis in (axes[1], axes[0]))
    return [(x + 16, y + height // 2, left), (x + width // 2, y + 20, upper)]


def _opposite(direction: tuple[float, ...]) -> str:
    """The letter of the side from which ``direction`` comes."""
    axis = int(np.abs(direction).argmax())
    return SIDES[axis][0 if direction[axis] > 0 else 1]


def plane_of(image: Image, attribution: Pixels, mask: BoolArray | None) -> Plane:
    """Square pixels in mm where the spacing is known."""
    gray, asked = _shown(image)
    if gray.ndim == 3:
        return _planes(image, gray, attribution, mask, asked)
    down, across = image.spacing_mm[-2:] if image.spacing_mm else (1.0, 1.0)
    zoom = PANEL / max(gray.shape[0] * down, gray.shape[1] * across)
    size = _size(gray.shape, (down, across), zoom)
    wide = None if mask is None else _fitted(mask.astype(np.float32), size) >= 0.5
    place = 1 / zoom if image.spacing_mm else None
    sides = tuple(_sides(image, (0, 1), (0, 0), size))
    return Plane(_fitted(gray, size), _fitted(attribution, size), wide, place, asked, sides)


def _size(shape: tuple[int, ...], spacing: tuple[float, float], zoom: float) -> tuple[int, int]:
    """Width and height in dots."""
    return max(1, round(shape[1] * spacing[1] * zoom)), max(1, round(shape[0] * spacing[0] * zoom))


def _planes(image: Image, gray: Pixels, attribution: Pixels, mask: BoolArray | None, asked: str) -> Plane:
    """Four tiles of a volume: across slices, rows and columns through the strongest voxel, and the projection."""
    at = np.unravel_index(int(np.abs(attribution).argmax()), attribution.shape)
    spacing = image.spacing_mm or (1.0, 1.0, 1.0)
    zoom = (PANEL // 2 - 2) / max(side * mm for side, mm in zip(gray.shape, spacing, strict=True))
    canvas = [np.zeros((PANEL, PANEL)) for _ in range(3)]
    inside = np.zeros(gray.shape, np.float32) if mask is None else mask.astype(np.float32)
    sides: list[tuple[int, int, str]] = []
    for tile, axis in enumerate((0, 1, 2, None)):
        down, across = [i for i in range(3) if i != (axis or 0)]
        size = _size((gray.shape[down], gray.shape[across]), (spacing[down], spacing[across]), zoom)
        x, y = (PANEL // 2) * (tile % 2), (PANEL // 2) * (tile // 2)
        sides += _sides(image, (down, across), (x, y), size)
        for whole, values in zip(canvas, (gray, attribution, inside), strict=True):
            cut = _strongest(values) if axis is None else np.asarray(values.take(int(at[axis]), axis))
            whole[y : y + size[1], x : x + size[0]] = _fitted(cut, size)
    note = ", ".join(f"{name} {int(i) + 1} of {n}" for name, i, n in zip(AXES, at, gray.shape, strict=True))
    note = f"{note} (strongest voxel); lower right: largest values along the slices{asked and f'; {asked}'}"
    place = 1 / zoom if image.spacing_mm else None
    return Plane(canvas[0], canvas[1], None if mask is None else canvas[2] >= 0.5, place, note, tuple(sides))


def _strongest(values: Pixels) -> Pixels:
    """Along the slices the value that is largest without its sign, with its sign."""
    return np.asarray(np.take_along_axis(values, np.abs(values).argmax(axis=0)[None], axis=0)[0])


def _shown(image: Image) -> tuple[Pixels, str]:
    """Brightness 0 to 1, and words where the file's own display is heeded: where it leaves anything to see."""
    if image.display is not None:
        gray = np.interp(image.pixels, *image.display).astype(np.float32)
        if np.ptp(np.percentile(gray, (1, 99.5))) >= LEAST_CONTRAST:
            return gray, AS_ASKED
    return _windowed(image.pixels), ""


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


def _outlined(colour: Colour, plane: Plane) -> Colour:
    if plane.mask is None or not plane.mask.any():
        return colour
    edge = plane.mask & ~binary_erosion(plane.mask, iterations=2)
    return np.where(edge[..., None], 1.0, colour)


def as_picture(values: Colour) -> Picture.Image:
    """RGB of 0 to 1 as a picture."""
    return Picture.fromarray(np.round(255 * np.clip(values, 0, 1)).astype(np.uint8), "RGB")


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The font of every word in a picture."""
    return ImageFont.load_default(size)


def stamp(panel: Picture.Image) -> None:
    """Says on a panel that its data are simulated."""
    draw, text = ImageDraw.Draw(panel), "SIMULATED DATA"
    place = (panel.width - 12, panel.height - 10)  # below right: letters stand above and left, the scale bar below left
    draw.text(place, text, (255, 230, 0), font(SMALL), anchor="rd", stroke_width=2, stroke_fill=INK)


def letters(panel: Picture.Image, plane: Plane) -> None:
    """Letters of the sides from which the panel's axes come."""
    draw = ImageDraw.Draw(panel)
    for x, y, letter in plane.sides:
        draw.text((x, y), letter, PAPER, font(SMALL), anchor="mm", stroke_width=2, stroke_fill=INK)


def scale_bar(panel: Picture.Image, plane: Plane) -> None:
    """A bar of a round number of mm, where the spacing is known."""
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
    draw.text((18, y - 10), label, PAPER, font(SMALL), anchor="ld", stroke_width=2, stroke_fill=INK)


def _round_lengths() -> list[float]:
    return [base * 10.0**power for power in range(-3, 4) for base in (1, 2, 5)]


def _page(
    left: Picture.Image, right: Picture.Image, lines: Sequence[str], legend: Legend, limit: float
) -> Picture.Image:
    heading = [part for line in lines for part in wrapped(line, TEXT)]
    top = 14 + (TEXT + 10) * len(heading)
    at = top + SMALL + 16
    foot = wrapped(legend.caption, NOTE)
    page = Picture.new("RGB", (WIDTH, at + PANEL + 14 + (NOTE + 8) * len(foot)), PAPER)
    draw = ImageDraw.Draw(page)
    for i, line in enumerate(heading):
        draw.text((GAP, 10 + i * (TEXT + 10)), line, INK, font(TEXT))
    for i, line in enumerate(foot):
        draw.text((GAP, at + PANEL + 8 + i * (NOTE + 8)), line, INK, font(NOTE))
    for x, title, panel in ((GAP, "Original", left), (2 * GAP + PANEL, legend.title, right)):
        draw.text((x, top + 4), title, INK, font(SMALL))
        page.paste((0, 0, 0), (x, at, x + PANEL, at + PANEL))
        page.paste(panel, (x + (PANEL - panel.width) // 2, at + (PANEL - panel.height) // 2))
    _colour_bar(page, 3 * GAP + 2 * PANEL, at, legend, limit)
    return page


def _colour_bar(page: Picture.Image, x: int, y: int, legend: Legend, limit: float) -> None:
    low = -1.0 if legend.signed else 0.0
    strength = np.linspace(1, low, PANEL)[:, None] * np.ones((1, BAR))
    bar = _coloured(np.full(strength.shape, 0.25), strength, 1.0, legend.signed)
    page.paste(as_picture(bar), (x, y))
    draw = ImageDraw.Draw(page)
    labels = [(0.0, limit, "la"), (0.5, 0.0, "lm"), (1.0, -limit, "ld")]
    for place, value, anchor in labels if legend.signed else [(0.0, limit, "la"), (1.0, 0.0, "ld")]:
        draw.text((x + BAR + 6, y + place * PANEL), _label(value, legend.signed), INK, font(24), anchor=anchor)


def _label(value: float, signed: bool) -> str:
    return "0" if value == 0 else f"{value:{'+' if signed else ''}.2g}"


def wrapped(line: str, size: int, width: int = WIDTH) -> list[str]:
    """The line broken at spaces to a page of this width."""
    parts: list[str] = []
    for word in line.split():
        longer = f"{parts[-1]} {word}" if parts else word
        if parts and font(size).getbbox(longer)[2] <= width - 2 * GAP:
            parts[-1] = longer
        else:
            parts.append(word)
    return parts


def png(page: Picture.Image) -> bytes:
    """The page as PNG; the same page gives the same bytes."""
    buffer = io.BytesIO()
    page.save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()
