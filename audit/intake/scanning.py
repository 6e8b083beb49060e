"""One file -> what intake keeps of it: kind, digests, attributes, geometry, looks. Never a pixel array, never a name.

Runs in worker processes. Whatever happens to one file stays with that file: the answer is always a record.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.cases.arrays import as_pixels
from audit.cases.dicom_record import DicomRecord, dicom_record, little_endian
from audit.cases.images import decode, read_checked
from audit.grids import Grid
from audit.intake.lettering import lines_of_text
from audit.intake.looks import looks_of, middle
from audit.intake.pseudonyms import pseudonym
from audit.intake.sniffing import HEAD_BYTES, kind_of
from audit.records import BadInput, Image, Pixels

NOISE = 0.3  # correlation of neighbouring rows below which a picture is noise and holds no writing
REFERENCES = {
    "1.2.840.10008.5.1.4.1.1.66.4": "SEG",
    "1.2.840.10008.5.1.4.1.1.66.7": "SEG",
    "1.2.840.10008.5.1.4.1.1.481.3": "RTSTRUCT",
}
DIRECTORY = "1.2.840.10008.1.3.10"
NO_PIXELS = "no pixel data: usable as a header only."


@dataclass
class FileRecord:
    """``fate``: image, reference (SEG, RTSTRUCT), header only, other, or refused; ``reason`` for the last three."""

    path: str
    bytes: int
    format: str = ""
    fate: str = "refused"
    reason: str = ""
    sha256: str = ""
    pixel_sha256: str = ""
    patient: str = ""
    study: str = ""
    series: str = ""
    instance: str = ""
    frame_of_reference: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    identifying: list[str] = field(default_factory=list)
    planes: list[Any] = field(default_factory=list)
    split: list[str] = field(default_factory=list)
    shape: list[int] = field(default_factory=list)
    spacing_mm: list[float] = field(default_factory=list)
    grid: str = ""
    frames: str = ""
    looks: dict[str, Any] = field(default_factory=dict)
    lettering: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return dict(vars(self))


def scan(root: Path, name: str, size: int, key: bytes) -> FileRecord:
    """The record of one file below ``root``; damage, hostility and lack of memory are reasons in it."""
    record = FileRecord(name, size)
    try:
        _scan(record, root / name, key)
    except BadInput as error:
        record.reason = str(error).removeprefix(f"{name}: ")
    except MemoryError:
        record.reason = "reading it needs more memory than a worker may use."
    except Exception as error:  # a decoder may break in ways nobody has seen
        record.reason = f"reading it failed ({type(error).__name__}); the file is damaged."
    return record


def _scan(record: FileRecord, path: Path, key: bytes) -> None:
    with path.open("rb") as stream:
        kind = kind_of(record.path, stream.read(HEAD_BYTES))
    record.format = kind.format
    if kind.format == "other":
        record.fate, record.reason = "other", kind.problem or "not an image."
        return
    data = read_checked(path, None)
    record.sha256 = hashlib.sha256(data).hexdigest()
    if kind.problem:
        raise BadInput(kind.problem)
    if kind.format == "DICOM":
        _scan_dicom(record, dicom_record(data, record.path), key)
    else:
        _scan_plain(record, data, path.name.lower())


def _scan_plain(record: FileRecord, data: bytes, name: str) -> None:
    image = decode(data, name, None, record.path)
    record.attributes = dict(image.header)
    record.spacing_mm = list(image.spacing_mm or ())
    record.pixel_sha256 = hashlib.sha256(little_endian(image.pixels)).hexdigest()
    _see(record, image)


def _scan_dicom(record: FileRecord, found: DicomRecord, key: bytes) -> None:
    names = {"patient": "patient", "study": "study", "series": "series", "object": "instance"}
    for theirs, ours in (*names.items(), ("frame_of_reference", "frame_of_reference")):
        setattr(record, ours, pseudonym(key, theirs, found.keys[theirs]))
    record.attributes = found.attributes | {"transfer_syntax": found.transfer_syntax, "sop_class": found.kind}
    record.identifying = list(found.identifying)
    record.split = list(found.split)
    record.spacing_mm = list(found.spacing_mm or ())
    record.planes = [[*p.position, *p.orientation, *p.spacing_mm] for p in found.planes or ()]
    if found.kind in REFERENCES:
        record.fate = "reference"
        record.attributes["reference_kind"] = REFERENCES[found.kind]
        return
    if not found.has_pixels:
        record.fate, record.reason = "header only", NO_PIXELS
        return
    stored, values = found.pixels(record.path)
    record.pixel_sha256 = hashlib.sha256(little_endian(stored)).hexdigest()
    frames = found.frames(values.shape, record.path)
    record.spacing_mm, record.frames = list(frames.spacing_mm or ()), frames.note
    pixels = as_pixels(frames.placed(values), record.path)
    _see(record, Image(pixels, frames.spacing_mm, {}, frames.origin_mm, frames.directions))


def _see(record: FileRecord, image: Image) -> None:
    record.shape = list(image.pixels.shape)
    record.grid = Grid(image.pixels.shape, image.spacing_mm, image.origin_mm, image.directions).text()
    record.looks = asdict(looks_of(image.pixels))
    record.looks["thumb"] = record.looks["thumb"].hex()
    record.lettering = max(_lines(frame) for frame in _looked_at(image.pixels))
    record.fate = "image"


def _looked_at(pixels: Pixels) -> list[Pixels]:
    return [pixels] if pixels.ndim == 2 else [pixels[0], middle(pixels)]


def _lines(frame: Pixels) -> int:
    return len(lines_of_text(frame)) if _neighbours(frame) >= NOISE else 0


def _neighbours(frame: NDArray[Any]) -> float:
    """Correlation of rows one apart: near 0 for noise, near 1 for pictures of bodies."""
    if frame.shape[0] < 3:
        return 0.0
    one, other = frame[:-1].ravel().astype(np.float64), frame[1:].ravel().astype(np.float64)
    one, other = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / scale if scale > 0 else 0.0
