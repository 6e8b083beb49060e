"""From a hospital's export to a verified audit: DICOM files of three makers, a table of references, a device's results.

The set is the one that ``audit intake`` wrote; of its set.yaml only what a person knows is corrected.
"""

import base64
import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from toy_walk import SIZE, Answer, DiscFinder, Walk, audit, pages

from audit.intake.pseudonyms import pseudonym
from audit.tables import CASES as CASE_TABLE
from audit.tables import DISPOSITIONS, ESTIMATES, OBSERVATIONS
from tests.intake.conftest import MAKERS, dicom, save

CASES = 45
POINT = {"threshold": 0.5, "chosen_on": "tuning discs", "how": "set by hand"}
PLANTED = {
    "PatientName": "Zwetschgenbaum^Adelheid", "PatientBirthDate": "19410317", "AccessionNumber": "ACC7755331",
    "InstitutionAddress": "Quittenweg 17", "ReferringPhysicianName": "Mirabell^Otto", "OtherPatientIDs": "OID-5512-88",
    "StationName": "HAGEBUTTE3", "PatientAddress": "Pflaumenhof 4", "PatientComments": "Schlehdorn seit 2019",
}  # fmt: skip
IN_TABLE = {"patient_name": "Holunder, Berta", "birth_date": "1938-11-02", "phone": "0555-771-4431"}
IN_NAME = "Brombeere_Cilli"
BROKEN = "Stachelbeer_Dora"
WORDS = (
    "zwetschgenbaum", "adelheid", "19410317", "1941-03-17", "acc7755331", "quittenweg", "mirabell", "oid-5512-88",
    "hagebutte3", "pflaumenhof", "schlehdorn", "holunder", "1938-11-02", "0555-771-4431", "mrn-", "1.2.999.4711",
)  # fmt: skip
"""What tells who a person is, as it stands in headers and tables; names of files are looked for in evidence."""
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
        name = f"scanner{number % 3}/{IN_NAME}_{number:03d}_{number * 37 % 100:02d}.dcm"
        own = {"PatientID": f"MRN-{number}", "PatientSex": "FM"[number % 4 // 2]}
        device = {"Manufacturer": MAKERS[number % 3], "ManufacturerModelName": f"Unit {number % 3}"}
        about = {
            "Modality": "CR",
            "PatientAge": f"{30 + number:03d}Y",
            "InstitutionName": f"Hospital {'AB'[number % 2]}",
        }
        pixels = {"RescaleIntercept": 0, "RescaleSlope": 0.001, "ViewPosition": "PA", "PixelSpacing": [2.5, 2.5]}
        uids = {"StudyInstanceUID": f"1.2.999.4711.{number}", "SeriesInstanceUID": f"1.2.999.4711.{number}.1"}
        save(dicom(radiograph(number), **own, **device, **about, **pixels, **PLANTED, **uids), folder / name)
        known = {"file": Path(name).name, "disc": number % 2, "density": "abcd"[number % 4], "country": "Italy"}
        findings.append(known | IN_TABLE)
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


SAID: list[str] = []


def said(*words: object) -> Answer:
    """``audit``, whose output is kept for the scan."""
    answer = audit(*words)
    SAID.append(answer.out + answer.err)
    return answer


@pytest.fixture(scope="module")
def hospital(empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    folder = tmp_path_factory.mktemp("hospital")
    write_export(folder / "export")
    walk = Walk(folder)
    shutil.copytree(empty_home, walk.home)
    made = said("intake", folder / "export", "--out", folder / "set", "--table", folder / "export/findings.csv",
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
        answer = said(*command, "--home", hospital.home, "--json")
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
    assert said("verify", "--home", audited.home).code == 0
    [document] = audited.store.folder.glob("documents/*.pdf")
    words = pages(document, 60)
    assert "convenience" in words
    assert "MRN-" not in words


def bad_inputs(folder: Path, hospital: Walk) -> None:
    """Commands that must fail, or note a problem, on files and tables full of identifiers."""
    export = folder / "export"
    shutil.copytree(hospital.folder / "export/scanner0", export)
    victim = next(export.glob("*.dcm"))
    (export / f"{BROKEN}.dcm").write_bytes(victim.read_bytes()[:700])
    (export / "notes.csv").write_text("patient_name,file,disc\nHolunder,absent.dcm,maybe\n", encoding="utf-8")
    said("intake", export, "--out", folder / "set", "--table", export / "notes.csv", "--workers", 1)
    plan = {**PLAN, "validation_sets": ["copy"]}
    shutil.copytree(hospital.folder / "set", folder / "copy")
    (folder / "plan.yaml").write_text(yaml.safe_dump(plan), encoding="utf-8")
    manifest = folder / "copy" / "manifest.csv"
    lines = manifest.read_text(encoding="utf-8").splitlines()
    manifest.write_text("\n".join([*lines, lines[1]]) + "\n", encoding="utf-8")
    assert said("lock", folder / "plan.yaml", "--home", hospital.home).code == 2


def texts(path: Path) -> Iterator[bytes]:
    """A file's bytes, and what its compression hides."""
    data = path.read_bytes()
    yield data
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield from (name.encode() for name in archive.namelist())
            yield from (archive.read(name) for name in archive.namelist())
    elif path.suffix == ".parquet":
        yield pd.read_parquet(path).to_csv().encode()
    elif path.suffix == ".jsonl":
        yield from (base64.b64decode(json.loads(line)["envelope"]["payload"]) for line in data.splitlines())
    elif path.suffix == ".pdf":
        yield pages(path, 200).encode()


def found_in(folder: Path, words: tuple[str, ...]) -> list[tuple[str, str]]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return [
        (path.relative_to(folder).as_posix(), word)
        for path in files
        for word in words
        if any(word in each.decode("utf-8", "replace").lower() for each in (path.name.encode(), *texts(path)))
    ]


def test_nothing_written_tells_who_a_person_is(audited: Walk, tmp_path: Path) -> None:
    """Headers, tables, file names and broken files full of identifiers; evidence, set, documents and output of none."""
    assert len(found_in(audited.folder / "export", WORDS)) > 9 * CASES, "they were planted"
    said("bundle", "--home", audited.home, "--out", tmp_path / "whole.bundle", "--images", "--model")
    with zipfile.ZipFile(tmp_path / "whole.bundle") as archive:
        archive.extractall(tmp_path / "unpacked")
    said("ask", "site=Hospital A", "--home", audited.home)
    said("lineage", "--home", audited.home)
    bad_inputs(tmp_path / "bad", audited)
    names = (IN_NAME.lower(), BROKEN.lower())
    assert found_in(audited.home, (*WORDS, *names)) == []
    assert found_in(tmp_path / "unpacked", (*WORDS, *names)) == []
    for written in (audited.folder / "set", tmp_path / "bad" / "set"):  # whose manifest has to name the files
        assert found_in(written, WORDS) == []
    everything = "\n".join(SAID).lower()
    assert [word for word in WORDS if word in everything] == []


def test_pseudonyms_need_a_key_that_lies_outside_set_and_evidence(audited: Walk) -> None:
    [key] = [path for path in audited.folder.iterdir() if "key" in path.name]
    secret = bytes.fromhex(key.read_text(encoding="ascii").strip())
    assert key.stat().st_mode & 0o777 == 0o600
    cases = audited.store.read_table(CASE_TABLE)
    expected = {pseudonym(secret, "patient", f"MRN-{number}") for number in range(CASES)}
    assert set(cases["patient_id"]) == expected
    assert expected.isdisjoint(pseudonym(secret[::-1], "patient", f"MRN-{number}") for number in range(CASES))
    assert found_in(audited.home, (secret.hex(),)) == found_in(audited.folder / "set", (secret.hex(),)) == []
