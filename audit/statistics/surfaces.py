"""Overlap and surface distances of two masks, each definition under its own name.

Surface voxels are the mask minus its erosion with face connectivity; outside the image counts as background.
Distances run between centres of surface voxels in millimetres. Sources: Maier-Hein et al., Nat Methods 2024;21:195.
Nikolov et al., J Med Internet Res 2021;23:e26151 (surface Dice weighted by area). Taha & Hanbury, BMC Med Imaging
2015;15:29.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from audit.records import BadInput, BoolArray, FloatArray, Undefined

BOTH_EMPTY = Undefined("reference and prediction are both empty")


@dataclass(frozen=True, slots=True)
class SurfaceDistances:
    """Distance (mm) of each surface voxel of one mask to the nearest surface voxel of the other."""

    from_reference: FloatArray
    from_prediction: FloatArray

    @property
    def pooled(self) -> FloatArray:
        return np.concatenate([self.from_reference, self.from_prediction])

    def within(self, tolerance_mm: float) -> float:
        """Share of the surface voxels of both masks no farther than ``tolerance_mm`` from the other surface."""
        return float((self.pooled <= tolerance_mm).mean())

    @property
    def hausdorff(self) -> float:
        return float(self.pooled.max())

    @property
    def hd95_max_of_directed(self) -> float:
        """Larger of the two directed 95th percentiles (MONAI, MetricsReloaded)."""
        return float(max(np.percentile(self.from_reference, 95), np.percentile(self.from_prediction, 95)))

    @property
    def hd95_pooled(self) -> float:
        """95th percentile of both directed sets together (MedPy)."""
        return float(np.percentile(self.pooled, 95))

    @property
    def assd_pooled(self) -> float:
        """Mean over all surface voxels of both masks."""
        return float(self.pooled.mean())

    @property
    def masd(self) -> float:
        """Mean of the two directed means."""
        return float((self.from_reference.mean() + self.from_prediction.mean()) / 2)


def masks(reference: ArrayLike, prediction: ArrayLike) -> tuple[BoolArray, BoolArray]:
    """Both masks as bool arrays of the same shape; anything but 0 and 1 raises ``BadInput``."""
    pair = np.asarray(reference), np.asarray(prediction)
    if pair[0].shape != pair[1].shape:
        raise BadInput(f"masks differ in shape: reference {pair[0].shape}, prediction {pair[1].shape}.")
    for name, mask in zip(("reference", "prediction"), pair, strict=True):
        if mask.dtype != np.bool_ and not np.isin(mask, (0, 1)).all():
            raise BadInput(f"the {name} mask must hold only 0 and 1; choose one label first.")
    return pair[0].astype(np.bool_), pair[1].astype(np.bool_)


def dice(reference: ArrayLike, prediction: ArrayLike) -> float | Undefined:
    """Twice the overlap over the sum of sizes; 0 when one mask is empty, undefined when both are."""
    first, second = masks(reference, prediction)
    total = int(first.sum()) + int(second.sum())
    return 2 * int((first & second).sum()) / total if total else BOTH_EMPTY


def iou(reference: ArrayLike, prediction: ArrayLike) -> float | Undefined:
    """Intersection over union; 0 when one mask is empty, undefined when both are."""
    first, second = masks(reference, prediction)
    union = int((first | second).sum())
    return int((first & second).sum()) / union if union else BOTH_EMPTY


def volume(mask: ArrayLike, spacing_mm: tuple[float, ...]) -> float:
    """Voxels times voxel size: mm^3 in three dimensions, mm^2 in two."""
    array = np.asarray(mask, dtype=np.bool_)
    return float(array.sum() * np.prod(_spacing(array, spacing_mm)))


def relative_volume_difference(reference: ArrayLike, prediction: ArrayLike) -> float | Undefined:
    """(Prediction - reference) / reference, in voxels; undefined when the reference is empty."""
    first, second = masks(reference, prediction)
    size = int(first.sum())
    return (int(second.sum()) - size) / size if size else Undefined("the reference is empty")


def agreement_on_absence(reference: ArrayLike, prediction: ArrayLike) -> bool:
    """Whether both masks are empty: counted apart, never averaged into Dice."""
    first, second = masks(reference, prediction)
    return not first.any() and not second.any()


def surface(mask: ArrayLike) -> BoolArray:
    """Surface voxels of a mask."""
    array = np.asarray(mask, dtype=np.bool_)
    return np.asarray(array & ~ndimage.binary_erosion(array))


def surface_distances(
    reference: ArrayLike, prediction: ArrayLike, spacing_mm: tuple[float, ...]
) -> SurfaceDistances | Undefined:
    """Both directed sets of surface distances; ``spacing_mm`` in array axis order. Undefined when a mask is empty."""
    first, second = masks(reference, prediction)
    spacing = _spacing(first, spacing_mm)
    empty = _empty(first, second)
    if empty is not None:
        return empty
    first, second = cropped(first, second)
    surfaces = surface(first), surface(second)
    to_first, to_second = (ndimage.distance_transform_edt(~one, sampling=spacing) for one in surfaces)
    return SurfaceDistances(to_second[surfaces[0]], to_first[surfaces[1]])


def surface_dice_voxels(
    reference: ArrayLike, prediction: ArrayLike, spacing_mm: tuple[float, ...], tolerance_mm: float
) -> float | Undefined:
    """Share of surface voxels of both masks within ``tolerance_mm`` of the other surface (MONAI, MetricsReloaded).

    0 when one mask is empty, undefined when both are.
    """
    if agreement_on_absence(reference, prediction):
        return BOTH_EMPTY
    found = surface_distances(reference, prediction, spacing_mm)
    return 0.0 if isinstance(found, Undefined) else found.within(tolerance_mm)


def surface_dice_area(
    reference: ArrayLike, prediction: ArrayLike, spacing_mm: tuple[float, ...], tolerance_mm: float
) -> float | Undefined:
    """Share of surface area within ``tolerance_mm`` (surface elements between voxels, as in DeepMind's and MONAI's).

    Two or three dimensions. 0 when one mask is empty, undefined when both are.
    """
    first, second = masks(reference, prediction)
    spacing = _spacing(first, spacing_mm)
    if not first.any() and not second.any():
        return BOTH_EMPTY
    if not first.any() or not second.any():
        return 0.0
    from monai.metrics.utils import get_edge_surface_distance  # needs torch, wanted by this definition only
    from monai.utils.type_conversion import convert_to_tensor

    padded = [convert_to_tensor(np.pad(mask, 1)) for mask in cropped(second, first)]
    edges, distances, areas = get_edge_surface_distance(
        padded[0], padded[1], spacing=list(spacing), use_subvoxels=True, symmetric=True
    )
    weights = np.concatenate([area[edge].double().numpy() for area, edge in zip(areas, edges, strict=True)])
    within = np.concatenate([distance.double().numpy() <= tolerance_mm for distance in distances])
    return float(weights[within].sum() / weights.sum())


def _empty(first: BoolArray, second: BoolArray) -> Undefined | None:
    if not first.any() and not second.any():
        return BOTH_EMPTY
    if not first.any():
        return Undefined("the reference is empty, no surface to measure from")
    return None if second.any() else Undefined("the prediction is empty, no surface to measure from")


def cropped(first: BoolArray, second: BoolArray) -> tuple[BoolArray, BoolArray]:
    """Both masks within the smallest box that holds them; views. Nothing that these functions measure changes, for
    whatever was cut away is background on both sides. Two empty masks give arrays without a voxel."""
    boxes = [_box(mask) for mask in (first, second)]
    both = tuple(
        slice(min(a.start, b.start), max(a.stop, b.stop)) if a and b else (a or b or slice(0))
        for a, b in zip(*boxes, strict=True)
    )
    return first[both], second[both]


def _box(mask: BoolArray) -> list[slice | None]:
    """Extent of the mask along each axis, None where it is empty; later axes are searched within the extents found."""
    found: list[slice | None] = []
    part = mask
    for axis in range(mask.ndim):
        inside = np.flatnonzero(part.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
        if not inside.size:
            return [None] * mask.ndim
        found.append(slice(int(inside[0]), int(inside[-1]) + 1))
        part = part[(slice(None),) * axis + (found[-1],)]
    return found


def _spacing(mask: NDArray[np.bool_], spacing_mm: tuple[float, ...]) -> FloatArray:
    spacing = np.asarray(spacing_mm, dtype=np.float64)
    if spacing.shape != (mask.ndim,) or not (spacing > 0).all():
        raise BadInput(f"a {mask.ndim}-dimensional mask needs {mask.ndim} positive spacings, got {spacing_mm}.")
    return spacing
