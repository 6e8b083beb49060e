"""Writes the validation set of PneumoniaMNIST's validation part: images stay inside their .npz container."""

import csv
import hashlib
import shutil
from pathlib import Path

import numpy as np

SET_YAML = Path(__file__).parent / "pneumonia_mnist" / "set.yaml"


def write_pneumonia_set(folder: Path, container: Path, part: str = "val") -> Path:
    """set.yaml, a copy of the container under images/ and a manifest of ``part``, in ``folder``, which is returned."""
    (folder / "images").mkdir(parents=True)
    shutil.copyfile(SET_YAML, folder / "set.yaml")
    data = container.read_bytes()
    (folder / "images" / container.name).write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    with np.load(container, allow_pickle=False) as arrays:
        labels = arrays[f"{part}_labels"].reshape(-1)
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["case_id", "patient_id", "image", "sha256", "site", "pneumonia"])
        for row, label in enumerate(labels):
            case = f"{part}-{row:04d}"
            rows.writerow([case, case, f"{container.name}#{part}_images[{row}]", digest, "Guangzhou", int(label)])
    return folder
