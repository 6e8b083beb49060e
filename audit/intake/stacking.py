"""The files of one series -> cases: a volume where the slices make a stack, single images otherwise.

A series may hold several stacks (echoes, b-values, time points, a localiser in three directions): slices are told
apart by direction, size and spacing first, then, where places repeat, by what the header says differs. What cannot be
put in order is refused with the place of the flaw; nothing is stacked by file name or instance number.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from audit.cases.dicom import decode_dicom
from audit.cases.images import read_checked
from audit.cases.limits import check_shape
from audit.cases.planes import Plane
from audit.cases.volumes import MIN_GAP_MM, Grid, compact, grid_of, nifti_bytes, offsets
from audit.intake.looks import looks_of
from audit.records import BadInput

SPLIT_NAMES = ("echo time", "b-value", "time point", "acquisition", "image type")
Record = dict[str, Any]


@dataclass
class Stack:
    """Slices that belong together, ``members`` in no order yet; ``doubles``: files left out because another file has
    the same pixels at the same place; ``flaw``: why they are no volume."""

    members: list[Record]
    doubles: list[Record] = field(default_factory=list)
    flaw: str = ""
    told_apart_by: str = ""


def by_series(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Records in order of series -> the records of each series; files without a series stand alone."""
    for series, found in groupby(records, key=lambda r: r["series"]):
        if series:
            yield list(found)
        else:
            yield from ([record] for record in found)


def stacks_of(series: Sequence[Record]) -> Iterator[Stack]:
    """The stacks and single images that one series holds."""
    slices = [r for r in series if _is_slice(r)]
    yield from (Stack([r]) for r in series if not _is_slice(r))
    groups: dict[tuple[Any, ...], list[Record]] = defaultdict(list)
    for record in slices:
        groups[_directions(record)].append(record)
    for members in groups.values():
        yield from _told_apart(members)


def _is_slice(record: Record) -> bool:
    return len(record["planes"]) == 1 and len(record["shape"]) == 2


def _directions(record: Record) -> tuple[Any, ...]:
    plane = plane_of(record)
    return (
        tuple(record["shape"]),
        tuple(round(v, 2) + 0.0 for v in plane.orientation),
        tuple(round(v, 3) for v in plane.spacing_mm),
    )


def plane_of(record: Record) -> Plane:
    """The plane of a record's only frame."""
    values = record["planes"][0]
    return Plane(tuple(values[:3]), tuple(values[3:9]), (values[9], values[10]))


def _told_apart(members: list[Record]) -> Iterator[Stack]:
    """One stack where no place repeats; else the repeats are explained by a header element, or are doubles."""
    if _places(members) == 1:
        yield from (Stack([record]) for record in members)
        return
    kept, doubles = _without_doubles(members)
    if _places(kept) == len(kept):
        yield Stack(kept, doubles)
        return
    for number, name in enumerate(SPLIT_NAMES):
        parts: dict[str, list[Record]] = defaultdict(list)
        for record in kept:
            parts[record["split"][number]].append(record)
        if len(parts) > 1 and all(_places(part) == len(part) for part in parts.values()):
            yield from (Stack(part, told_apart_by=name) for part in parts.values())
            return
    flaw = "several slices lie at the same place with different pixels, and no header element tells them apart"
    yield Stack(kept, doubles, flaw)


def _without_doubles(members: list[Record]) -> tuple[list[Record], list[Record]]:
    seen: set[tuple[Any, ...]] = set()
    kept: list[Record] = []
    doubles: list[Record] = []
    for record in members:
        key = (record["pixel_sha256"], *record["planes"][0][:3], *record["split"])
        (doubles if key in seen else kept).append(record)
        seen.add(key)
    return kept, doubles


def _places(members: Sequence[Record]) -> int:
    along = np.sort(offsets([plane_of(r) for r in members]))
    return 1 + int(np.sum(np.diff(along) >= MIN_GAP_MM))


def grid_of_stack(stack: Stack, where: str) -> Grid:
    """The stack's voxel grid; raises ``BadInput`` for a stack that is no volume."""
    if stack.flaw:
        raise BadInput(f"{where}: {stack.flaw}.")
    rows, columns = stack.members[0]["shape"]
    check_shape((len(stack.members), rows, columns), where)
    return grid_of([plane_of(r) for r in stack.members], rows, columns, where)


def write_volume(root: Path, target: Path, files: Sequence[tuple[str, str]], affine: Sequence[float]) -> dict[str, Any]:
    """Stacks ``files`` (path, SHA-256; in order) into a NIfTI file at ``target``; returns its digests and looks."""
    try:
        slices = [decode_dicom(read_checked(root / name, digest), name).pixels for name, digest in files]
        voxels = compact(np.stack(slices))
        data = nifti_bytes(voxels, np.asarray(affine).reshape(4, 4))
    except (BadInput, MemoryError) as error:
        return {"target": target.name, "flaw": str(error) or "the volume needs more memory than a worker may use."}
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    part.write_bytes(data)
    part.replace(target)
    looks = asdict(looks_of(np.asarray(voxels, dtype=np.float32)))
    looks["thumb"] = looks["thumb"].hex()
    pixels = hashlib.sha256(np.ascontiguousarray(voxels).astype(voxels.dtype.newbyteorder("<")).tobytes())
    return {
        "target": target.name,
        "sha256": hashlib.sha256(data).hexdigest(),
        "pixel_sha256": pixels.hexdigest(),
        "looks": looks,
    }
