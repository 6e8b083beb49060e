"""Records of files -> cases, one row each: a single image, or a volume made of a series.

A case is named by its modality and the digest of its pixels' file, never by a file name. Where a header does not name
the patient, the study stands for the patient, else the file itself; both are said in the report.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audit.cases.volumes import Grid
from audit.intake.stacking import Record, Stack, grid_of_stack
from audit.records import BadInput

VOLUMES = "volumes"
WRITTEN = {  # manifest column <- attribute of the record
    "modality": "modality",
    "manufacturer_as_written": "manufacturer",
    "model": "model",
    "site": "site",
    "sex": "sex",
    "age_as_written": "age",
    "field_strength_as_written": "field_strength_t",
    "view_as_written": "view",
    "laterality": "laterality",
    "body_part": "body_part",
    "slice_thickness_mm": "slice_thickness_mm",
    "photometric": "photometric",
    "transfer_syntax": "transfer_syntax",
    "tube_voltage_kv": "tube_voltage_kv",
    "repetition_time_ms": "repetition_time_ms",
    "echo_time_ms": "echo_time_ms",
    "inversion_time_ms": "inversion_time_ms",
    "rescale_type": "rescale_type",
    "pixel_units": "pixel_units",
    "window_center": "window_center",
    "window_width": "window_width",
    "voi_lut": "voi_lut",
}


@dataclass
class Case:
    """One row to be: ``row`` holds manifest columns, ``members`` the records it is made of, in order of the grid."""

    row: dict[str, Any]
    members: list[Record]
    grid: Grid | None = None
    looks: dict[str, Any] = field(default_factory=dict)

    @property
    def first(self) -> Record:
        return self.members[0]

    @property
    def case_id(self) -> str:
        return str(self.row["case_id"])


@dataclass(frozen=True)
class VolumeTask:
    """A volume to be written: what the worker needs, and the case that it becomes."""

    case: Case
    target: Path
    files: tuple[tuple[str, str], ...]
    affine: tuple[float, ...]


def plan_stack(stack: Stack, folder: Path, as_slices: bool) -> tuple[list[Case], VolumeTask | None, str]:
    """Single-image cases of a stack, or the volume to write, or why there is neither."""
    if len(stack.members) == 1 or as_slices:
        return [single(record) for record in stack.members], None, ""
    try:
        grid = grid_of_stack(stack, f"series {stack.members[0]['series']}")
    except BadInput as error:
        return [], None, str(error)
    members = [stack.members[i] for i in grid.order]
    files = tuple((m["path"], m["sha256"]) for m in members)
    name = f"{_modality(members[0])}-{_short(''.join(digest for _, digest in files))}"
    case = Case(_row(members[0], name, f"{VOLUMES}/{name}.nii", ""), members, grid)
    case.row |= {
        "spacing_mm": " x ".join(f"{v:.6g}" for v in grid.spacing_mm),
        "slices": grid.shape[0],
        "files": len(members),
        "grid": grid.place.text(),
    }
    return [], VolumeTask(case, folder / VOLUMES / f"{name}.nii", files, tuple(grid.affine.ravel())), ""


def single(record: Record) -> Case:
    """The case of one image file."""
    name = f"{_modality(record)}-{record['sha256'][:12]}"
    case = Case(_row(record, name, record["path"], record["sha256"]), [record], looks=record["looks"])
    case.row["pixel_sha256"] = record["pixel_sha256"]
    case.row["dhash"] = record["looks"]["dhash"]
    case.row["grid"], case.row["frames"] = record["grid"], record["frames"]
    return case


def finish_volume(task: VolumeTask, made: dict[str, Any]) -> Case:
    """The case of a written volume."""
    task.case.row |= {"sha256": made["sha256"], "pixel_sha256": made["pixel_sha256"], "dhash": made["looks"]["dhash"]}
    task.case.looks = made["looks"]
    return task.case


def unique(cases: Iterable[Case], times: Callable[[str], int]) -> Iterator[Case]:
    """The same file under two paths gives two cases: the second is named ``...-2``. ``times`` counts how often it was
    asked about a name, this time included."""
    for case in cases:
        name = case.case_id
        number = times(name)
        if number > 1:
            case.row["case_id"] = f"{name}-{number}"
            if case.row["patient_id"] == f"unknown-{name}":
                case.row["patient_id"] = f"unknown-{case.case_id}"
        yield case


def _row(record: Record, name: str, image: str, sha256: str) -> dict[str, Any]:
    attributes, shape = record["attributes"], record["shape"]
    patient = record["patient"] or (f"unknown-{record['study']}" if record["study"] else f"unknown-{name}")
    row: dict[str, Any] = {"case_id": name, "patient_id": patient, "image": image, "sha256": sha256}
    row |= {ours: attributes.get(theirs, "") for ours, theirs in WRITTEN.items()}
    row |= {"rows": shape[-2], "columns": shape[-1], "slices": shape[0] if len(shape) == 3 else "", "files": 1}
    row |= {"spacing_mm": " x ".join(f"{v:.6g}" for v in record["spacing_mm"])}
    row |= {"study": record["study"], "series": record["series"], "source_format": record["format"]}
    return row


def _modality(record: Record) -> str:
    text = str(record["attributes"].get("modality") or record["format"])
    return "".join(c for c in text if c.isalnum()) or "image"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def instances_of(case: Case) -> Sequence[str]:
    """Pseudonyms of the objects that a case is made of."""
    return [member["instance"] for member in case.members]
