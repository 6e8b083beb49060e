"""The picture of one case of a detection target: original beside reference standard and the device's marks.

Told apart without colour: the reference is drawn solid, marks dashed, and each bears its words (hit, false, missed) and
rating. Colours are those of Okabe and Ito, safe for colour-blind readers. Drawn from numbers alone, as ``overlays``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw

from audit.explanations.overlays import (
    GAP,
    INK,
    NOTE,
    PANEL,
    PAPER,
    SMALL,
    TEXT,
    WIDTH,
    as_picture,
    font,
    letters,
    plane_of,
    png,
    scale_bar,
    stamp,
    wrapped,
)
from audit.records import Image

COLOURS = {
    "reference": (255, 255, 255),
    "hit": (86, 180, 233),
    "further": (86, 180, 233),
    "false": (255, 140, 0),
    "missed": (240, 228, 66),
}
DASH, LINE, POINT = 9, 3, 12
Sides = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Spot:
    """A lesion or mark: ``kind`` reference (a lesion that was found), missed, hit, further (on a lesion that has its
    hit) or false; corner and extent in pixels, no extent for a point; ``z``, ``depth`` in slices, None in a 2-D image;
    ``rating`` of a mark."""

    kind: str
    x: float
    y: float
    width: float = 0.0
    height: float = 0.0
    z: float | None = None
    depth: float = 0.0
    rating: float | None = None

    @property
    def is_mark(self) -> bool:
        """Whether the device made it."""
        return self.rating is not None

    def on(self, slice_: int) -> bool:
        """Whether it reaches into a slice; in a 2-D image it does."""
        if self.z is None:
            return True
        return self.z < slice_ + 1 and (self.z + self.depth > slice_ or (self.depth == 0 and self.z >= slice_))


def marks_png(image: Image, spots: Sequence[Spot], lines: Sequence[str], caption: str, simulated: bool) -> bytes:
    """PNG of the image beside the image with ``spots``; ``lines`` stand above, ``caption`` below.

    Both panels share one window: the one for which the file asks, else from the 1st to the 99.5th percentile. Of a
    volume one slice is shown: through the middle of the missed lesion, else of the false mark of highest rating, else
    of the first spot; spots of other slices are counted.
    """
    flat, shown, note = _flat(image, spots)
    plane = plane_of(flat, np.zeros_like(flat.pixels), None)
    left, right = (as_picture(np.repeat(plane.gray[..., None], 3, axis=2)) for _ in range(2))
    _draw(right, shown, flat)
    for panel in (left, right) if simulated else ():
        stamp(panel)
    scale_bar(left, plane)
    letters(left, plane)
    return png(_page(left, right, [*lines, *(each for each in (note, plane.note) if each)], caption))


def _flat(image: Image, spots: Sequence[Spot]) -> tuple[Image, list[Spot], str]:
    """The slice to show, what lies on it, and a line that says so; a 2-D image as it is."""
    if image.pixels.ndim == 2:
        return image, list(spots), ""
    n = len(image.pixels)
    first = min(spots, key=_first, default=None)
    at = n // 2 if first is None else min(n - 1, max(0, int((first.z or 0.0) + first.depth / 2)))
    shown = [spot for spot in spots if spot.on(at)]
    note = f"slice {at + 1} of {n}; {len(spots) - len(shown)} of {len(spots)} lesions and marks lie on other slices"
    spacing = image.spacing_mm[1:] if image.spacing_mm else None
    directions = image.directions[1:] if image.directions else None
    return replace(image, pixels=image.pixels[at], spacing_mm=spacing, directions=directions), shown, note


def _first(spot: Spot) -> tuple[int, float]:
    order = ("missed", "false", "hit", "further", "reference")
    return order.index(spot.kind), -(spot.rating or 0.0)


def _draw(panel: Picture.Image, spots: Sequence[Spot], image: Image) -> None:
    """Lesions first, so that marks lie above them; words last, each where nothing else is written."""
    draw = ImageDraw.Draw(panel)
    rows, columns = image.pixels.shape
    across, down = panel.width / columns, panel.height / rows
    ordered = sorted(spots, key=lambda spot: (spot.is_mark, spot.y, spot.x))
    placed: list[tuple[float, ...]] = []
    for spot in ordered:
        sides = _sides(spot, across, down)
        for width, colour in ((LINE + 2, INK), (LINE, COLOURS[spot.kind])):
            _outline(draw, spot, sides, width, colour)
    for spot in ordered:
        _write(draw, spot, _sides(spot, across, down), panel, placed)


def _sides(spot: Spot, across: float, down: float) -> Sides:
    """Left, top, right, bottom in dots; a point has a little room around it."""
    left, top, right, bottom = (
        spot.x * across,
        spot.y * down,
        (spot.x + spot.width) * across,
        (spot.y + spot.height) * down,
    )
    if spot.width > 0:
        return left, top, right, bottom
    return left - POINT, top - POINT, left + POINT, top + POINT


def _outline(draw: ImageDraw.ImageDraw, spot: Spot, sides: Sides, width: int, colour: tuple[int, ...]) -> None:
    """A box; of a point a circle (reference) or a cross (mark)."""
    left, top, right, bottom = sides
    if spot.width > 0:
        corners = ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
        for i in range(4):
            for piece in _pieces(corners[i], corners[i + 1]) if spot.is_mark else [(*corners[i], *corners[i + 1])]:
                draw.line(piece, colour, width)
    elif spot.is_mark:
        draw.line((left, top, right, bottom), colour, width)
        draw.line((left, bottom, right, top), colour, width)
    else:
        draw.ellipse(sides, outline=colour, width=width)


def _pieces(start: tuple[float, float], end: tuple[float, float]) -> Iterator[Sides]:
    """Dashes from ``start`` to ``end``."""
    length = float(np.hypot(end[0] - start[0], end[1] - start[1]))
    step = (end[0] - start[0]) / max(length, 1e-9), (end[1] - start[1]) / max(length, 1e-9)
    for at in np.arange(0.0, length, 2 * DASH):
        until = min(length, at + DASH)
        yield start[0] + at * step[0], start[1] + at * step[1], start[0] + until * step[0], start[1] + until * step[1]


def _write(
    draw: ImageDraw.ImageDraw, spot: Spot, sides: Sides, panel: Picture.Image, placed: list[tuple[float, ...]]
) -> None:
    """The word of a spot below it, moved down past other words; nothing beside a lesion that was found."""
    if spot.kind == "reference":
        return
    text = spot.kind if spot.rating is None else f"{spot.kind} {spot.rating:.3g}"
    wide = font(NOTE).getbbox(text)[2]
    x = min(max(2.0, sides[0]), panel.width - wide - 4.0)
    y = sides[3] + 4 if sides[3] + NOTE + 8 < panel.height else max(2.0, sides[1] - NOTE - 8)
    while any(abs(y - b) < NOTE + 2 and x < c and a < x + wide for a, b, c in placed) and y < panel.height - NOTE:
        y += NOTE + 2
    placed.append((x, y, x + wide))
    draw.text((x, y), text, COLOURS[spot.kind], font(NOTE), stroke_width=2, stroke_fill=INK)


def _page(left: Picture.Image, right: Picture.Image, lines: Sequence[str], caption: str) -> Picture.Image:
    heading = [part for line in lines for part in wrapped(line, TEXT)]
    foot = wrapped(caption, NOTE)
    top = 14 + (TEXT + 10) * len(heading)
    at = top + SMALL + 16
    page = Picture.new("RGB", (WIDTH, at + PANEL + 20 + (NOTE + 8) * len(foot)), PAPER)
    draw = ImageDraw.Draw(page)
    for i, line in enumerate(heading):
        draw.text((GAP, 10 + i * (TEXT + 10)), line, INK, font(TEXT))
    for i, line in enumerate(foot):
        draw.text((GAP, at + PANEL + 12 + i * (NOTE + 8)), line, INK, font(NOTE))
    for x, title, panel in ((GAP, "Original", left), (2 * GAP + PANEL, "Reference and marks", right)):
        draw.text((x, top + 4), title, INK, font(SMALL))
        page.paste((0, 0, 0), (x, at, x + PANEL, at + PANEL))
        page.paste(panel, (x + (PANEL - panel.width) // 2, at + (PANEL - panel.height) // 2))
    return page
