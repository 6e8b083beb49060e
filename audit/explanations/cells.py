"""The image cut into a coarse grid of cells, for methods and scores that cover and show whole regions."""

from __future__ import annotations

import numpy as np

from audit.records import FloatArray, IntArray, Pixels

PLANE, VOLUME = 16, 8


def grid_of(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Cells per axis: 16 in a plane, 8 in a volume, fewer where the image has fewer pixels."""
    most = PLANE if len(shape) == 2 else VOLUME
    return tuple(min(most, side) for side in shape)


def cell_index(shape: tuple[int, ...]) -> IntArray:
    """The cell of every pixel, counted row by row; cells differ by one pixel per side at most."""
    grid = grid_of(shape)
    places = [np.arange(side) * cells // side for side, cells in zip(shape, grid, strict=True)]
    return np.asarray(np.ravel_multi_index(np.meshgrid(*places, indexing="ij"), grid), dtype=np.int64)


def cell_means(values: Pixels) -> FloatArray:
    """Mean of ``values`` in every cell."""
    index = cell_index(values.shape).ravel()
    sums = np.bincount(index, weights=values.astype(np.float64).ravel())
    return np.asarray(sums / np.bincount(index))
