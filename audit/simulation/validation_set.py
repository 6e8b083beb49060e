"""Writes a validation set's folder: images, masks and manifest. set.yaml and datasheet.md are written by people."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from audit.simulation.cohort import SimulatedCase, draw_cohort
from audit.simulation.dicom import dicom_bytes
from audit.simulation.imaging import image_case
from audit.simulation.manifest import Row, case_row, csv_bytes
from audit.simulation.scanners import SCANNERS

VALIDATION_SEED, VALIDATION_PATIENTS, SECOND_IMAGE = 20250303, 360, 0.22


def validation_cohort(patients: int = VALIDATION_PATIENTS, seed: int = VALIDATION_SEED) -> list[SimulatedCase]:
    """The cases of the embedded set: all four scanners, patients apart from those trained on."""
    return draw_cohort("SIM-V", patients, SCANNERS, seed, SECOND_IMAGE)


def write_set(folder: Path, cases: list[SimulatedCase], progress: Callable[[int], None] = lambda _: None) -> None:
    """Writes ``images/``, ``masks/`` and ``manifest.csv`` below ``folder``; ``progress`` gets each case's number."""
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    rows = []
    for number, case in enumerate(cases, start=1):
        rows.append(_write_case(folder, case))
        progress(number)
    (folder / "manifest.csv").write_bytes(csv_bytes(rows))


def mask_png(mask: NDArray[np.bool_]) -> bytes:
    """An 8-bit PNG, 255 inside and 0 outside."""
    buffer = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8) * 255).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _write_case(folder: Path, case: SimulatedCase) -> Row:
    pixels, drawn = image_case(case)
    image, mask = dicom_bytes(case, pixels), mask_png(drawn.lesion_mask)
    row = case_row(case, drawn, image, mask)
    (folder / str(row["image"])).write_bytes(image)
    (folder / str(row["lesion_mask"])).write_bytes(mask)
    return row
