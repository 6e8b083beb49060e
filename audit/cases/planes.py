"""Where the frames of a DICOM object lie in the patient: positions and directions, never file names or numbers.

Sources: DICOM PS3.3 C.7.6.2 (image plane), C.7.6.16.2.3 and .4 (plane position and orientation of enhanced objects).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pydicom
from numpy.typing import NDArray

from audit.cases.headers import functional_group, spacing_of


@dataclass(frozen=True, slots=True)
class Plane:
    """One frame in the patient (LPS, mm): centre of its first pixel; directions of a row and of a column; spacing
    between rows and between columns."""

    position: tuple[float, ...]
    orientation: tuple[float, ...]
    spacing_mm: tuple[float, float]

    @property
    def normal(self) -> NDArray[np.float64]:
        """Unit vector across the plane: row direction x column direction."""
        return np.cross(self.orientation[:3], self.orientation[3:])


def planes_of(dataset: pydicom.Dataset) -> list[Plane] | None:
    """The plane of each frame; None where the object does not say (projections, ultrasound, secondary captures)."""
    frames = int(dataset.get("NumberOfFrames") or 1)
    spacing = spacing_of(dataset, 2)
    if spacing is None:
        return None
    pair = (float(spacing[0]), float(spacing[1]))
    found = [_plane(dataset, frame, pair) for frame in range(frames)]
    planes = [plane for plane in found if plane is not None]
    return planes if len(planes) == frames and _told_apart(planes) else None


def _told_apart(planes: list[Plane]) -> bool:
    """One position for many frames is that of the whole object (classic multi-frame), not of each frame."""
    return len(planes) == 1 or len({p.position for p in planes}) > 1


def _plane(dataset: pydicom.Dataset, frame: int, spacing: tuple[float, float]) -> Plane | None:
    position = _numbers(functional_group(dataset, "PlanePositionSequence", frame), "ImagePositionPatient", 3)
    orientation = _numbers(functional_group(dataset, "PlaneOrientationSequence", frame), "ImageOrientationPatient", 6)
    position = position or _numbers(dataset, "ImagePositionPatient", 3)
    orientation = orientation or _numbers(dataset, "ImageOrientationPatient", 6)
    return Plane(position, orientation, spacing) if position and orientation else None


def _numbers(dataset: pydicom.Dataset | None, keyword: str, count: int) -> tuple[float, ...] | None:
    try:
        values = tuple(float(v) for v in (dataset or {}).get(keyword) or ())
    except (TypeError, ValueError):
        return None
    return values if len(values) == count and all(map(math.isfinite, values)) else None
