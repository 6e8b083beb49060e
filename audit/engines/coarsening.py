"""An image as a coarser matrix would have recorded it, back on its own pixels."""

from __future__ import annotations

import math

import numpy as np

from audit.records import FloatArray


def coarsened(pixels: FloatArray, spacing_mm: tuple[float, ...], size_mm: float) -> FloatArray:
    """The image averaged over pixels of ``size_mm`` and interpolated linearly to its own grid.

    Averaging is the partial-volume effect of a larger pixel; linear interpolation is what most preprocessing does to
    reach a network's input spacing. Axes whose spacing is ``size_mm`` or more stay as they are. Source: Ballester,
    Zisserman & Brady, Med Image Anal 2002;6:389 (partial volume).
    """
    out = pixels
    for axis, spacing in enumerate(spacing_mm):
        if spacing < size_mm:
            there_and_back = round_trip(pixels.shape[axis], spacing, size_mm)
            out = np.moveaxis(np.tensordot(there_and_back, out, axes=(1, axis)), 0, axis)
    return np.asarray(out)


def round_trip(n: int, spacing: float, size: float) -> FloatArray:
    """Matrix (n, n) that averages ``n`` pixels over centred pixels of ``size`` and interpolates back; rows add to 1."""
    extent = n * spacing
    count = max(1, math.ceil(extent / size))
    edges = np.asarray(extent / 2 + size * (np.arange(count + 1) - count / 2), dtype=np.float64)
    centres = (edges[1:] + edges[:-1]) / 2
    fine = spacing * (np.arange(n) + 0.5)
    mean = _overlaps(edges, spacing, n)
    back = np.column_stack([np.interp(fine, centres, unit) for unit in np.eye(count)])
    return np.asarray(back @ mean)


def _overlaps(edges: FloatArray, spacing: float, n: int) -> FloatArray:
    """Share of each fine pixel in each coarse one (coarse, fine), of the part that lies inside the image."""
    borders = spacing * np.arange(n + 1)
    low = np.maximum(edges[:-1, None], borders[None, :-1])
    high = np.minimum(edges[1:, None], borders[None, 1:])
    shared = np.clip(high - low, 0.0, None)
    return np.asarray(shared / shared.sum(axis=1, keepdims=True))
