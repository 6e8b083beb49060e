"""What intake needs of one DICOM file beyond its pixels: names of things as the header writes them.

The identifiers among them (patient, study, series, object) are for grouping only: whoever calls this replaces them by
keyed digests before anything is stored.
"""

from __future__ import annotations

import contextlib
import datetime
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray

from audit.cases.dicom import modality_values, read_dataset, stored_of
from audit.cases.frames import Frames, frames_of
from audit.cases.headers import header_facts, spacing_of, value_of
from audit.cases.identifiers import identifying_elements
from audit.cases.planes import Plane, planes_of
from audit.records import BadInput

_TEXT = {
    "site": "InstitutionName",
    "body_part": "BodyPartExamined",
    "laterality": "ImageLaterality",
    "station_software": "SoftwareVersions",
    "series_type": "ImageType",
    "patient_orientation": "PatientOrientation",
    "burned_in_annotation": "BurnedInAnnotation",
    "pixel_units": "Units",
    "rescale_type": "RescaleType",
}
_FIRST_NUMBER = {"window_center": "WindowCenter", "window_width": "WindowWidth"}
_KEYS = {
    "patient": ("IssuerOfPatientID", "PatientID"),
    "study": ("StudyInstanceUID",),
    "series": ("SeriesInstanceUID",),
    "object": ("SOPInstanceUID",),
    "frame_of_reference": ("FrameOfReferenceUID",),
}
_SPLIT = ("EchoTime", "DiffusionBValue", "TemporalPositionIdentifier", "AcquisitionNumber", "ImageType")
_DAYS_PER_YEAR = 365.25


@dataclass(frozen=True)
class DicomRecord:
    """One file: attributes as written, keys (identifiers, to be replaced), elements that identify, geometry."""

    attributes: dict[str, str | float]
    keys: dict[str, str]
    identifying: tuple[str, ...]
    planes: list[Plane] | None
    spacing_mm: tuple[float, ...] | None
    split: tuple[str, ...]
    kind: str
    transfer_syntax: str
    dataset: pydicom.Dataset = field(repr=False)

    @property
    def has_pixels(self) -> bool:
        """Whether the object holds an image at all, be it readable or not."""
        return any(name in self.dataset for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"))

    def pixels(self, where: str) -> tuple[NDArray[Any], NDArray[Any]]:
        """Stored values and values on the modality's scale; raises ``BadInput`` where they cannot be had."""
        try:
            stored = stored_of(self.dataset, where)
            return stored, modality_values(self.dataset, stored)
        except BadInput:
            raise
        except Exception as error:
            raise BadInput(f"{where}: the DICOM file is damaged ({type(error).__name__}); export it again.") from error

    def frames(self, shape: tuple[int, ...], where: str) -> Frames:
        """How its frames lie; raises ``BadInput`` for a flawed stack. Geometry that cannot be converted is none."""
        try:
            return frames_of(self.dataset, shape, where)
        except BadInput:
            raise
        except Exception:
            return Frames(None, None)


def dicom_record(data: bytes, where: str) -> DicomRecord:
    """The record of one DICOM file; raises ``BadInput`` for a file that cannot be parsed."""
    dataset = read_dataset(data, where)
    syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    return DicomRecord(
        attributes=_attributes(dataset),
        keys={name: _joined(dataset, words) for name, words in _KEYS.items()},
        identifying=identifying_elements(dataset),
        planes=_quietly(planes_of, dataset),
        spacing_mm=_quietly(lambda d: spacing_of(d, 3 if int(d.get("NumberOfFrames") or 1) > 1 else 2), dataset),
        split=tuple(_text(dataset, word) for word in _SPLIT),
        kind=_text(dataset, "SOPClassUID"),
        transfer_syntax=str(syntax.name) if syntax is not None else "",
        dataset=dataset,
    )


def _attributes(dataset: pydicom.Dataset) -> dict[str, str | float]:
    found = header_facts(dataset)
    for name, keyword in _TEXT.items():
        text = _text(dataset, keyword)
        if text:
            found[name] = text
    for name, keyword in _FIRST_NUMBER.items():
        text = _text(dataset, keyword).split("\\")[0]
        if text:
            found[name] = text
    if display := _display(dataset):
        found["voi_lut"] = display
    if "laterality" not in found and _text(dataset, "Laterality"):
        found["laterality"] = _text(dataset, "Laterality")
    if "age" not in found and (age := _age_from_dates(dataset)) is not None:
        found["age"] = f"{age:.1f}"
    return found


def _display(dataset: pydicom.Dataset) -> str:
    """What the header asks of a display beyond a linear window (PS3.3 C.11.2): its own table, or another function."""
    with contextlib.suppress(Exception):
        if dataset.get("VOILUTSequence"):
            return "sequence"
        function = _text(dataset, "VOILUTFunction").upper()
        return function.lower() if function in ("SIGMOID", "LINEAR_EXACT") else ""
    return ""


def _age_from_dates(dataset: pydicom.Dataset) -> float | None:
    """Age in years between birth and study, where both dates are given and no age is."""
    with contextlib.suppress(Exception):
        born, seen = (
            datetime.datetime.strptime(_text(dataset, k), "%Y%m%d") for k in ("PatientBirthDate", "StudyDate")
        )
        return float((seen - born).days / _DAYS_PER_YEAR) if seen >= born else None
    return None


def _joined(dataset: pydicom.Dataset, keywords: tuple[str, ...]) -> str:
    return "|".join(_text(dataset, k) for k in keywords).strip("|")


def _text(dataset: pydicom.Dataset, keyword: str) -> str:
    try:
        value = value_of(dataset, keyword)
    except Exception:  # an element that cannot be converted is as good as absent
        return ""
    if value is None:
        return ""
    many = not isinstance(value, str) and isinstance(value, pydicom.multival.MultiValue | list)
    return " ".join(("\\".join(map(str, value)) if many else str(value)).split())


def _quietly(function: Any, dataset: pydicom.Dataset) -> Any:
    try:
        return function(dataset)
    except Exception:  # geometry that cannot be converted is geometry that is not declared
        return None


def little_endian(stored: NDArray[Any]) -> bytes:
    """Bytes of stored values, little endian, C order: the same pixels in any transfer syntax give the same bytes."""
    return np.ascontiguousarray(stored).astype(stored.dtype.newbyteorder("<"), copy=False).tobytes()
