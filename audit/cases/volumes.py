"""Slices -> one volume, by the planes in which they lie; a volume or mask -> a NIfTI file.

Slices are ordered along the normal of their planes. A stack with missing, doubled or unequally spaced slices is
refused with the place: a volume that hides a gap measures wrongly. Sources: DICOM PS3.3 C.7.6.2.1.1; NIfTI-1 (sform).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import nibabel
import numpy as np
from numpy.typing import NDArray

from audit.cases.planes import Plane
from audit.grids import Grid as Place
from audit.records import BadInput

SAME_DIRECTION = 1e-3
EQUAL_GAPS = 0.05  # share of the median gap by which a gap may differ: rounding of positions in headers
MIN_GAP_MM = 1e-3
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Grid:
    """Voxel grid of a stack: ``order`` of the slices as given, ``spacing_mm`` (slices, rows, columns) and ``affine``
    (4 x 4, LPS mm, from column, row, slice indices)."""

    order: tuple[int, ...]
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    affine: NDArray[np.float64]

    @property
    def place(self) -> Place:
        """The same grid by its array axes."""
        axes = (self.affine[:3, i] / np.linalg.norm(self.affine[:3, i]) for i in (2, 1, 0))
        return Place(
            self.shape, self.spacing_mm, tuple(self.affine[:3, 3].tolist()), tuple(tuple(a.tolist()) for a in axes)
        )


def parallel(planes: Sequence[Plane]) -> bool:
    """Whether all planes have the same directions and spacing."""
    first = planes[0]
    return all(
        np.allclose(p.orientation, first.orientation, atol=SAME_DIRECTION)
        and np.allclose(p.spacing_mm, first.spacing_mm, rtol=1e-3)
        for p in planes[1:]
    )


def orthonormal(plane: Plane) -> bool:
    """Whether row and column directions are unit vectors at right angles."""
    row, column = np.asarray(plane.orientation[:3]), np.asarray(plane.orientation[3:])
    return bool(
        abs(np.linalg.norm(row) - 1) < 0.01 and abs(np.linalg.norm(column) - 1) < 0.01 and abs(row @ column) < 0.01
    )


def offsets(planes: Sequence[Plane]) -> NDArray[np.float64]:
    """Place of each plane along the common normal, mm."""
    return np.array([plane.position for plane in planes]) @ planes[0].normal


def grid_of(planes: Sequence[Plane], rows: int, columns: int, where: str) -> Grid:
    """The grid that the planes make; raises ``BadInput`` for planes that are no stack, with the place of the flaw."""
    if not all(map(orthonormal, planes)) or not parallel(planes):
        raise BadInput(f"{where}: the slices do not lie parallel, or their directions are not at right angles.")
    places = offsets(planes)
    order = np.argsort(places, kind="stable")
    gaps = np.diff(places[order])
    step = _step(gaps, places[order], where)
    first = planes[order[0]]
    _refuse_shear([planes[i] for i in order], where)
    affine = np.eye(4)
    affine[:3, 0] = np.asarray(first.orientation[:3]) * first.spacing_mm[1]
    affine[:3, 1] = np.asarray(first.orientation[3:]) * first.spacing_mm[0]
    affine[:3, 2] = first.normal * step
    affine[:3, 3] = first.position
    return Grid(tuple(map(int, order)), (len(planes), rows, columns), (step, *first.spacing_mm), affine)


def _step(gaps: NDArray[np.float64], places: NDArray[np.float64], where: str) -> float:
    if not gaps.size:
        return 1.0
    if float(gaps.min()) < MIN_GAP_MM:
        at = float(places[int(gaps.argmin())])
        raise BadInput(f"{where}: two slices lie at the same place ({at:.2f} mm along the stack).")
    step = float(np.median(gaps))
    odd = np.abs(gaps - step) > EQUAL_GAPS * step
    if odd.any():
        i = int(odd.argmax())
        raise BadInput(
            f"{where}: slices are {step:.2f} mm apart, but {gaps[i]:.2f} mm between {places[i]:.2f} and "
            f"{places[i + 1]:.2f} mm: {'a slice is missing' if gaps[i] > 1.5 * step else 'they are unequally spaced'}."
        )
    return float(np.mean(gaps))


def _refuse_shear(planes: Sequence[Plane], where: str) -> None:
    """A tilted gantry moves slices sideways: rows x columns x slices is then no box (PS3.3 C.8.2.1, gantry tilt)."""
    path = np.array(planes[-1].position) - np.array(planes[0].position)
    sideways = float(np.linalg.norm(path - (path @ planes[0].normal) * planes[0].normal))
    if sideways > max(0.01 * float(np.linalg.norm(path)), 0.5 * min(planes[0].spacing_mm)):
        raise BadInput(f"{where}: the slices are shifted sideways (tilted gantry); a box-shaped volume would be wrong.")


def nifti_bytes(
    voxels: NDArray[np.generic], affine: NDArray[np.float64] | None, spacing_mm: Sequence[float] | None = None
) -> bytes:
    """A NIfTI-1 file, uncompressed: ``voxels`` (slices, rows, columns), ``affine`` LPS; same input, same bytes.

    Without an affine the file says that its place is not known (both codes 0); ``spacing_mm`` of the last axes stays.
    """
    kept = np.ascontiguousarray(voxels.transpose(2, 1, 0))
    image = nibabel.Nifti1Image(kept, None if affine is None else LPS_TO_RAS @ affine, dtype=kept.dtype)
    image.header.set_xyzt_units("mm" if affine is not None or spacing_mm else "unknown")
    if affine is None:
        sides = tuple(reversed(spacing_mm or ()))
        image.header.set_zooms((*sides, *(1.0,) * (3 - len(sides))))
        image.header.set_qform(None, 0)
        image.header.set_sform(None, 0)
    return bytes(image.to_bytes())


def compact(voxels: NDArray[np.generic]) -> NDArray[np.generic]:
    """The smallest of uint8, int16, int32 that holds whole numbers exactly; float32 for anything else."""
    if not np.array_equal(voxels, np.rint(voxels)):
        return voxels.astype(np.float32)
    low, high = float(voxels.min()), float(voxels.max())
    kinds = (np.uint8, np.int16, np.int32)
    kind = next((k for k in kinds if np.iinfo(k).min <= low and high <= np.iinfo(k).max), np.float32)
    return voxels.astype(kind)
