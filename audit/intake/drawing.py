"""Reference objects of a hospital (SEG, RTSTRUCT) -> mask files of the set, on the grids of the cases they refer to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from audit.cases.dicom import stored_of
from audit.cases.images import read_checked
from audit.cases.reference_objects import ReferenceObject, masks_of, read_reference
from audit.cases.volumes import Grid, nifti_bytes
from audit.grids import Grid as Place
from audit.intake.assembling import Case, instances_of
from audit.intake.check import MaskFacts
from audit.intake.pseudonyms import pseudonym
from audit.records import BadInput, BoolArray

MASKS = "masks"


@dataclass(frozen=True)
class Canvas:
    """A case that references may be drawn on: its grid, the objects that it is made of, slice by slice, and its place
    as its own file tells it."""

    case_id: str
    series: str
    instances: tuple[str, ...]
    grid: Grid
    place: Place


def canvas_of(case: Case) -> Canvas:
    """The canvas of a case; of an object that does not say where it lies only the pixels are known."""
    shape = tuple(case.first["shape"])
    stack = (1, *shape) if len(shape) == 2 else shape
    place = Place.of_text(str(case.row["grid"]))
    grid = case.grid
    if grid is None and place.directions is not None:
        grid = _grid_of(place, stack)
    elif grid is None:
        grid = Grid(tuple(range(stack[0])), stack, (1.0, 1.0, 1.0), np.eye(4))
    instances = list(instances_of(case))
    repeated = instances if case.grid is not None else instances * stack[0]
    return Canvas(case.case_id, case.first["series"], tuple(repeated), grid, place)


def _grid_of(place: Place, stack: tuple[int, ...]) -> Grid:
    """The voxel grid of an object's ordered frames; a single frame counts as 1 mm thick."""
    steps, row_and_column = np.asarray(place.steps), np.asarray(place.directions)[-2:]
    across = steps[0] if len(steps) == 3 else np.cross(row_and_column[1], row_and_column[0])
    affine = np.eye(4)
    affine[:3, :3] = np.c_[steps[-1], steps[-2], across]
    affine[:3, 3] = place.origin_mm
    spacing = (float(np.linalg.norm(across)), *(place.spacing_mm or (1.0, 1.0))[-2:])
    return Grid(tuple(range(stack[0])), (stack[0], stack[1], stack[2]), spacing, affine)  # type: ignore[arg-type]


def refers_to(root: Path, path: str, key: bytes) -> dict[str, Any]:
    """Pseudonyms of the series and objects that a reference object names; runs in a worker."""
    try:
        found = read_reference(read_checked(root / path, None), path)
    except BadInput as error:
        return {"path": path, "problem": _plain(error, path)}
    return {
        "path": path,
        "series": [pseudonym(key, "series", s) for s in found.series],
        "instances": sorted(pseudonym(key, "object", i) for i in found.instances),
    }


def draw(root: Path, out: Path, path: str, key: bytes, canvases: Sequence[Canvas]) -> dict[str, Any]:
    """Writes the masks of one reference object for the cases that it refers to; runs in a worker."""
    made: list[dict[str, Any]] = []
    try:
        found = read_reference(read_checked(root / path, None), path)
        if not canvases and "SegmentSequence" in found.dataset:
            stored_of(found.dataset, path)
        raw = {pseudonym(key, "object", uid): uid for uid in found.instances}
        for canvas in canvases:
            made += _draw_on(found, canvas, raw, out, path)
    except BadInput as error:
        return {"path": path, "masks": [], "problem": _plain(error, path)}
    except Exception as error:
        return {"path": path, "masks": [], "problem": f"it cannot be read ({type(error).__name__})."}
    return {"path": path, "masks": made, "problem": "" if canvases else "it refers to no image that was taken in."}


def _draw_on(found: ReferenceObject, canvas: Canvas, raw: dict[str, str], out: Path, path: str) -> list[dict[str, Any]]:
    instances = [raw.get(i, i) for i in canvas.instances]
    masks: dict[str, BoolArray] = {}
    for name, mask in masks_of(found, canvas.grid, instances, path):
        masks[name] = masks[name] | mask if name in masks else mask
    return [_written(mask, name, canvas, out) for name, mask in masks.items()]


def _written(mask: BoolArray, name: str, canvas: Canvas, out: Path) -> dict[str, Any]:
    known = canvas.place.directions is not None
    data = nifti_bytes(mask.astype(np.uint8), canvas.grid.affine if known else None, canvas.place.spacing_mm)
    file = f"{MASKS}/{canvas.case_id}_{name}.nii"
    target = out / file
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    shape = mask.shape if mask.shape[0] > 1 else mask.shape[1:]
    digest = hashlib.sha256(data).hexdigest()
    facts = MaskFacts(canvas.case_id, f"{name}_mask", digest, shape, (), int(mask.sum()), grid=canvas.place.text())
    return asdict(facts) | {"path": file}


def _plain(error: BadInput, path: str) -> str:
    return str(error).removeprefix(f"{path}: ")
