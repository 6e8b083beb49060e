"""DICOM reference objects -> masks on an image's own grid: segmentations (SEG, by highdicom) and structure sets.

A mask is given only where the object's grid is the image's: nothing is resampled here, a reference that was drawn on
another grid is refused with the reason. Sources: DICOM PS3.3 A.51 and C.8.20 (SEG), A.19 and C.8.8.6 (ROI contour).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import highdicom
import numpy as np
import pydicom
from matplotlib.path import Path as Polygon
from numpy.typing import NDArray

from audit.cases.codestreams import check_codestreams
from audit.cases.dicom import read_dataset
from audit.cases.limits import check_shape
from audit.cases.tabular import column_name
from audit.cases.volumes import Grid
from audit.records import BadInput, BoolArray

OFF_PLANE = 0.25  # share of the slice distance by which a contour may miss a slice's plane


@dataclass(frozen=True)
class ReferenceObject:
    """A SEG or RTSTRUCT: structures by number, and what it refers to (identifiers, to be replaced by the caller)."""

    structures: Mapping[int, str]
    series: tuple[str, ...]
    instances: frozenset[str]
    dataset: pydicom.Dataset


def read_reference(data: bytes, where: str) -> ReferenceObject:
    """The object in ``data``; raises ``BadInput`` where it is damaged or of another kind."""
    dataset = read_dataset(data, where)
    try:
        names = _segments(dataset) if "SegmentSequence" in dataset else _rois(dataset)
        return ReferenceObject(names, *_refers_to(dataset), dataset)
    except Exception as error:  # elements are parsed on first use, and damaged ones break there
        raise BadInput(f"{where}: the reference object is damaged ({type(error).__name__}).") from error


def _segments(dataset: pydicom.Dataset) -> dict[int, str]:
    return {int(s.SegmentNumber): column_name(s.get("SegmentLabel")) for s in dataset.SegmentSequence}


def _rois(dataset: pydicom.Dataset) -> dict[int, str]:
    return {int(r.ROINumber): column_name(r.get("ROIName")) for r in dataset.get("StructureSetROISequence") or ()}


def _refers_to(dataset: pydicom.Dataset) -> tuple[tuple[str, ...], frozenset[str]]:
    found: dict[str, list[str]] = {"SeriesInstanceUID": [], "ReferencedSOPInstanceUID": []}
    for name, value in _uids(dataset, 0):
        found[name].append(value)
    return tuple(dict.fromkeys(found["SeriesInstanceUID"])), frozenset(found["ReferencedSOPInstanceUID"])


def _uids(dataset: pydicom.Dataset, depth: int) -> Iterator[tuple[str, str]]:
    for element in dataset:
        if element.VR == "SQ" and depth < 8:
            for item in element.value or ():
                yield from _uids(item, depth + 1)
        elif element.keyword == "ReferencedSOPInstanceUID" or (element.keyword == "SeriesInstanceUID" and depth):
            yield element.keyword, str(element.value)


def masks_of(
    found: ReferenceObject, grid: Grid, instances: Sequence[str], where: str
) -> Iterator[tuple[str, BoolArray]]:
    """(name, mask on ``grid``) of each structure; ``instances``: SOP instance of each slice, in the grid's order."""
    for number, name in found.structures.items():
        if "SegmentSequence" in found.dataset:
            yield name, _segment(found, number, grid, instances, where)
        else:
            yield name, _contours(found, number, grid, where)


def _segment(found: ReferenceObject, number: int, grid: Grid, instances: Sequence[str], where: str) -> BoolArray:
    dataset = found.dataset
    check_shape((int(dataset.NumberOfFrames), int(dataset.Rows), int(dataset.Columns)), where)
    check_codestreams(dataset, where)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            object_ = highdicom.seg.Segmentation.from_dataset(dataset, copy=False)
            values = _placed(object_, number, grid, instances, found.instances)
    except Exception as error:
        raise BadInput(f"{where}: the segmentation cannot be put on its image's grid ({_why(error)}).") from error
    if values.shape != grid.shape:
        raise BadInput(f"{where}: the segmentation has {values.shape} voxels, its image {grid.shape}.")
    return np.asarray(values > 0)


def _placed(object_: Any, number: int, grid: Grid, instances: Sequence[str], referred: frozenset[str]) -> NDArray[Any]:
    """By place in the patient; where frames have none, by the images that they say they were drawn on."""
    try:
        return _by_place(object_, number, grid)
    except (RuntimeError, ValueError, AttributeError, TypeError):
        if referred.isdisjoint(instances):
            raise
        return _by_instance(object_, number, instances)


def _by_instance(object_: Any, number: int, instances: Sequence[str]) -> NDArray[Any]:
    values = object_.get_pixels_by_source_instance(
        source_sop_instance_uids=list(instances),
        segment_numbers=[number],
        assert_missing_frames_are_empty=True,
        ignore_spatial_locations=True,
    )
    return np.asarray(values)[..., 0]


def _by_place(object_: Any, number: int, grid: Grid) -> NDArray[Any]:
    """By where the frames lie in the patient: padded and turned, never resampled."""
    volume = object_.get_volume(segment_numbers=[number], combine_segments=True, relabel=True)
    geometry = highdicom.VolumeGeometry(
        affine=grid.affine[:, [2, 1, 0, 3]], spatial_shape=grid.shape, coordinate_system="PATIENT"
    )
    return np.asarray(volume.match_geometry(geometry, tol=1e-2).array)


def _why(error: Exception) -> str:
    return "its frames do not lie on the image's grid" if isinstance(error, RuntimeError) else type(error).__name__


def _contours(found: ReferenceObject, number: int, grid: Grid, where: str) -> BoolArray:
    mask = np.zeros(grid.shape, dtype=np.bool_)
    back = np.linalg.inv(grid.affine)
    for contour in _contours_of(found.dataset, number, where):
        voxels = np.c_[contour, np.ones(len(contour))] @ back.T
        place = float(voxels[:, 2].mean())
        k = round(place)
        flat = float(np.ptp(voxels[:, 2]))
        if abs(place - k) > OFF_PLANE or flat > OFF_PLANE:
            raise BadInput(f"{where}: a contour of structure {number} does not lie in a slice of its image.")
        if not 0 <= k < grid.shape[0]:
            raise BadInput(f"{where}: a contour of structure {number} lies outside its image.")
        mask[k] ^= _inside(voxels[:, :2], grid.shape[1], grid.shape[2])
    return mask


def _contours_of(dataset: pydicom.Dataset, number: int, where: str) -> Iterator[NDArray[np.float64]]:
    for roi in dataset.get("ROIContourSequence") or ():
        if int(roi.ReferencedROINumber) != number:
            continue
        for item in roi.get("ContourSequence") or ():
            if item.get("ContourGeometricType") not in ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR"):
                continue
            points = np.asarray(item.ContourData, dtype=np.float64)
            if points.size % 3 or points.size < 9 or not np.isfinite(points).all():
                raise BadInput(f"{where}: a contour of structure {number} is damaged.")
            yield points.reshape(-1, 3)


def _inside(corners: NDArray[np.float64], rows: int, columns: int) -> BoolArray:
    """Pixels whose centres lie inside the closed polygon; only its bounding box is looked at."""
    inside = np.zeros((rows, columns), dtype=np.bool_)
    low = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, [columns - 1, rows - 1])
    high = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 1, 1, [columns, rows])
    x, y = np.meshgrid(np.arange(low[0], high[0]), np.arange(low[1], high[1]))
    centres = np.c_[x.ravel(), y.ravel()]
    hit = Polygon(np.r_[corners, corners[:1]], closed=True).contains_points(centres)
    inside[low[1] : high[1], low[0] : high[0]] = hit.reshape(x.shape)
    return inside
