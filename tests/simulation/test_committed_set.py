"""The set in the repository: digests, size, balance, separation from training."""

import csv
import hashlib
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pydicom
import pytest

from audit.simulation.imaging import image_case
from audit.simulation.network import VERSIONS, WEIGHTS
from audit.simulation.scanners import SCANNERS
from audit.simulation.validation_set import validation_cohort

Manifest = list[dict[str, str]]
MAX_BYTES = 15_000_000


def training_rows(folder: Path) -> Manifest:
    rows = []
    for path in sorted((folder / "training").glob("*_manifest.csv")):
        with path.open(encoding="utf-8", newline="") as stream:
            rows += list(csv.DictReader(stream))
    return rows


def test_every_digest_in_the_manifest_is_that_of_its_file(committed: Path, manifest: Manifest) -> None:
    for row in manifest:
        for name, digest in (("image", "sha256"), ("lesion_mask", "lesion_mask_sha256")):
            assert hashlib.sha256((committed / row[name]).read_bytes()).hexdigest() == row[digest], row[name]


def test_no_file_is_left_over_and_all_fit_in_15_mb(committed: Path, manifest: Manifest) -> None:
    named = {row[column] for row in manifest for column in ("image", "lesion_mask")}
    stored = {
        p.relative_to(committed).as_posix() for folder in ("images", "masks") for p in (committed / folder).iterdir()
    }
    assert stored == named
    assert sum(p.stat().st_size for p in committed.rglob("*") if p.is_file()) <= MAX_BYTES


def test_size_and_balance(manifest: Manifest) -> None:
    patients = {row["patient_id"]: row for row in manifest}
    assert len(manifest) >= 400
    assert len(patients) >= 300
    assert any(count > 1 for count in Counter(row["patient_id"] for row in manifest).values())
    cells = Counter((row["manufacturer"], row["lesion_present"]) for row in patients.values())
    assert set(cells) == {(scanner.manufacturer, flag) for scanner in SCANNERS for flag in "01"}
    assert min(cells.values()) >= 40
    sites = {maker: {r["site"] for r in manifest if r["manufacturer"] == maker} for maker, _ in cells}
    assert min(len(found) for found in sites.values()) >= 2
    assert 0 < sum(row["sex"] == "" for row in manifest) < 0.1 * len(manifest)
    assert 0 < sum(row["age_years"] == "" for row in manifest) < 0.1 * len(manifest)


def test_manifest_is_the_cohort_that_the_generator_draws(manifest: Manifest) -> None:
    cases = validation_cohort()
    assert [row["case_id"] for row in manifest] == [case.case_id for case in cases]
    assert [row["lesion_load"] != "none" for row in manifest] == [row["lesion_present"] == "1" for row in manifest]
    assert [row["site"] for row in manifest] == [case.site for case in cases]


def test_committed_pixels_are_those_that_the_generator_draws(committed: Path, manifest: Manifest) -> None:
    """Another processor may round single pixels differently, by one."""
    for row, case in list(zip(manifest, validation_cohort(), strict=True))[:40:8]:
        stored = pydicom.dcmread(committed / row["image"]).pixel_array.astype(int)
        difference = np.abs(stored - image_case(case)[0].astype(int))
        assert difference.max() <= 1
        assert (difference > 0).mean() < 0.001


def test_every_image_says_simulated(committed: Path, manifest: Manifest) -> None:
    for row in manifest:
        file = pydicom.dcmread(committed / row["image"], specific_tags=["ImageComments", "StudyDescription"])
        assert "SIMULATED DATA" in file.ImageComments
        assert file.StudyDescription == "SIMULATED DATA"


def test_no_patient_was_trained_or_tuned_on(committed: Path, manifest: Manifest) -> None:
    rows = training_rows(committed)
    assert len(rows) > 1500
    assert not {row["patient_id"] for row in rows} & {row["patient_id"] for row in manifest}
    by_kind = {kind: {r["patient_id"] for r in rows if r["patient_id"].startswith(kind)} for kind in ("SIM-T", "SIM-U")}
    assert by_kind["SIM-T"]
    assert by_kind["SIM-U"]


@pytest.mark.parametrize("version", VERSIONS)
def test_record_of_a_version_points_at_committed_bytes(version: str, committed: Path) -> None:
    record = json.loads((WEIGHTS / f"{version}.json").read_text(encoding="utf-8"))
    weights = WEIGHTS / f"{version}.safetensors"
    assert weights.stat().st_size <= 2_000_000
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == record["weights_sha256"]
    points = record["operating_points"]
    for name, digest in (
        (record["training_set"], record["training_set_sha256"]),
        (points["tuning_set"], points["tuning_set_sha256"]),
    ):
        assert hashlib.sha256((committed / "training" / name).read_bytes()).hexdigest() == digest
    makers = {row["manufacturer"] for row in read(committed / "training" / record["training_set"])}
    assert makers == set(record["manufacturers"])


def read(path: Path) -> Manifest:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
