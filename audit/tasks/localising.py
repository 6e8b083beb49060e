"""Marks against lesions, case by case, by the plan's rule: what was hit, what is false, what was missed.

Sources: Chakraborty & Berbaum, Med Phys 2004;31:2313 (a lesion's highest rated mark is its hit); Lin et al., COCO,
ECCV 2014 (greedy by rating, best overlap among free lesions).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from audit.plan import Localisation
from audit.records import BadInput, BoolArray, FloatArray, IntArray
from audit.tables import LOCALISATIONS
from audit.tasks.spacing import written_numbers

HIT, FALSE, FURTHER, MISSED, UNPROCESSED = "hit", "false", "further", "missed", "unprocessed"
CORNER, EXTENT = ["z", "y", "x"], ["depth", "height", "width"]
NEVER = -math.inf
Spacing = Callable[[str], FloatArray]
"""Case id -> mm per slice, row and column."""


@dataclass(frozen=True, slots=True)
class _Places:
    """Boxes or points of one case: lower corner and extent (n, 3) as z, y, x; their numbers, and ratings or weights."""

    low: FloatArray
    size: FloatArray
    volume: bool
    number: IntArray
    value: FloatArray

    @property
    def centre(self) -> FloatArray:
        return self.low + self.size / 2


NOTHING = _Places(np.zeros((0, 3)), np.zeros((0, 3)), False, np.zeros(0, dtype=np.int64), np.zeros(0))


def localise(
    rule: Localisation, processed: Container[str], lesions: pd.DataFrame, marks: pd.DataFrame, spacing_mm: Spacing
) -> pd.DataFrame:
    """LOCALISATIONS of one version and target, without those two columns, for all cases with a lesion or a mark.

    ``lesions`` and ``marks`` (LESIONS, MARKS) are those of the target and version; cases that were not ``processed``
    have no marks. Marks are taken by falling rating; of equal ratings the better fit, then the smaller and the one
    nearer to the image's corner comes first, whatever the order of the table. ``spacing_mm`` is asked for distances in
    mm only. Raises ``BadInput`` where one side of a case is in 2-D, the other in 3-D.
    """
    of_lesion, of_mark = _by_case(lesions, "lesion", "weight"), _by_case(marks, "mark", "rating")
    rows: list[dict[str, Any]] = []
    for case in sorted({*of_lesion, *of_mark}):
        mine, made = of_lesion.get(case, NOTHING), of_mark.get(case, NOTHING)
        found = _case(rule, case, mine, made, spacing_mm) if case in processed else _lost(mine, UNPROCESSED)
        rows += [{"case_id": case, **row} for row in found]
    columns = [name for name in LOCALISATIONS.columns if name not in ("version", "target")]
    return pd.DataFrame(rows, columns=columns)


def _by_case(frame: pd.DataFrame, number: str, value: str) -> dict[str, _Places]:
    low, size = (frame[names].to_numpy(dtype=np.float64, na_value=np.nan) for names in (CORNER, EXTENT))
    volume, low, size = np.isfinite(low[:, 0]), np.nan_to_num(low), np.nan_to_num(size)
    numbers, values = frame[number].to_numpy(dtype=np.int64), frame[value].to_numpy(dtype=np.float64)
    places = frame.reset_index(drop=True).groupby("case_id", sort=False).indices
    return {
        str(case): _Places(low[at], size[at], bool(volume[at].any()), numbers[at], values[at])
        for case, at in places.items()
    }


def _lost(lesions: _Places, outcome: str) -> list[dict[str, Any]]:
    pairs = zip(lesions.number, lesions.value, strict=True)
    return [{"lesion": lesion, "outcome": outcome, "weight": weight} for lesion, weight in pairs]


def _case(rule: Localisation, case: str, lesions: _Places, marks: _Places, spacing_mm: Spacing) -> list[dict[str, Any]]:
    fit = _fits(rule, case, lesions, marks, spacing_mm)
    lesion, hit = _assigned(fit, _first_to_last(marks, fit))
    further = FURTHER if rule.further_marks == "ignored" else FALSE
    rows: list[dict[str, Any]] = []
    for i, (mark, rating) in enumerate(zip(marks.number, marks.value, strict=True)):
        row = {"mark": mark, "rating": rating, "outcome": FALSE}
        if lesion[i] >= 0:
            row |= {"lesion": lesions.number[lesion[i]], "outcome": further}
        if hit[i]:
            row |= {"outcome": HIT, "weight": lesions.value[lesion[i]]}
        rows.append(row)
    missed = np.setdiff1d(np.arange(lesions.number.size), lesion[hit])
    return rows + [row for j, row in enumerate(_lost(lesions, MISSED)) if j in missed]


def _first_to_last(marks: _Places, fit: FloatArray) -> IntArray:
    best = fit.max(axis=1, initial=NEVER)
    return np.lexsort((*marks.size.T, *marks.low.T, -best, -marks.value))


def _assigned(fit: FloatArray, order: IntArray) -> tuple[IntArray, BoolArray]:
    """Lesion of each mark (-1: beside all) and whether the mark is the lesion's hit; ``fit`` (marks, lesions)."""
    lesion, hit = np.full(len(fit), -1), np.zeros(len(fit), dtype=np.bool_)
    free = np.ones(fit.shape[1], dtype=np.bool_)
    for i in order:
        if not (fit[i] > NEVER).any():
            continue
        among = np.where(free, fit[i], NEVER)
        hit[i] = among.max() > NEVER
        lesion[i] = int(np.argmax(among if hit[i] else fit[i]))
        free[lesion[i]] = False
    return lesion, hit


def _fits(rule: Localisation, case: str, lesions: _Places, marks: _Places, spacing_mm: Spacing) -> FloatArray:
    """How well each mark fits each lesion (marks, lesions), higher is better; ``NEVER`` where it is not on it."""
    if not lesions.number.size or not marks.number.size:
        return np.full((marks.number.size, lesions.number.size), NEVER)
    if lesions.volume != marks.volume:
        raise BadInput(
            f"case {case}: marks and lesions must both be in pixels of an image (x, y) or of a volume (x, y, z); one "
            "side has z, the other has not."
        )
    if rule.rule == "iou":
        overlap = iou(marks.low, marks.size, lesions.low, lesions.size)
        return np.where(overlap >= (rule.at_least or 0.0), overlap, NEVER)
    step = marks.centre[:, None] - lesions.centre[None]
    if rule.rule == "centre_inside":
        inside = (np.abs(step) <= lesions.size[None] / 2).all(axis=2)
        return np.where(inside, -np.linalg.norm(step, axis=2), NEVER)
    distance = np.linalg.norm(step * (spacing_mm(case) if rule.unit == "mm" else 1.0), axis=2)
    return np.where(distance <= (rule.within or 0.0), -distance, NEVER)


def iou(low: FloatArray, size: FloatArray, other: FloatArray, extent: FloatArray) -> FloatArray:
    """Intersection over union of boxes (m, axes) and (n, axes) given by lower corner and extent: (m, n).

    An axis on which both boxes have no extent (the slices of a 2-D image) does not count; 0 for boxes that meet in no
    more than an edge.
    """
    begin = np.maximum(low[:, None], other[None])
    end = np.minimum((low + size)[:, None], (other + extent)[None])
    flat = (size[:, None] == 0) & (extent[None] == 0)
    shared = np.where(flat, 1.0, np.clip(end - begin, 0.0, None)).prod(axis=2)
    mine, theirs = (np.where(flat, 1.0, sides).prod(axis=2) for sides in (size[:, None], extent[None]))
    union = mine + theirs - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))


def spacing_zyx(spacing: Any, slice_thickness: Any) -> FloatArray:
    """mm per slice, row and column from the manifest's ``spacing_mm`` ('0.7', '0.7 x 0.7', '3 x 0.7 x 0.7').

    The slice distance of an in-plane spacing is ``slice_thickness``, 1 where there is none (a 2-D image). Raises
    ``BadInput`` for what is no spacing.
    """
    sides = written_numbers(spacing)
    sides = sides * 2 if len(sides) == 1 else sides
    if len(sides) == 2:
        sides = [1.0 if pd.isna(slice_thickness) else float(slice_thickness), *sides]
    if len(sides) != 3 or not all(math.isfinite(side) and side > 0 for side in sides):
        raise BadInput(f"spacing_mm '{spacing}' is no spacing; give mm as '0.7', '0.7 x 0.7' or '3 x 0.7 x 0.7'.")
    return np.array(sides)
