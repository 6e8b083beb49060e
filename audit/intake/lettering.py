"""Text burned into the picture: rows of small, equally high, thin-stroked, high-contrast shapes.

A sober detector. It finds lines of at least four separate characters 6 to 60 pixels high, written in (nearly) one
tone that stands out from what surrounds it; it does not read them. It does not find: handwriting, joined script,
lead markers of one or two letters, text as faint as the anatomy, text below 6 pixels. What it finds and misses on real
and on planted text stands in docs/intake.md, measured by ``benchmarks/burned_in_text.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from audit.records import Pixels

LOW, HIGH = 5, 60  # height of a character, pixels
FEWEST = 4  # characters in a line
LARGEST = 1600  # a longer side is reduced to this before the search
CONTRAST = 0.09  # of the image's range, between a character and what surrounds it
EVEN = 0.05  # of the image's range: characters of one line have one tone
MOST_SHAPES = 6000  # more than this is noise or texture, not writing


@dataclass(frozen=True, slots=True)
class Line:
    """A line of writing: top, left, bottom, right in pixels of the image, and how many characters were told apart."""

    box: tuple[int, int, int, int]
    characters: int


@dataclass(frozen=True, slots=True)
class _Shape:
    top: int
    left: int
    bottom: int
    right: int
    tone: float

    @property
    def height(self) -> int:
        return self.bottom - self.top


def lines_of_text(frame: Pixels) -> tuple[Line, ...]:
    """Lines of writing in one frame (rows, columns), bright on dark and dark on bright."""
    step = max(1, -(-max(frame.shape) // LARGEST))
    small = np.asarray(frame[::step, ::step], dtype=np.float32)
    low, high = float(small.min()), float(np.quantile(small, 0.9999))
    if min(small.shape) < 2 * LOW or high <= low:
        return ()
    tone = np.clip((small - low) / (high - low), 0.0, 1.0)
    found = [line for picture in (tone, 1.0 - tone) for line in _lines(_shapes(picture))]
    return tuple(_scaled(line, step) for line in found)


def _scaled(line: Line, step: int) -> Line:
    top, left, bottom, right = line.box
    return Line((step * top, step * left, step * bottom, step * right), line.characters)


def _shapes(tone: NDArray[np.float32]) -> list[_Shape]:
    """Connected shapes, as large as characters, whose tone is even and stands out from all that touches them."""
    around = ndimage.grey_opening(tone, size=(9, 9))
    ink = (tone - around > CONTRAST) & (tone > 0.6)
    labels, count = ndimage.label(ink, structure=np.ones((3, 3), dtype=int))
    if not 0 < count <= MOST_SHAPES:
        return []
    area = np.bincount(labels.ravel())
    found = [
        (number, rows, columns)
        for number, (rows, columns) in enumerate(ndimage.find_objects(labels), start=1)
        if _is_character(rows.stop - rows.start, columns.stop - columns.start, int(area[number]))
    ]
    if len(found) < FEWEST:
        return []
    brightest = ndimage.maximum(tone, labels, index=[number for number, _, _ in found])
    return [
        _Shape(rows.start, columns.start, rows.stop, columns.stop, float(top))
        for (_, rows, columns), top in zip(found, brightest, strict=True)
    ]


def _is_character(height: int, width: int, area: int) -> bool:
    filled = area / (height * width)
    return LOW <= height <= HIGH and 1 <= width <= 1.6 * height and 0.15 <= filled <= 0.95 and area >= LOW


def _lines(shapes: list[_Shape]) -> list[Line]:
    left = sorted(shapes, key=lambda s: (s.left, s.top))
    lines: list[Line] = []
    while left:
        chain = _chain(left)
        left = [shape for shape in left if shape not in chain]
        if len(chain) >= FEWEST and _regular(chain):
            box = (
                min(s.top for s in chain),
                chain[0].left,
                max(s.bottom for s in chain),
                max(s.right for s in chain),
            )
            lines.append(Line(box, len(chain)))
    return lines


def _chain(shapes: list[_Shape]) -> list[_Shape]:
    """The first shape and all that follow it to the right on its line."""
    chain = [shapes[0]]
    for shape in shapes[1:]:
        last = chain[-1]
        gap = shape.left - last.right
        if gap > 2 * last.height:
            break
        if gap >= -1 and _on_line(chain[0], shape) and _on_line(last, shape):
            chain.append(shape)
    return chain


def _on_line(one: _Shape, other: _Shape) -> bool:
    tall, short = max(one.height, other.height), min(one.height, other.height)
    overlap = min(one.bottom, other.bottom) - max(one.top, other.top)
    return tall <= 1.7 * short and overlap >= 0.6 * short


def _regular(chain: list[_Shape]) -> bool:
    """Writing keeps to one or two heights, to a base line and to one tone; specks and bones do not."""
    heights = np.array([s.height for s in chain])
    bases = np.array([s.bottom for s in chain])
    gaps = np.array([max(0, b.left - a.right) for a, b in pairwise(chain)])
    level = np.abs(bases - np.median(bases)) <= max(1.0, 0.12 * float(np.median(heights)))
    same = np.abs(heights - np.median(heights)) <= max(1.0, 0.15 * float(np.median(heights)))
    even = np.ptp(np.sort([s.tone for s in chain])[len(chain) // 5 :]) <= EVEN
    near = np.median(gaps) <= 0.8 * float(np.median(heights))
    return bool(level.mean() >= 0.75 and same.mean() >= 0.6 and near and even)
