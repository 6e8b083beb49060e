"""References that contradict their image or each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import pandas as pd

from audit.cases.concerns import Concern, counted
from audit.grids import Grid
from audit.intake.check import Check, Intake, MaskFacts

_REMEDY = "Correct the reference or the image at the source; neither is believed over the other here."
TOLERANCE_MM = 1e-4  # of a step or of the origin, as a plan has it unless it says otherwise


def find(intake: Intake) -> Iterator[Concern]:
    """Unreadable masks, masks on another grid, masks against labels, one mask for two images, boxes outside."""
    for column in sorted({mask.column for mask in intake.masks}):
        masks = [mask for mask in intake.masks if mask.column == column]
        yield from _unusable(column, masks)
        yield from _other_grid(intake, column, masks)
        yield from _against_labels(intake, column, masks)
        yield from _shared(intake, column, masks)
    yield from _between(intake)
    yield from _noted(intake)


def _unusable(column: str, masks: list[MaskFacts]) -> Iterator[Concern]:
    for problem in sorted({m.problem for m in masks if m.problem}):
        rows = tuple(m.case_id for m in masks if m.problem == problem)
        yield Concern(
            "major", f"{counted(rows, 'mask', 'masks')} in '{column}' cannot be used: {problem}", rows, _REMEDY
        )


def _other_grid(intake: Intake, column: str, masks: list[MaskFacts]) -> Iterator[Concern]:
    """Masks that are compared with nothing: each is a failed case of its own at the audit, never averaged in."""
    grids = _grids(intake.cases, {mask.case_id for mask in masks if not mask.problem})
    apart: dict[str, list[str]] = {}
    for mask in masks:
        image = grids.get(mask.case_id)
        how = image.mismatch(_grid_of(mask), TOLERANCE_MM) if image and not mask.problem else None
        if how:
            apart.setdefault(how.partition(",")[0] if "voxels against" not in how else "size", []).append(mask.case_id)
    for how, rows in sorted(apart.items()):
        what = f"{counted(rows, 'mask does', 'masks do')} not lie on the grid of the image ('{column}'): {how}."
        yield Concern("major", what, tuple(rows), _REMEDY)


def _grids(cases: pd.DataFrame, wanted: set[str]) -> dict[str, Grid]:
    """Where the voxels of each wanted case lie; a case without an image is left out."""
    if "grid" not in cases:
        return {}
    mine = cases.loc[cases["case_id"].isin(wanted) & cases["grid"].notna(), ["case_id", "grid"]]
    return {str(case): Grid.of_text(str(text)) for case, text in mine.itertuples(index=False)}


def _grid_of(mask: MaskFacts) -> Grid:
    return Grid.of_text(mask.grid) if mask.grid else Grid(tuple(mask.shape), tuple(mask.spacing_mm) or None)


def _between(intake: Intake) -> Iterator[Concern]:
    """Masks of one case that do not lie on one grid: they cannot be compared with each other."""
    by_case: dict[str, list[MaskFacts]] = {}
    for mask in intake.masks:
        if not mask.problem:
            by_case.setdefault(mask.case_id, []).append(mask)
    rows = tuple(
        case
        for case, masks in by_case.items()
        if any(_grid_of(masks[0]).mismatch(_grid_of(m), TOLERANCE_MM) for m in masks[1:])
    )
    if rows:
        verb = counted(rows, "case has", "cases have")
        yield Concern("major", f"{verb} masks that do not lie on one grid.", rows, _REMEDY)


def _against_labels(intake: Intake, column: str, masks: list[MaskFacts]) -> Iterator[Concern]:
    label = _label(intake, column.removesuffix("_mask"))
    if label is None:
        return
    said = dict(zip(map(str, intake.cases["case_id"]), label, strict=True))
    usable = [m for m in masks if not m.problem and said[m.case_id] in (0.0, 1.0)]
    empty = tuple(m.case_id for m in usable if said[m.case_id] == 1.0 and m.voxels == 0)
    drawn = tuple(m.case_id for m in usable if said[m.case_id] == 0.0 and m.voxels > 0)
    if empty:
        yield Concern(
            "major",
            f"{counted(empty, 'case is', 'cases are')} labelled positive, with an empty '{column}'.",
            empty,
            _REMEDY,
        )
    if drawn:
        what = f"{counted(drawn, 'case is', 'cases are')} labelled negative, with something in '{column}'."
        yield Concern("major", what, drawn, _REMEDY)


def _label(intake: Intake, name: str) -> np.ndarray | None:
    """The 0/1 column beside a mask column: its own name, with or without ``_present``, ``_label``."""
    for candidate in (name, f"{name}_present", f"{name}_label", "label"):
        if candidate in intake.cases:
            values = pd.to_numeric(intake.cases[candidate].astype("string"), errors="coerce")
            return values.to_numpy(dtype=np.float64, na_value=np.nan)
    return None


def _shared(intake: Intake, column: str, masks: list[MaskFacts]) -> Iterator[Concern]:
    pixels = dict(zip(map(str, intake.cases["case_id"]), intake.cases["pixel_sha256"], strict=True))
    by_digest: dict[str, list[str]] = {}
    for mask in masks:
        if not mask.problem and mask.voxels:
            by_digest.setdefault(mask.sha256, []).append(mask.case_id)
    rows = [c for ids in by_digest.values() if len(ids) > 1 and len({pixels[i] for i in ids}) > 1 for c in ids]
    if rows:
        what = f"{len(rows):,} cases with different images have the very same mask in '{column}'."
        yield Concern("major", what, tuple(rows), _REMEDY)


def _noted(intake: Intake) -> Iterator[Concern]:
    for kind, one, many in (
        (
            "boxes outside",
            "case has a box that does not lie inside its image.",
            "cases have a box that does not lie inside their image.",
        ),
        ("references refused", "file with a reference cannot be used: {}", "files with a reference cannot be used: {}"),
        (
            "masks missing",
            "case has no {} where the pattern names one.",
            "cases have no {} where the pattern names one.",
        ),
    ):
        found = intake.notes.get(kind, ())
        for about in sorted({about for _, about in found}):
            rows = tuple(dict.fromkeys(name for name, a in found if a == about))
            severity: Literal["major", "minor"] = "minor" if kind == "masks missing" else "major"
            yield Concern(severity, counted(rows, one, many).format(about), rows, _REMEDY)


ENTRY = Check(
    "references",
    "masks and boxes that contradict their image, their label or each other",
    find,
    "Regulation (EU) 2024/1689, Art. 10(3)",
    "whether an outline is right is not judged",
)
