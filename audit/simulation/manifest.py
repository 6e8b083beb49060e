"""Manifests as CSV bytes: of the validation set, one row per file, and of training sets, one row per pixel array."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from audit.simulation.cohort import SimulatedCase
from audit.simulation.phantom import THICKNESS_MM, Slice

Row = Mapping[str, object]


def case_row(case: SimulatedCase, drawn: Slice, image: bytes, mask: bytes) -> Row:
    """What the manifest says about one case; ``image`` and ``mask`` are the bytes of its files."""
    return {
        "case_id": case.case_id,
        "patient_id": case.patient_id,
        "image": f"images/{case.case_id}.dcm",
        "sha256": hashlib.sha256(image).hexdigest(),
        "manufacturer": case.scanner.manufacturer,
        "model": case.scanner.model,
        "site": case.site,
        "sex": case.sex_recorded or "",
        "age_years": "" if case.age_recorded is None else case.age_recorded,
        "field_strength_t": case.scanner.field_strength_t,
        "spacing_mm": case.scanner.spacing_mm,
        "slice_thickness_mm": THICKNESS_MM,
        "lesion_present": int(drawn.lesion_mask.any()),
        "lesion_mask": f"masks/{case.case_id}.png",
        "lesion_mask_sha256": hashlib.sha256(mask).hexdigest(),
        "lesion_volume_ml": f"{drawn.lesion_volume_ml:.6f}",
        "lesion_load": case.lesion_load,
        "ventricle_volume_ml": f"{drawn.ventricle_volume_ml:.6f}",
        "atrophy_grade": case.atrophy_grade,
        "acquired": case.acquired.isoformat(),
    }


def training_rows(
    cases: Sequence[SimulatedCase], images: NDArray[np.uint16], masks: NDArray[np.bool_]
) -> Iterable[Row]:
    """One row per training image with the SHA-256 of its pixel and mask arrays, so that the manifest's own digest
    stands for the content too."""
    for case, image, mask in zip(cases, images, masks, strict=True):
        yield {
            "case_id": case.case_id,
            "patient_id": case.patient_id,
            "manufacturer": case.scanner.manufacturer,
            "site": case.site,
            "sex": case.sex_recorded or "",
            "age_years": "" if case.age_recorded is None else case.age_recorded,
            "lesion_present": int(mask.any()),
            "pixels_sha256": hashlib.sha256(image.astype("<u2").tobytes() + np.packbits(mask).tobytes()).hexdigest(),
        }


def csv_bytes(rows: Iterable[Row]) -> bytes:
    """UTF-8 CSV with a header and line feeds; all rows have the same columns, at least one row."""
    buffer = io.StringIO(newline="")
    writer: csv.DictWriter[str] | None = None
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(buffer, list(row), lineterminator="\n")
            writer.writeheader()
        writer.writerow(row)
    return buffer.getvalue().encode("utf-8")
