"""Segmentation: predicted and reference mask of one structure on one grid, in two or three dimensions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.grids import Grid
from audit.plan import Lesions, Target
from audit.records import BadInput, BoolArray, Undefined
from audit.statistics.lesions import any_overlap, match_lesions
from audit.statistics.surfaces import cropped, dice, iou, surface_distances
from audit.tasks.spacing import SPACING, THICKNESS, mask_spacing, voxel_ml
from audit.tasks.task import Readings, Task

DEFAULT_THRESHOLD = 0.5
Values = dict[str, float]


def observe(readings: Readings) -> pd.DataFrame:
    """Overlap, surface distances (mm), lesions, volumes (mL), reference and decision (mask not empty) of each case.

    Overlap of one empty mask with another that is not is 0; two empty masks have none. Distances need both masks. What
    a case lacks is missing, and so is all that compares two masks on different grids. A probability map is cut at the
    operating point (0.5 where the plan has none). Spacing is that of the mask's own file, else the manifest's
    ``spacing_mm``; the volume of a single slice needs ``slice_thickness_mm``. Raises ``BadInput`` where masks differ
    in shape although no grid is recorded.
    """
    point = readings.operating_point
    threshold = point.threshold if point else DEFAULT_THRESHOLD
    rows = [_case(readings, row, threshold) for _, row in readings.rows.iterrows()]
    return pd.DataFrame(rows, index=readings.rows.index, dtype=np.float64)


def _case(readings: Readings, row: pd.Series, threshold: float) -> Values:
    predicted = _predicted(readings, row, threshold)
    reference = _reference(readings, row)
    compared: Values = {}
    if predicted is not None and reference is not None:
        _refuse_shapes(readings.target, row, predicted, reference)
        predicted, reference = cropped(predicted, reference)
        compared = _compared(predicted, reference, readings.facts, _spacing(row, predicted.ndim))
    elif reference is not None and readings.facts.lesions:
        compared = {"lesions_reference": _lesions(reference, np.zeros_like(reference), readings.facts.lesions)[0]}
    return {**_alone(row, "decision", "volume_predicted_ml", predicted),
            **_alone(row, "reference", "volume_reference_ml", reference), **compared}  # fmt: skip


def _alone(row: pd.Series, present: str, volume: str, mask: BoolArray | None) -> Values:
    """Whether a mask holds the structure, and how much of it."""
    if mask is None:
        return {present: math.nan, volume: math.nan}
    ml = voxel_ml(_spacing(row, mask.ndim), row.get(SPACING), row.get(THICKNESS))
    voxels = int(np.count_nonzero(mask))
    return {present: float(voxels > 0), volume: voxels * ml}


def _compared(
    predicted: BoolArray, reference: BoolArray, facts: Target, spacing_mm: tuple[float, ...] | None
) -> Values:
    found = {"dice": _number(dice(reference, predicted)), "iou": _number(iou(reference, predicted))}
    if spacing_mm is not None:
        found |= _surfaces(predicted, reference, spacing_mm, facts.surface_tolerance_mm)
    if facts.lesions is not None:
        names = ("lesions_reference", "lesions_found", "lesions_false", "lesion_iou")
        found |= dict(zip(names, _lesions(reference, predicted, facts.lesions), strict=True))
    return found


def _surfaces(
    predicted: BoolArray, reference: BoolArray, spacing_mm: tuple[float, ...], tolerance_mm: float | None
) -> Values:
    """Surface distances; where only one mask is empty no surface lies within any tolerance of another."""
    found = surface_distances(reference, predicted, spacing_mm)
    if isinstance(found, Undefined):
        lost = tolerance_mm is not None and bool(predicted.any() or reference.any())
        return {"surface_within": 0.0} if lost else {}
    within = math.nan if tolerance_mm is None else found.within(tolerance_mm)
    return {"surface_within": within, "hd95_mm": found.hd95_max_of_directed, "assd_mm": found.assd_pooled}


def _lesions(reference: BoolArray, predicted: BoolArray, rule: Lesions) -> tuple[float, float, float, float]:
    """Lesions of the reference, found ones among them, predicted ones that match none, sum of IoU of the matches."""
    if rule.match == "any_overlap":
        touched = any_overlap(reference, predicted, rule.connectivity)
        found, false = touched.reference_detected, touched.false_positive_predictions
        return touched.n_reference, found, false, math.nan
    assert rule.iou is not None
    pairs = match_lesions(reference, predicted, rule.iou, rule.connectivity)
    return pairs.n_reference, pairs.tp, pairs.fp, float(pairs.ious.sum())


def _number(value: float | Undefined) -> float:
    return math.nan if isinstance(value, Undefined) else value


def _spacing(row: pd.Series, axes: int) -> tuple[float, ...] | None:
    for name in ("grid", "reference_grid"):
        if pd.notna(row[name]) and Grid.of_text(str(row[name])).spacing_mm:
            return Grid.of_text(str(row[name])).spacing_mm
    return mask_spacing(row.get(SPACING), row.get(THICKNESS), axes)


def _refuse_shapes(target: str, row: pd.Series, predicted: BoolArray, reference: BoolArray) -> None:
    if predicted.shape != reference.shape:
        raise BadInput(
            f"target '{target}', case {row['case_id']}: the predicted mask has {_size(predicted)} pixels, the "
            f"reference mask {_size(reference)}; both must lie on the image's grid."
        )


def _predicted(readings: Readings, row: pd.Series, threshold: float) -> BoolArray | None:
    if pd.isna(row["artifact"]) or pd.notna(row["error"]) or _other_grid(readings, row):
        return None
    return binary(readings.load_mask(str(row["artifact"])), threshold, f"case {row['case_id']}")


def _other_grid(readings: Readings, row: pd.Series) -> bool:
    if pd.isna(row["grid"]) or pd.isna(row["reference_grid"]):
        return False
    grid, reference = Grid.of_text(str(row["grid"])), Grid.of_text(str(row["reference_grid"]))
    return grid.mismatch(reference, readings.facts.grid_tolerance_mm) is not None


def binary(mask: NDArray[Any], threshold: float, where: str) -> BoolArray:
    """Bool masks as they are, float probabilities (0 to 1) at or above ``threshold``; whole numbers are refused,
    for 1 may mean inside or one 255th."""
    if mask.dtype == np.bool_:
        return mask
    if not np.issubdtype(mask.dtype, np.floating):
        raise BadInput(f"{where}: the predicted mask holds {mask.dtype}; expected a bool mask or probabilities.")
    if not np.isfinite(mask).all() or mask.min(initial=0.0) < 0 or mask.max(initial=0.0) > 1:
        raise BadInput(f"{where}: the predicted mask holds values outside 0 to 1; expected probabilities.")
    return np.asarray(mask >= threshold)


def _reference(readings: Readings, row: pd.Series) -> BoolArray | None:
    return None if pd.isna(row["reference_artifact"]) else readings.load_reference_mask(str(row["case_id"]))


def _size(mask: BoolArray) -> str:
    return " x ".join(map(str, mask.shape))


ENTRY = Task(
    name="segmentation",
    measures=(
        "dice",
        "iou",
        "normalised_surface_distance",
        "hd95",
        "assd",
        "volume_difference",
        "absolute_volume_error",
        "relative_volume_difference",
        "lesion_sensitivity",
        "pooled_lesion_sensitivity",
        "lesion_f1",
        "panoptic_quality",
    ),
    needs=("mask", "reference mask"),
    observe=observe,
    output="volume_predicted_ml",
)
