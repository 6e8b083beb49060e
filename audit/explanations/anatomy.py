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
LEAST_MARK, LARGEST_MARK, NEAR_MARK = 12, 0.05, 3
LEAST_STROKE, AROUND_STROKE, BRIGHT = 4, 9, 98
WIDEST_FRAME, ALONG_FRAME = 0.15, 2 / 3
EIGHT = np.ones((3, 3), dtype=np.bool_)  # neighbours across corners too
BY_RULE = "body by rule: Otsu's threshold, holes filled, largest part"
DECLARED = "mask of the anatomy in the manifest"


@dataclass(frozen=True, slots=True)
class Found:
    """A region (bool, the image's shape) and how it was found."""

    mask: BoolArray
    how: str


@dataclass(frozen=True, slots=True)
class Written:
    """What was written into the pixels and tells nothing about the tissue around it: marks and a frame."""

    marks: BoolArray
    frame: BoolArray

    @property
    def mask(self) -> BoolArray:
        return self.marks | self.frame


def regions(
    pixels: Pixels,
    names: Sequence[str],
    border: float,
    corner: float,
    anatomy: BoolArray | None,
    written: Written | None = None,
) -> Mapping[str, Found | Undefined]:
    """The regions called ``names``; ``anatomy``: the declared mask, None for the rule; ``written``: if known already.

    The border reaches as far in as a frame does; every region but the marks takes with it the marks that it cuts.
    Undefined where the image has none (no burned-in mark, nothing outside the body).
    """
    written = written or written_in(pixels)
    body = body_of(pixels, written) if anatomy is None else Found(anatomy, DECLARED)
    marks, frame = written.marks, written.frame
    framed = ", and the frame" if frame.any() else ""
    makers = {
        "border": lambda: Found(border_band(pixels.shape, border) | frame, f"outer {border:.0%} of each side{framed}"),
        "corners": lambda: Found(corner_squares(pixels.shape, corner), f"corners of {corner:.0%} of each side"),
        "outside anatomy": lambda: Found(~body.mask, body.how),
        "marks": lambda: Found(marks, "flat parts with sharp edges"),
    }
    found = {name: _with_marks(makers[name](), marks) for name in names}
    return {name: each if each.mask.any() else Undefined(f"the image has no such part ({each.how})")
            for name, each in found.items()}  # fmt: skip


def _with_marks(found: Found, marks: BoolArray) -> Found:
    """The region with the whole of each mark that lies in it in part: half a letter would still be read."""
    if not marks.any():
        return found
    labels, _ = ndimage.label(widened(marks, NEAR_MARK))
    cut = np.unique(labels[found.mask & marks])
    whole = marks & np.isin(labels, cut[cut > 0])
    return Found(found.mask | whole, found.how)


def widened(mask: BoolArray, pixels: int) -> BoolArray:
    """The mask grown within its slices."""
    planes = mask.reshape(-1, *mask.shape[-2:])
    wide = np.stack([ndimage.binary_dilation(plane, EIGHT, iterations=pixels) for plane in planes])
    return np.asarray(wide.reshape(mask.shape), dtype=np.bool_)


def written_in(pixels: Pixels, finding: BoolArray | None = None) -> Written:
    """The marks and the frame of an image; what overlaps the ``finding``, where its mask is known, is no mark."""
    marks = burned_in_marks(pixels)
    if finding is not None and (marks & finding).any():
        labels, _ = ndimage.label(marks, np.ones((3,) * marks.ndim))
        marks &= ~np.isin(labels, np.unique(labels[marks & finding]))
    return Written(marks, frame_of(pixels))


def body_of(pixels: Pixels, written: Written | None = None) -> Found:
    """The largest bright part of the image with its holes; the whole image where it is uniform.

    Holes are filled first, so that a bright rim (the scalp around a brain) belongs to the body with all that it holds.
    Marks and a frame, where they were ``written``, are no part of it, however bright they are.
    """
    plain = pixels if written is None else nearest_outside(pixels, written.mask)
    smooth = ndimage.gaussian_filter(plain.astype(np.float64), SMOOTHING)
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


def frame_of(pixels: Pixels) -> BoolArray:
    """Lines along the edges, in the plane of the slices, up to where the picture begins: a frame or padding.

    It ends at a step of at least 15 % of the image's range, up or down, that two thirds of the middle half of the edge
    take between the same two lines; at most 15 % of the side from the edge. Anatomy rounds its corners and takes no
    such step.
    """
    planes = pixels if pixels.ndim == 3 else pixels[None]
    found = np.stack([_frame_of(plane.astype(np.float64)) for plane in planes])
    return np.asarray(found.reshape(pixels.shape), dtype=np.bool_)


def _frame_of(plane: FloatArray) -> BoolArray:
    frame = np.zeros(plane.shape, dtype=np.bool_)
    least = SHARP * _extent(plane)
    for turns in range(4) if least > 0 else ():
        width = _frame_width(np.rot90(plane, turns), least)
        np.rot90(frame, turns)[:width] = True
    return frame


def _frame_width(plane: FloatArray, least: float) -> int:
    """Lines from the first one on that belong to the frame; 0 without one."""
    rows, columns = plane.shape
    middle = plane[: 1 + int(WIDEST_FRAME * rows), columns // 4 : columns - columns // 4]
    steps = np.diff(middle, axis=0)
    along = np.maximum((steps >= least).mean(axis=1), (steps <= -least).mean(axis=1))
    found = np.flatnonzero(along >= ALONG_FRAME)
    return int(found[-1]) + 1 if found.size else 0


def _extent(plane: FloatArray) -> float:
    """From the 0.5th to the 99.5th percentile, or the whole range where that is 0."""
    return float(np.ptp(np.percentile(plane, (0.5, 99.5)))) or float(np.ptp(plane))


def nearest_outside(pixels: Pixels, mask: BoolArray, never: BoolArray | None = None) -> Pixels:
    """The image with each pixel of ``mask`` at the value of the nearest pixel outside it, in its own slice; pixels of
    ``never`` lend no value. A slice without any such pixel stays as it is."""
    out = pixels.astype(np.float32)
    closed = mask if never is None else mask | never
    planes = (each.reshape(-1, *pixels.shape[-2:]) for each in (out, mask, closed))
    for plane, hole, shut in zip(*planes, strict=True):
        if hole.any() and not shut.all():
            place = ndimage.distance_transform_edt(shut, return_distances=False, return_indices=True)
            plane[hole] = plane[tuple(place)][hole]
    return out


def burned_in_marks(pixels: Pixels) -> BoolArray:
    """Letters, arrows and boxes written into the pixels: small flat parts with sharp edges that no scanner makes.

    Flat: neighbours differ by at most 1 % of the image's range (0.5th to 99.5th percentile, or its whole range where
    that is 0), the part as a whole by at most 2 %; sharp: the median just outside lies 15 % of the range away, of
    strokes with fewer than 12 pixels two thirds of what lies outside, on one side. A mark has 12 pixels at least,
    in strokes not more than two pixels apart, and a part 5 % of a slice at most. What touches a bright mark and is as
    bright belongs to it.
    """
    planes = pixels if pixels.ndim == 3 else pixels[None]
    found = np.stack([_marks_of(plane.astype(np.float64)) for plane in planes])
    return np.asarray(found.reshape(pixels.shape), dtype=np.bool_)


def _marks_of(plane: FloatArray) -> BoolArray:
    strokes = np.zeros(plane.shape, dtype=np.bool_)
    extent = _extent(plane)
    if extent <= 0:
        return strokes
    labels = _flat_parts(plane, FLAT * extent)
    places = ndimage.find_objects(labels + 1)
    for number in _possible(plane, labels, extent):
        window = _around(places[number])
        part, values = labels[window] == number, plane[window]
        if _is_sharp(part, values, SHARP * extent):
            strokes[window] |= part
    clusters, _ = ndimage.label(ndimage.binary_dilation(strokes, EIGHT), EIGHT)
    sizes = np.bincount(clusters[strokes], minlength=2)
    return _with_bright_rest(plane, np.asarray(strokes & (sizes[clusters] >= LEAST_MARK)), SHARP / 2 * extent)


def _with_bright_rest(plane: FloatArray, marks: BoolArray, tolerance: float) -> BoolArray:
    """The marks with what touches them and is as bright, of those among the brightest 2 % of the slice: the rest of a
    letter that noise has made uneven. Left alone where that would be more than a mark."""
    bright = marks & (plane >= np.percentile(plane, BRIGHT))
    if not bright.any():
        return marks
    alike = plane >= np.median(plane[bright]) - tolerance
    whole = ndimage.binary_propagation(bright, EIGHT, mask=alike | bright)
    return np.asarray(marks | whole) if whole.sum() <= LARGEST_MARK * plane.size else marks


def _possible(plane: FloatArray, labels: IntArray, extent: float) -> IntArray:
    """Numbers of flat parts of the right size, of strokes those that stand out from the square around them."""
    sizes = np.bincount(labels.ravel())
    fits = (sizes >= LEAST_STROKE) & (sizes <= LARGEST_MARK * plane.size)
    beside = np.abs(plane - ndimage.uniform_filter(plane, AROUND_STROKE))
    apart = np.bincount(labels.ravel(), weights=beside.ravel()) / sizes
    fits &= (sizes >= LEAST_MARK) | (apart >= 0.75 * SHARP * extent)
    if fits.any():
        fits &= _ranges(plane, labels, len(sizes)) <= 2 * FLAT * extent
    return np.flatnonzero(fits)


def _flat_parts(plane: FloatArray, tolerance: float) -> IntArray:
    """Number of the part that each pixel belongs to; neighbours (across corners too) within ``tolerance`` belong
    together."""
    place = np.arange(plane.size).reshape(plane.shape)
    pairs = (
        (np.s_[:-1, :], np.s_[1:, :]), (np.s_[:, :-1], np.s_[:, 1:]),
        (np.s_[:-1, :-1], np.s_[1:, 1:]), (np.s_[:-1, 1:], np.s_[1:, :-1]),
    )  # fmt: skip
    near = [(one, other, np.abs(plane[one] - plane[other]) <= tolerance) for one, other in pairs]
    first = np.concatenate([place[one][alike] for one, _, alike in near])
    second = np.concatenate([place[other][alike] for _, other, alike in near])
    graph = sparse.coo_array((np.ones(first.size, dtype=np.int8), (first, second)), shape=(plane.size, plane.size))
    return np.asarray(csgraph.connected_components(graph, directed=False)[1].reshape(plane.shape), dtype=np.int64)


def _ranges(plane: FloatArray, labels: IntArray, count: int) -> FloatArray:
    high, low = np.full(count, -np.inf), np.full(count, np.inf)
    np.maximum.at(high, labels.ravel(), plane.ravel())
    np.minimum.at(low, labels.ravel(), plane.ravel())
    return np.asarray(high - low)


def _around(place: tuple[slice, ...]) -> tuple[slice, ...]:
    """The part's rows and columns with three more on each side."""
    return tuple(slice(max(0, each.start - NEAR_MARK), each.stop + NEAR_MARK) for each in place)


def _is_sharp(part: BoolArray, values: FloatArray, least: float) -> bool:
    near = ndimage.binary_dilation(part)
    ring = ndimage.binary_dilation(near) & ~near
    ring = ring if ring.any() else near & ~part
    if not ring.any():
        return False
    steps = float(np.median(values[part])) - values[ring]
    if part.sum() >= LEAST_MARK:
        return bool(abs(np.median(steps)) >= least)
    return bool(np.quantile(steps, 1 / 3) >= least or np.quantile(steps, 2 / 3) <= -least)
