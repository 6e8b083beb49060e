"""A small validation set on disk, whole unless a test breaks it."""

import csv
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image as Pillow

from audit.plan import Plan

FACTS: dict[str, Any] = {
    "name": "small",
    "version": "1",
    "licence": "CC0-1.0",
    "description": "Six squares.",
    "simulated": True,
    "sampling": {"kind": "enriched", "how": "half with a bright square"},
    "reference": {"kind": "exact", "how": "drawn"},
}


class SetFolder:
    """set.yaml, manifest.csv, images and masks; ``rows`` and ``facts`` may be changed before ``write``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.facts = dict(FACTS)
        self.rows = [self._row(i) for i in range(6)]

    def _row(self, i: int) -> dict[str, str]:
        pixels = np.full((8, 8), 10 + i, dtype=np.uint8)
        mask = np.zeros((8, 8), dtype=np.uint8)
        if i % 2:
            pixels[2:5, 2:5] = 200
            mask[2:5, 2:5] = 255
        return {
            "case_id": f"c{i}",
            "patient_id": f"{i // 2:05d}",
            "image": f"images/c{i}.png",
            "sha256": self.put(f"images/c{i}.png", pixels),
            "lesion": str(i % 2),
            "lesion_mask": f"masks/c{i}.png",
            "lesion_mask_sha256": self.put(f"masks/c{i}.png", mask),
            "manufacturer": ["SIEMENS", "Phillips Medical Systems", "ACME"][i % 3],
            "sex": ["M", "female", ""][i % 3],
            "age_years": str(30 + 10 * i),
            "site": "A" if i < 3 else "B",
            "spacing_mm": "0.5",
            "slice_thickness_mm": "4",
        }

    def put(self, name: str, pixels: np.ndarray) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Pillow.fromarray(pixels).save(path)
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def write(self) -> Path:
        (self.folder / "set.yaml").write_text(yaml.safe_dump(self.facts), encoding="utf-8")
        with (self.folder / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
            rows = csv.DictWriter(stream, list(self.rows[0]))
            rows.writeheader()
            rows.writerows(self.rows)
        return self.folder


@pytest.fixture
def small(tmp_path: Path) -> SetFolder:
    return SetFolder(tmp_path / "small")


@pytest.fixture
def make_plan() -> Callable[..., Plan]:
    def make(**changes: Any) -> Plan:
        point = {"threshold": 0.5, "chosen_on": "tuning"}
        raw: dict[str, Any] = {
            "id": "small",
            "title": "Small",
            "intended_purpose": "tests",
            "model": {"kind": "mlflow", "name": "m", "version": "1"},
            "validation_sets": ["."],
            "targets": {
                "lesion": {
                    "task": "classification",
                    "output": "lesion",
                    "reference": "lesion",
                    "operating_point": point,
                }
            },
        }
        return Plan.model_validate(raw | changes)

    return make
