"""Written files: same seed same bytes, valid headers, nothing that looks like a person."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.uid import UID, JPEGLSLossless, MRImageStorage

from audit.simulation.checking import read_manifest
from audit.simulation.imaging import image_case, images_and_masks
from audit.simulation.validation_set import validation_cohort, write_set

Written = Callable[[str, int], Path]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set")
    write_set(folder, validation_cohort(patients=10)[-4:])
    return folder


def digests(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_same_seed_same_bytes_other_seed_other_bytes(written: Path, tmp_path: Path) -> None:
    write_set(tmp_path / "again", validation_cohort(patients=10)[-4:])
    write_set(tmp_path / "other", validation_cohort(patients=10, seed=1)[-4:])
    assert digests(tmp_path / "again") == digests(written)
    assert len(digests(written)) == 9
    assert not set(digests(tmp_path / "other").values()) & set(digests(written).values()) - empty_masks(written)


def empty_masks(folder: Path) -> set[str]:
    return {row["lesion_mask_sha256"] for row in read_manifest(folder) if row["lesion_present"] == "0"}


def test_manifest_agrees_with_the_files(written: Path) -> None:
    for row in read_manifest(written):
        assert hashlib.sha256((written / row["image"]).read_bytes()).hexdigest() == row["sha256"]
        mask = np.asarray(Image.open(written / row["lesion_mask"]))
        assert mask.dtype == np.uint8
        assert set(np.unique(mask)) <= {0, 255}
        volume = (mask > 0).sum() * float(row["spacing_mm"]) ** 2 * float(row["slice_thickness_mm"]) / 1000
        assert volume == pytest.approx(float(row["lesion_volume_ml"]), abs=1e-6)
        assert row["lesion_present"] == str(int(mask.any()))


def test_dicom_header_and_pixels(written: Path) -> None:
    cases = {case.case_id: case for case in validation_cohort(patients=10)}
    for row in read_manifest(written):
        file = pydicom.dcmread(written / row["image"])
        assert file.SOPClassUID == MRImageStorage
        assert file.file_meta.TransferSyntaxUID == JPEGLSLossless
        assert row["manufacturer"] == file.Manufacturer
        assert row["model"] == file.ManufacturerModelName
        assert float(row["field_strength_t"]) == file.MagneticFieldStrength
        assert [float(row["spacing_mm"])] * 2 == list(file.PixelSpacing)
        assert row["patient_id"] == file.PatientID
        assert file.BurnedInAnnotation == "NO"
        assert row["site"] == file.InstitutionName
        assert np.array_equal(file.pixel_array, image_case(cases[row["case_id"]])[0])


def test_every_file_says_simulated_and_names_nobody(written: Path) -> None:
    for path in written.glob("images/*.dcm"):
        file = pydicom.dcmread(path)
        assert "SIMULATED DATA" in file.ImageComments
        assert str(file.PatientName) == file.PatientBirthDate == ""
        assert UID(file.SOPInstanceUID).is_valid
        assert file.SOPInstanceUID == file.file_meta.MediaStorageSOPInstanceUID


def test_workers_do_not_change_the_images() -> None:
    cases = validation_cohort(patients=4)
    alone, together = images_and_masks(cases, 1), images_and_masks(cases, 2)
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))
