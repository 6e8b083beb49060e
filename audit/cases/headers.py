"""What a DICOM header says about acquisition and patient group: declared attributes only, never an identifier."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import Any

import pydicom
from pydicom.datadict import tag_for_keyword
from pydicom.tag import BaseTag

_TEXT = {
    "modality": "Modality",
    "manufacturer": "Manufacturer",
    "model": "ManufacturerModelName",
    "sex": "PatientSex",
    "age": "PatientAge",
    "view": "ViewPosition",
    "photometric": "PhotometricInterpretation",
}
_NUMBERS = {
    "field_strength_t": "MagneticFieldStrength",
    "slice_thickness_mm": "SliceThickness",
    "tube_voltage_kv": "KVP",
    "repetition_time_ms": "RepetitionTime",
    "echo_time_ms": "EchoTime",
    "inversion_time_ms": "InversionTime",
}


def header_facts(dataset: pydicom.Dataset) -> dict[str, str | float]:
    """Attributes the file declares, by our names, as written; absent or unreadable ones are left out."""
    facts: dict[str, str | float] = {}
    for name, keyword in _TEXT.items():
        text = _text(dataset, keyword)
        if text:
            facts[name] = text
    for name, keyword in _NUMBERS.items():
        number = _number(dataset, keyword)
        if number is not None:
            facts[name] = number
    measures = functional_group(dataset, "PixelMeasuresSequence", 0)
    thickness = _number(measures, "SliceThickness") if measures is not None else None
    if thickness is not None:
        facts["slice_thickness_mm"] = thickness
    return facts


def functional_group(dataset: pydicom.Dataset, keyword: str, frame: int) -> pydicom.Dataset | None:
    """The first item of a functional group macro for ``frame``, its own before the shared one (PS3.3 C.7.6.16)."""
    for groups in _groups(dataset, frame):
        items = groups.get(keyword)
        if items:
            return items[0]
    return None


def _groups(dataset: pydicom.Dataset, frame: int) -> Iterator[pydicom.Dataset]:
    own = dataset.get("PerFrameFunctionalGroupsSequence")
    if own and frame < len(own):
        yield own[frame]
    shared = dataset.get("SharedFunctionalGroupsSequence")
    if shared:
        yield shared[0]


def spacing_of(dataset: pydicom.Dataset, axes: int) -> tuple[float, ...] | None:
    """Spacing in mm: (row, column), with the distance between frames first for several frames; None if not declared.

    Imager pixel spacing (at the detector) stands in where no calibrated spacing exists (PS3.3 10.7.1.3).
    """
    measures = functional_group(dataset, "PixelMeasuresSequence", 0)
    plane = next((p for p in (_pair(d) for d in (measures, dataset) if d is not None) if p), None)
    if plane is None or axes == 2:
        return plane
    for source in (dataset, measures):
        between = _number(source, "SpacingBetweenSlices") if source is not None else None
        if between:
            return (between, *plane)
    return None


def _pair(dataset: pydicom.Dataset) -> tuple[float, float] | None:
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        try:
            rows, columns = (float(v) for v in dataset.get(keyword) or ())
        except (TypeError, ValueError):
            continue
        if rows > 0 and columns > 0 and math.isfinite(rows) and math.isfinite(columns):
            return rows, columns
    return None


def value_of(dataset: pydicom.Dataset, keyword: str) -> Any:
    """The element's value, None where there is none; looked up by tag, which is faster for absent ones."""
    tag = _tag(keyword)
    return dataset[tag].value if tag is not None and tag in dataset else None


@cache
def _tag(keyword: str) -> BaseTag | None:
    number = tag_for_keyword(keyword)
    return None if number is None else BaseTag(number)


def _text(dataset: pydicom.Dataset, keyword: str) -> str:
    try:
        return " ".join(str(value_of(dataset, keyword) or "").split())
    except Exception:  # an element that cannot be converted is as good as absent
        return ""


def _number(dataset: pydicom.Dataset, keyword: str) -> float | None:
    try:
        number = float(value_of(dataset, keyword))
    except Exception:
        return None
    return number if math.isfinite(number) else None
