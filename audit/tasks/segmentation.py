"""Segmentation: predicted and reference mask of one structure on one grid."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.records import BadInput, BoolArray
from audit.tasks.task import Readings, Task

DEFAULT_THRESHOLD = 0.5
_SPACING = ("spacing_mm", "slice_thickness_mm")


def observe(readings: Readings) -> pd.DataFrame:
    """Dice, volumes (mL), reference (mask not empty) and decision (predicted mask not empty) of each case.

    Dice = 2|A∩B| / (|A| + |B|), missing where both masks are empty or either is missing (Dice, Ecology 1945;26:297).
    A probability map is cut at the operating point (0.5 where the plan has none). Volumes need the manifest's
    ``spacing_mm`` and, for a single slice, ``slice_thickness_mm``. Raises ``BadInput`` where the grids differ.
    """
    point = readings.operating_point
    threshold = point.threshold if point else DEFAULT_THRESHOLD
    rows = [_case(readings, row, threshold) for _, row in readings.rows.iterrows()]
    return pd.DataFrame(rows, index=readings.rows.index, dtype=np.float64)


def _case(readings: Readings, row: pd.Series, threshold: float) -> dict[str, float]:
    predicted = _predicted(readings, row, threshold)
    reference = _reference(readings, row)
    if predicted is not None and reference is not None and predicted.shape != reference.shape:
        raise BadInput(
            f"target '{readings.target}', case {row['case_id']}: the predicted mask has {_size(predicted)} pixels, the "
            f"reference mask {_size(reference)}; both must lie on the image's grid."
        )
    voxel = [
        voxel_ml(row.get(_SPACING[0]), row.get(_SPACING[1]), m.ndim) for m in (predicted, reference) if m is not None
    ]
    ml = voxel[0] if voxel else math.nan
    return {
        "reference": _any(reference),
        "decision": _any(predicted),
        "dice": math.nan if predicted is None or reference is None else dice(predicted, reference),
        "volume_predicted_ml": math.nan if predicted is None else float(predicted.sum()) * ml,
        "volume_reference_ml": math.nan if reference is None else float(reference.sum()) * ml,
    }


def dice(predicted: BoolArray, reference: BoolArray) -> float:
    """Dice overlap of two masks of one shape; NaN where both are empty."""
    total = int(predicted.sum()) + int(reference.sum())
    return 2.0 * int((predicted & reference).sum()) / total if total else math.nan


def voxel_ml(spacing: Any, slice_thickness: Any, axes: int) -> float:
    """Volume of one voxel in mL; NaN where the spacing of an axis is not known.

    ``spacing`` in mm: one number for square pixels, or one per axis as '0.9 x 0.9', slices first for a volume; for a
    single slice, and a volume with in-plane spacing only, ``slice_thickness`` (mm) is the missing side.
    """
    sides = _sides(spacing)
    if len(sides) == 1:
        sides *= 2
    if len(sides) == 2:
        sides = [*_sides(slice_thickness)[:1], *sides]
    if len(sides) != 3 or axes not in (2, 3) or any(not math.isfinite(s) or s <= 0 for s in sides):
        return math.nan
    return math.prod(sides) / 1000.0


def _sides(value: Any) -> list[float]:
    if value is None or value is pd.NA:
        return []
    try:
        return [float(part) for part in re.split(r"[x×;,\\\s]+", str(value).strip(" []()")) if part]
    except ValueError:
        return []


def _predicted(readings: Readings, row: pd.Series, threshold: float) -> BoolArray | None:
    if pd.isna(row["artifact"]) or pd.notna(row["error"]):
        return None
    return binary(readings.load_mask(str(row["artifact"])), threshold, f"case {row['case_id']}")


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


def _any(mask: BoolArray | None) -> float:
    return math.nan if mask is None else float(mask.any())


def _size(mask: BoolArray) -> str:
    return " x ".join(map(str, mask.shape))


ENTRY = Task(
    name="segmentation",
    measures=("dice",),
    needs=("mask", "reference mask"),
    observe=observe,
    output="volume_predicted_ml",
)
