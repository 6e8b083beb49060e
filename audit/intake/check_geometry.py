"""Distances that no scanner makes, and series that are no volume."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
import yaml

from audit.cases.concerns import Concern, counted
from audit.intake.check import Check, Intake

_SERIES = {
    "a slice is missing": "with a gap",
    "unequally spaced": "with unequally spaced slices",
    "same place": "with two slices at one place",
    "parallel": "with slices that are not parallel or not at right angles",
    "sideways": "taken with a tilted gantry",
}


@cache
def _limits() -> dict[str, Any]:
    text = files("audit.intake").joinpath("plausible.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def find(intake: Intake) -> Iterator[Concern]:
    """Implausible spacing, field of view or slice distance; series left out because they make no volume."""
    reasons = [_implausible(row) for row in _few_columns(intake)]
    for reason in sorted({r for r in reasons if r}):
        where = np.array([r == reason for r in reasons])
        what = (
            f"{counted(int(where.sum()), 'case has', 'cases have')} an implausible {reason}: distances and volumes "
            "would be wrong."
        )
        yield Concern("major", what, intake.ids(where), "Check the unit and the export of these files.")
    yield from _series(intake)
    yield from _frames(intake)


def _frames(intake: Intake) -> Iterator[Concern]:
    """Multi-frame objects that are no volume."""
    notes = intake.cases.get("frames", pd.Series(pd.NA, index=intake.cases.index)).astype("string").fillna("")
    for note in sorted(set(notes) - {""}):
        rows = intake.ids((notes == note).to_numpy(dtype=bool))
        what = f"{counted(rows, 'multi-frame object', 'multi-frame objects')}: {note}."
        yield Concern("minor", what, rows, "Nothing that needs a volume can be measured on them.")


def _series(intake: Intake) -> Iterator[Concern]:
    flawed = intake.notes.get("series", ())
    for words, what in _SERIES.items():
        rows = tuple(path for path, reason in flawed if words in reason)
        series = {reason for _, reason in flawed if words in reason}
        if rows:
            text = f"{len(series):,} series {what}; left out ({counted(rows, 'file', 'files')}): {sorted(series)[0]}"
            yield Concern("major", text, rows, "Export the whole series again, or leave it out for good.")
    doubled = tuple(path for path, _ in intake.notes.get("doubles", ()))
    if doubled:
        text = f"{counted(doubled, 'file repeats', 'files repeat')} a slice, pixel for pixel; one copy is used."
        yield Concern("minor", text, doubled, "Export each slice once.")


def _few_columns(intake: Intake) -> Iterator[Mapping[str, Any]]:
    """Row by row, only what is looked at: a set may have a hundred thousand rows."""
    names = [n for n in ("modality", "rows", "columns", "spacing_mm") if n in intake.cases]
    for values in zip(*(intake.cases[n] for n in names), strict=True):
        yield dict(zip(names, values, strict=True))


def _implausible(row: Mapping[Any, Any]) -> str:
    sides = spacing(row.get("spacing_mm"))
    if not sides:
        return ""
    limits = _limits()
    low, high = limits["pixel_mm"]
    if not all(low <= s <= high for s in sides[-2:]):
        return f"pixel spacing (outside {low} to {high} mm)"
    if max(sides[-2:]) > limits["longest_to_shortest_side_of_a_pixel"] * min(sides[-2:]):
        return "pixel shape (one side more than 4 times the other)"
    near, far = limits["slice_distance_mm"]
    if len(sides) == 3 and not near <= sides[0] <= far:
        return f"slice distance (outside {near} to {far} mm)"
    return _field_of_view(row, sides, limits)


def _field_of_view(row: Mapping[Any, Any], sides: list[float], limits: dict[str, Any]) -> str:
    bounds = limits["field_of_view_mm"].get(str(row.get("modality")))
    try:
        longest = max(float(row["rows"]) * sides[-2], float(row["columns"]) * sides[-1])
    except (KeyError, TypeError, ValueError):
        return ""
    if bounds and not bounds[0] <= longest <= bounds[1]:
        return f"field of view for {row['modality']} (outside {bounds[0]} to {bounds[1]} mm)"
    return ""


def spacing(text: Any) -> list[float]:
    """Sides in mm of a manifest's cell such as '3 x 0.7 x 0.7'; empty where there are none."""
    try:
        return [float(part) for part in str(text).split(" x ")]
    except ValueError:
        return []


ENTRY = Check(
    "geometry",
    "implausible distances; gaps, doubles and disorder in series",
    find,
    "DICOM PS3.3 C.7.6.2; audit/intake/plausible.yaml",
    "an image without declared spacing is not judged",
)
