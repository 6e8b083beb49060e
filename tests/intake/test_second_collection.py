"""Files that were not chosen for this: what ships inside pydicom is decoded as pydicom does, or refused by name."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import pydicom
import pytest

from audit.cases.dicom_record import little_endian

FILES = Path(pydicom.__file__).parent / "data" / "test_files"


@pytest.mark.filterwarnings("ignore")
def test_files_inside_pydicom_are_decoded_or_refused_by_name(hospital):
    assert FILES.is_dir()
    for path in sorted(FILES.glob("*.dcm")):
        (hospital.source / path.name).write_bytes(path.read_bytes())
    hospital.take()
    with (hospital.set / "intake/files.csv").open(encoding="utf-8") as stream:
        files = list(csv.DictReader(stream))
    assert len(files) == len(list(FILES.glob("*.dcm"))) > 50
    for row in files:
        if row["fate"] in ("case", "slice"):
            pixels = pydicom.dcmread(FILES / row["path"]).pixel_array
            assert row["pixel_sha256"] == hashlib.sha256(little_endian(pixels)).hexdigest(), row["path"]
        elif row["fate"] == "refused":
            assert row["reason"], row["path"]
            assert "failed (" not in row["reason"], row  # what nobody foresaw
        else:
            assert row["fate"] in ("header only", "left out", "double", "reference", "other"), row
    assert sum(row["fate"] == "case" for row in files) > 40
