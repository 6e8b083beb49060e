"""Spacing and voxel volume from the manifest's columns."""

from __future__ import annotations

import math
import re
from typing import Any

import pandas as pd

SPACING, THICKNESS = "spacing_mm", "slice_thickness_mm"


def mask_spacing(spacing: Any, slice_thickness: Any, axes: int) -> tuple[float, ...] | None:
    """Millimetres between voxels along each array axis, None where an axis is not known.

    ``spacing``: one number for square pixels, or one per axis as '0.9 x 0.9', slices first for a volume; of a volume
    with in-plane spacing only, ``slice_thickness`` (mm) is the first.
    """
    sides = written_numbers(spacing)
    if len(sides) == 1:
        sides *= 2
    if len(sides) == 2 and axes == 3:
        sides = [*written_numbers(slice_thickness)[:1], *sides]
    return tuple(sides[-axes:]) if len(sides) in (axes, 3) and _positive(sides) and axes in (2, 3) else None


def voxel_ml(spacing_mm: tuple[float, ...] | None, spacing: Any, slice_thickness: Any) -> float:
    """Volume of one voxel in mL; NaN where a side is not known.

    A single slice takes its third side from the manifest: the first of three numbers in ``spacing``, or
    ``slice_thickness`` (mm).
    """
    sides = list(spacing_mm or ())
    if len(sides) == 2:
        written = written_numbers(spacing)
        sides = [*(written if len(written) == 3 else written_numbers(slice_thickness))[:1], *sides]
    return math.prod(sides) / 1000.0 if len(sides) == 3 and _positive(sides) else math.nan


def _positive(sides: list[float]) -> bool:
    return all(math.isfinite(side) and side > 0 for side in sides)


def written_numbers(value: Any) -> list[float]:
    """The numbers of a spacing as people write it ('0.9 x 0.9', '[3, 0.7, 0.7]'); none where it is no spacing."""
    if value is None or value is pd.NA:
        return []
    try:
        return [float(part) for part in re.split(r"[x×;,\\\s]+", str(value).strip(" []()")) if part]
    except ValueError:
        return []
