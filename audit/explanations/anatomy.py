"""Regions of an image in which a finding cannot lie: border, corners, outside the anatomy, burned-in marks.

Where no mask of the anatomy is declared the body is found by rule: Otsu's threshold on the smoothed image, holes
filled, the largest connected part (Otsu, IEEE Trans Syst Man Cybern 1979;9:62). The rule that was used is recorded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage, sparse
from scipy.sparse import csgraph

from audit.records import BoolArray, FloatArray, IntArray, Pixels, Undefined

BINS, SMOOTHING = 256, 1.0
FLAT, SHARP = 0.01, 0.15
LEAST_MARK, LARGEST_MARK = 12, 0.05
BY_RULE = "body by rule: Otsu's threshold, holes filled, largest part"
DECLARED = "mask of the anatomy in the manifest"


@dataclass(frozen=True, slots=True)
class Found:
    """A region (bool, the image's shape) and how it was found."""

    mask: BoolArray
    how: str


def regions(
    pixels: Pixels, names: Sequence[str], border: float, corner: float, anatomy: BoolArray | None
) -> Mapping[str, Found | Undefined]:
    """The regions called ``names``; ``anatomy``: the declared mask, None for the rule.

    Undefined where the image has none (no burned-in mark, nothing outside the body).
    """
    body = body_of(pixels) if anatomy is None else Found(anatomy, DECLARED)
    makers = {
        "border": lambda: Found(border_band(pixels.shape, border), f"outer {border:.0%} of each side"),
        "corners": lambda: Found(corner_squares(pixels.shape, corner), f"corners of {corner:.0%} of each side"),
        "outside anatomy": lambda: Found(~body.mask, body.how),
        "marks": lambda: Found(burned_in_marks(pixels), "flat parts with sharp edges"),
    }
    found = {name: makers[name]() for name in names}
    return {name: each if each.mask.any() else Undefined(f"the image has no such part ({each.how})")
            for name, each in found.items()}  # fmt: skip


def body_of(pixels: Pixels) -> Found:
    """The largest bright part of the image with its holes; the whole image where it is uniform.

    Holes are filled first, so that a bright rim (the scalp around a brain) belongs to the body with all that it holds.
    """
    smooth = ndimage.gaussian_filter(pixels.astype(np.float64), SMOOTHING)
    bright = smooth > otsu_threshold(smooth)
    if not bright.any():
        return Found(np.ones(pixels.shape, dtype=np.bool_), "the whole image: it is uniform")
    planes = bright if bright.ndim == 3 else bright[None]
    filled = np.stack([ndimage.binary_fill_holes(plane) for plane in planes]).reshape(pixels.shape)
    labels, _ = ndimage.label(filled)
    return Found(np.asarray(labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))), BY_RULE)


def otsu_threshold(values: FloatArray) -> float:
    """The threshold with the largest variance between both sides, of a histogram with 256 bins."""
    counts, edges = np.histogram(values, BINS)
    centres = (edges[1:] + edges[:-1]) / 2
    below, above = np.cumsum(counts), np.cumsum(counts[::-1])[::-1]
    mean_below = np.cumsum(counts * centres) / np.maximum(below, 1)
    mean_above = np.cumsum((counts * centres)[::-1])[::-1] / np.maximum(above, 1)
    between = below[:-1] * above[1:] * (mean_below[:-1] - mean_above[1:]) ** 2
    return float(edges[1 + int(between.argmax())])


def border_band(shape: tuple[int, ...], share: float) -> BoolArray:
    """Pixels within ``share`` of the side from an edge, in the plane of the slices."""
    mask = np.zeros(shape, dtype=np.bool_)
    for axis in (-2, -1):
        width = max(1, round(share * shape[axis]))
        place = np.arange(shape[axis])
        near = (place < width) | (place >= shape[axis] - width)
        mask |= near[:, None] if axis == -2 else near[None, :]
    return mask


def corner_squares(shape: tuple[int, ...], share: float) -> BoolArray:
    """The four corners of ``share`` of each side, in the plane of the slices."""
    rows, columns = (max(1, round(share * side)) for side in shape[-2:])
    mask = np.zeros(shape, dtype=np.bool_)
    for down in (slice(None, rows), slice(-rows, None)):
        for across in (slice(None, columns), slice(-columns, None)):
            mask[..., down, across] = True
    return mask


def burned_in_marks(pixels: Pixels) -> BoolArray:
    """Letters, arrows and boxes written into the pixels: small flat parts with sharp edges that no scanner makes.

    Flat: neighbours (rows and columns) differ by at most 1 % of the image's range (0.5th to 99.5th percentile, or its
    whole range where that is 0), the part as a whole by at most 2 %; sharp: the median just outside lies 15 % of the
    range away. Between 12 pixels and 5 % of a slice.
    """
    planes = pixels if pixels.ndim == 3 else pixels[None]
    found = np.stack([_marks_of(plane.astype(np.float64)) for plane in planes])
    return np.asarray(found.reshape(pixels.shape), dtype=np.bool_)


def _marks_of(plane: FloatArray) -> BoolArray:
    marks = np.zeros(plane.shape, dtype=np.bool_)
    extent = float(np.ptp(np.percentile(plane, (0.5, 99.5)))) or float(np.ptp(plane))
    if extent <= 0:
        return marks
    labels = _flat_parts(plane, FLAT * extent)
    sizes = np.bincount(labels.ravel())
    fits = (sizes >= LEAST_MARK) & (sizes <= LARGEST_MARK * plane.size)
    if not fits.any():
        return marks
    fits &= _ranges(plane, labels, len(sizes)) <= 2 * FLAT * extent
    for number in np.flatnonzero(fits):
        window = _around(labels, int(number))
        part, values = labels[window] == number, plane[window]
        if _is_sharp(part, values, SHARP * extent):
            marks[window] |= part
    return marks


def _flat_parts(plane: FloatArray, tolerance: float) -> IntArray:
    """Number of the part that each pixel belongs to; neighbours within ``tolerance`` belong together."""
    place = np.arange(plane.size).reshape(plane.shape)
    down = np.abs(np.diff(plane, axis=0)) <= tolerance
    across = np.abs(np.diff(plane, axis=1)) <= tolerance
    first = np.concatenate([place[:-1][down], place[:, :-1][across]])
    second = np.concatenate([place[1:][down], place[:, 1:][across]])
    graph = sparse.coo_array((np.ones(first.size, dtype=np.int8), (first, second)), shape=(plane.size, plane.size))
    return np.asarray(csgraph.connected_components(graph, directed=False)[1].reshape(plane.shape), dtype=np.int64)


def _ranges(plane: FloatArray, labels: IntArray, count: int) -> FloatArray:
    high, low = np.full(count, -np.inf), np.full(count, np.inf)
    np.maximum.at(high, labels.ravel(), plane.ravel())
    np.minimum.at(low, labels.ravel(), plane.ravel())
    return np.asarray(high - low)


def _around(labels: IntArray, number: int) -> tuple[slice, slice]:
    """The part's rows and columns with three more on each side."""
    rows, columns = np.nonzero(labels == number)
    return (slice(max(0, int(rows.min()) - 3), int(rows.max()) + 4),
            slice(max(0, int(columns.min()) - 3), int(columns.max()) + 4))  # fmt: skip


def _is_sharp(part: BoolArray, values: FloatArray, least: float) -> bool:
    near = ndimage.binary_dilation(part)
    ring = ndimage.binary_dilation(near) & ~near
    ring = ring if ring.any() else near & ~part
    return bool(ring.any()) and abs(float(np.median(values[part]) - np.median(values[ring]))) >= least
