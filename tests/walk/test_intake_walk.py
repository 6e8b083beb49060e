"""From a hospital's export to a verified audit: DICOM files of three makers, a table of references, a device's results.

The set is the one that ``audit intake`` wrote; of its set.yaml only what a person knows is corrected.
"""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from toy_walk import SIZE, DiscFinder, Walk, audit, pages

from audit.tables import DISPOSITIONS, ESTIMATES, OBSERVATIONS
from tests.intake.conftest import MAKERS, dicom, save

CASES = 45
POINT = {"threshold": 0.5, "chosen_on": "tuning discs", "how": "set by hand"}
LOST = 7
"""The device gave no result for this image."""


def radiograph(number: int) -> np.ndarray:
    """Stored values of 32 x 32 pixels, 1000 for a bright disc on 100: disc in every second image."""
    generator = np.random.default_rng(number)
    pixels = generator.normal(100, 20, (SIZE, SIZE))
    row, column = generator.integers(8, SIZE - 8, 2)
    disc = np.hypot(*(np.mgrid[:SIZE, :SIZE] - np.array([row, column])[:, None, None])) <= 4
    pixels[disc & bool(number % 2)] += 900
    return pixels.clip(0, 4095)


def score(number: int) -> float:
    """The device's recorded score: a third of the discs are missed, one clean image is flagged."""
    return 0.2 + 0.01 * (number % 7) + 0.6 * ((number % 2 == 1 and number % 3 > 0) or number == 10)


def write_export(folder: Path) -> None:
    """Files in folders by scanner, names that say nothing, findings and recorded scores in tables beside them."""
    findings, scores = [], []
    for number in range(CASES):
        name = f"scanner{number % 3}/{number:03d}_{number * 37 % 100:02d}.dcm"
        own = {"PatientID": f"MRN-{number}", "PatientSex": "FM"[number % 4 // 2]}
        device = {"Manufacturer": MAKERS[number % 3], "ManufacturerModelName": f"Unit {number % 3}"}
        about = {
            "Modality": "CR",
            "PatientAge": f"{30 + number:03d}Y",
            "InstitutionName": f"Hospital {'AB'[number % 2]}",
        }
        pixels = {"RescaleIntercept": 0, "RescaleSlope": 0.001, "ViewPosition": "PA", "PixelSpacing": [2.5, 2.5]}
        save(dicom(radiograph(number), **own, **device, **about, **pixels), folder / name)
        findings.append(
            {"file": Path(name).name, "disc": number % 2, "density": "abcd"[number % 4], "country": "Italy"}
        )
        scores.append({"file": Path(name).name, "disc_score": score(number), "seconds": 1 + number % 3})
    pd.DataFrame(findings).to_csv(folder / "findings.csv", index=False)
    pd.DataFrame(scores).drop(index=LOST).to_csv(folder / "device.csv", index=False)


def write_version(folder: Path) -> Path:
    """The candidate as TorchScript; its card scales nothing, for the headers give values around 0.1 and 1."""
    path = folder / "disc.ts"
    torch.jit.save(
        torch.jit.trace(DiscFinder(0.35), torch.zeros(2, 1, SIZE, SIZE), strict=False),
        path,
    )
    return path


PLAN = {
    "id": "intake",
    "title": "Discs of a hospital",
    "intended_purpose": "Finds bright discs in radiographs.",
    "model": {"kind": "torchscript", "name": "discs", "version": "1"},
    "comparator": {"kind": "recorded", "name": "old-device", "version": "3", "scores": "set/predictions/device.csv",
                   "columns": {"lesion": "disc_score"}},
    "validation_sets": ["set"],
    "targets": {"disc": {"task": "classification", "output": "lesion", "reference": "disc", "operating_point": POINT}},
    "strata": {"manufacturer": {"baseline": "Philips"}, "site": {}, "density": {}},
    "endpoints": [
        {"id": "P1", "role": "primary", "measure": "auroc", "target": "disc",
         "criterion": {"kind": "minimum", "value": 0.8}}
    ],
    "too_few": 3,
    "resamples": 100,
    "batch_size": 8,
}  # fmt: skip


@pytest.fixture(scope="module")
def hospital(empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    folder = tmp_path_factory.mktemp("hospital")
    write_export(folder / "export")
    walk = Walk(folder)
    shutil.copytree(empty_home, walk.home)
    made = audit("intake", folder / "export", "--out", folder / "set", "--table", folder / "export/findings.csv",
                 "--predictions", folder / "export/device.csv", "--workers", 1, "--json")  # fmt: skip
    assert made.code == 0, made.err + made.out
    walk.plan.write_text(yaml.safe_dump(PLAN), encoding="utf-8")
    return walk


@pytest.fixture(scope="module")
def audited(hospital: Walk) -> Walk:
    facts = hospital.folder / "set" / "set.yaml"
    text = facts.read_text(encoding="utf-8")
    for before, after in (("kind: report_mining", "kind: exact"), ("not stated ", "CC0 ")):
        assert before in text
        text = text.replace(before, after, 1)
    facts.write_text(text, encoding="utf-8")
    example = next((hospital.folder / "export").rglob("*.dcm"))
    version = write_version(hospital.folder)
    for command in (("register", hospital.plan, version, "--example", example), ("lock", hospital.plan),
                    ("run", hospital.plan, "--device", "cpu"),
                    ("dossier", "--only", "fda_performance_testing")):  # fmt: skip
        answer = audit(*command, "--home", hospital.home, "--json")
        assert answer.code in (0, 1), answer.err + answer.out
    return hospital


def test_the_audit_is_that_of_the_files(audited: Walk) -> None:
    rows = audited.store.read_table(OBSERVATIONS)
    candidate = rows[rows["version"] == "candidate"]
    assert len(candidate) == CASES
    assert (candidate["reference"].astype(int) == (candidate["score"] >= 0.5)).all()
    found = audited.store.read_table(ESTIMATES)
    values = found[(found["kind"] == "value") & (found["version"] == "comparator")]
    overall = values[(values["measure"] == "sensitivity") & (values["attribute"] == "overall")].iloc[0]
    discs = [n for n in range(CASES) if n % 2 and n != LOST]
    assert overall["value"] == pytest.approx(np.mean([score(n) >= 0.5 for n in discs]))


def test_strata_come_from_headers_and_table(audited: Walk) -> None:
    found = audited.store.read_table(ESTIMATES)
    levels = found[found["kind"] == "value"].groupby("attribute")["level"].unique().map(set)
    assert levels["manufacturer"] == {"GE HealthCare", "Philips", "Siemens Healthineers"}
    assert levels["site"] == {"Hospital A", "Hospital B"}
    assert levels["density"] == set("abcd")


def test_a_result_that_the_device_did_not_give_is_a_failed_case(audited: Walk) -> None:
    fates = audited.store.read_table(DISPOSITIONS)
    [lost] = fates[fates["fate"] == "failed"].to_dict("records")
    assert (lost["version"], lost["reason"]) == ("comparator", "no recorded prediction")


def test_documents_are_written_and_the_audit_verifies(audited: Walk) -> None:
    assert audit("verify", "--home", audited.home).code == 0
    [document] = audited.store.folder.glob("documents/*.pdf")
    words = pages(document, 60)
    assert "convenience" in words
    assert "MRN-" not in words
