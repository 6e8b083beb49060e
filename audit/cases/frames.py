"""How the frames of one DICOM object lie: put in order by geometry, with spacing and place, or refused by name.

Frames of an enhanced object may be stored in any order (DICOM PS3.3 C.7.6.16.2): the volume is made by where they lie.
Frames that repeat places (time points, b-values, echoes) are no volume: they keep their order, and no distance between
them is known. A gap, unequal distances, a tilt or directions that differ are refused, as in a series of slices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pydicom
from numpy.typing import NDArray

from audit.cases.headers import spacing_of
from audit.cases.planes import Plane, planes_of
from audit.cases.volumes import MIN_GAP_MM, grid_of, offsets, parallel
from audit.grids import Grid, Vector

REPEATED = "its frames repeat places (time points, b-values, echoes): they are kept as stored, without a distance"


@dataclass(frozen=True)
class Frames:
    """``order`` in which the stored frames make the volume, None as stored; the rest as in ``audit.grids.Grid``."""

    order: tuple[int, ...] | None
    spacing_mm: Vector | None
    origin_mm: Vector | None = None
    directions: tuple[Vector, ...] | None = None
    note: str = ""

    def placed(self, pixels: NDArray[np.generic]) -> NDArray[np.generic]:
        """The frames in order of the volume."""
        return pixels if self.order is None else pixels[list(self.order)]

    def grid(self, shape: tuple[int, ...]) -> Grid:
        """The grid of the ordered pixels."""
        return Grid(shape, self.spacing_mm, self.origin_mm, self.directions)


def frames_of(dataset: pydicom.Dataset, shape: tuple[int, ...], where: str) -> Frames:
    """The frames of an object whose pixels are (rows, columns) or (frames, rows, columns); raises ``BadInput`` for a
    stack with a flaw, naming it."""
    planes = planes_of(dataset)
    declared = spacing_of(dataset, len(shape))
    if planes is None or (len(shape) == 3 and len(planes) != shape[0]):
        return Frames(None, declared)
    if len(shape) == 2:
        first = planes[0]
        return Frames(None, first.spacing_mm, first.position, (first.orientation[3:], first.orientation[:3]))
    if parallel(planes) and np.diff(np.sort(offsets(planes))).min() < MIN_GAP_MM:
        return Frames(None, None, note=REPEATED)
    return _stack(planes, shape, where)


def _stack(planes: list[Plane], shape: tuple[int, ...], where: str) -> Frames:
    grid = grid_of(planes, shape[1], shape[2], where)
    first = planes[grid.order[0]]
    across: Vector = tuple(map(float, first.normal))
    directions = (across, first.orientation[3:], first.orientation[:3])
    order = None if grid.order == tuple(range(shape[0])) else grid.order
    return Frames(order, grid.spacing_mm, first.position, directions)
