"""A hospital in small: DICOM files and pictures made on the spot, clean unless a test breaks them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image as Pillow
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from scipy import ndimage

from audit.intake.taking_in import Taken, take_in
from audit.intake.work import Options
from audit.intake.writing import write

CT = "1.2.840.10008.5.1.4.1.1.2"
MAKERS = ("SIEMENS", "GE MEDICAL SYSTEMS", "Philips Medical Systems")


def body(seed: int, side: int = 96) -> np.ndarray:
    """A picture with smooth anatomy of its own: left and right, top and bottom differ; values 100 to 3900."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:side, 0:side] / side
    shape = np.exp(-(((rows - 0.55) / 0.3) ** 2) - ((columns - 0.45) / 0.28) ** 2)
    own = ndimage.gaussian_filter(rng.normal(size=(side, side)), side / 16)
    picture = shape + 0.7 * (rows > 0.7) * columns + 0.6 * own / np.abs(own).max()
    scaled = (picture - picture.min()) / np.ptp(picture)
    return np.rint(100 + 3800 * scaled + rng.normal(0, 4, (side, side))).clip(0, 4095)


def dicom(pixels: np.ndarray, **elements: Any) -> pydicom.Dataset:
    """A data set that names patient P1, study and series of its own, unless told otherwise."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = elements.get("SOPClassUID", CT)
    dataset = pydicom.Dataset()
    dataset.file_meta = meta
    dataset.SOPClassUID = meta.MediaStorageSOPClassUID
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.FrameOfReferenceUID = generate_uid()
    dataset.PatientID, dataset.PatientName, dataset.PatientSex, dataset.PatientAge = "P1", "", "F", "045Y"
    dataset.PatientBirthDate, dataset.StudyID, dataset.AccessionNumber = "", "", ""
    dataset.StudyDate, dataset.StudyTime, dataset.ReferringPhysicianName = "20240105", "120000", ""
    dataset.Modality, dataset.Manufacturer, dataset.ManufacturerModelName = "CT", "SIEMENS", "Definition"
    dataset.InstitutionName, dataset.SeriesNumber, dataset.InstanceNumber = "Hospital A", 1, 1
    dataset.Rows, dataset.Columns = pixels.shape[-2:]
    if pixels.ndim == 3:
        dataset.NumberOfFrames = len(pixels)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.PixelSpacing, dataset.SliceThickness = [0.8, 0.7], 3.0
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
    dataset.PixelData = pixels.astype("<u2").tobytes()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


def save(dataset: pydicom.Dataset, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def series(folder: Path, n: int = 5, **elements: Any) -> list[pydicom.Dataset]:
    """``n`` CT slices 3 mm apart, written under names in no order."""
    study, name, frame = generate_uid(), generate_uid(), generate_uid()
    made = []
    for i in range(n):
        same = {"StudyInstanceUID": study, "SeriesInstanceUID": name, "FrameOfReferenceUID": frame}
        place = {"ImagePositionPatient": [-30, -40, 3.0 * i], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
        dataset = dicom(body(1000 + i, 48), **same, **place, InstanceNumber=7 * i % n, **elements)
        save(dataset, folder / f"{(7 * i + 3) % n}.dcm")
        made.append(dataset)
    return made


class Hospital:
    """Radiographs as PNG with a table, or as DICOM; ``take`` runs an intake over the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source = folder / "export"
        self.source.mkdir(parents=True)
        self.table: list[dict[str, Any]] = []

    def picture(self, name: str, pixels: np.ndarray, **cells: Any) -> Path:
        path = self.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Pillow.fromarray(np.rint(pixels / 16).clip(0, 255).astype(np.uint8)).save(path)
        row = {"image": name, "patient_id": f"{len(self.table):04d}", "age": 40 + len(self.table) % 40, "sex": "F"}
        self.table.append(row | {"finding": str(len(self.table) % 2), "view": "PA"} | cells)
        return path

    def pictures(self, n: int, side: int = 96) -> None:
        for i in range(n):
            self.picture(f"images/{i:03d}.png", body(i, side))

    def radiographs(self, n: int) -> None:
        for i in range(n):
            own = {
                "PatientID": f"P{i}",
                "Manufacturer": MAKERS[i % 3],
                "PatientAge": f"{30 + i:03d}Y",
                "Modality": "CR",
            }
            save(dicom(body(i), ViewPosition="PA", **own, RescaleIntercept=0), self.source / f"d{i // 10}/{i}.dcm")

    def write_table(self) -> Path:
        path = self.source / "table.csv"
        names = list(self.table[0])
        lines = [",".join(names), *(",".join(str(row[n]) for n in names) for row in self.table)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def take(self, source: Path | None = None, name: str = "set", **options: Any) -> Taken:
        out = self.folder / name
        key = options.pop("key", self.folder / "test.key")
        if not key.exists():
            key.write_text("ab" * 32, encoding="ascii")
        taken = take_in(source or self.source, out, Options(key=key, **({"workers": 0} | options)), lambda *_: None)
        write(taken)
        return taken

    @property
    def set(self) -> Path:
        return self.folder / "set"

    def report(self) -> dict[str, Any]:
        return dict(json.loads((self.set / "intake" / "report.json").read_text(encoding="utf-8")))


@pytest.fixture
def hospital(tmp_path: Path) -> Hospital:
    return Hospital(tmp_path / "hospital")


@pytest.fixture
def said() -> Callable[[Taken], list[str]]:
    """What an intake is concerned about, as 'severity check: text'."""
    return lambda taken: [f"{c.severity} {name}: {c.what}" for name, c in taken.concerns]


def png_bytes(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
