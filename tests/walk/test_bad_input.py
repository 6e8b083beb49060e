"""Bad input through the command: exit code 2, one sentence on standard error that says where and what to do."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from toy_walk import QUICK, SET, Walk, audit, digest, plan, read_manifest, write_manifest, write_plan, write_set

from audit.evidence.register import accesses
from audit.evidence.store import list_audits
from audit.tables import DISPOSITIONS, ESTIMATES

Change = Callable[[Path], None]
SCORES = {"kind": "recorded", "name": "closed device", "version": "1", "scores": "scores.csv"}


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Set and plan alone."""
    folder = tmp_path_factory.mktemp("bare")
    write_set(folder / "discs")
    write_plan(folder)
    return folder


@pytest.fixture(scope="session")
def home(ready: Walk, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the registered versions, into which no test here may write anything."""
    return Path(shutil.copytree(ready.home, tmp_path_factory.mktemp("refusing") / "evidence"))


@pytest.fixture
def inputs(bare: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bare, tmp_path / "inputs"))


def said(*words: object) -> str:
    """The one sentence with which a command refuses; with --json machines are told the same."""
    answer = audit(*words)
    assert answer.code == 2, answer
    assert "Traceback" not in answer.err
    (line,) = answer.err.splitlines()
    if "--json" in words:
        assert json.loads(answer.out) == {"error": line.removeprefix("audit: ")}
    else:
        assert answer.out == ""
    assert line.startswith("audit: ")
    assert line.endswith(".")
    return line


def refused(folder: Path, home: Path, *expected: str) -> None:
    """``lock`` and ``run`` refuse in the same words, and nothing is entered anywhere."""
    before = kept(home)
    sentences = [said(command, folder / "plan.yaml", "--home", home, "--json") for command in ("lock", "run")]
    assert [part for part in expected if part not in sentences[0]] == [], sentences[0]
    assert sentences[0] == sentences[1]
    assert kept(home) == before


def kept(home: Path) -> tuple[object, ...]:
    """What a home lists and holds."""
    files = sorted(path for path in (home / "artifacts").rglob("*"))
    return list_audits(home), accesses(home).to_dict("records"), files


def manifest(**cells: Any) -> Change:
    """Sets cells of row 5 (case c004); a column set to None is taken out of the manifest."""

    def change(folder: Path) -> None:
        rows = read_manifest(folder / "discs")
        for column, cell in cells.items():
            if cell is None:
                rows = [{key: old for key, old in row.items() if key != column} for row in rows]
            else:
                rows[4][column] = cell
        write_manifest(folder / "discs", rows)

    return change


def emptied(column: str) -> Change:
    def change(folder: Path) -> None:
        write_manifest(folder / "discs", [{**row, column: ""} for row in read_manifest(folder / "discs")])

    return change


def replaced(name: str, data: bytes, column: str = "", declared: bool = False) -> Change:
    """Other bytes in a file of the set; ``declared``: the manifest gives their digest."""

    def change(folder: Path) -> None:
        (folder / "discs" / name).write_bytes(data)
        if declared:
            manifest(**{column: digest(folder / "discs" / name)})(folder)

    return change


def planned(**fields: Any) -> Change:
    def change(folder: Path) -> None:
        write_plan(folder, **fields)

    return change


def endpoint(**fields: Any) -> Change:
    whole = plan()
    return planned(endpoints=[{**whole["endpoints"][0], **fields}, *whole["endpoints"][1:]])


def facts(**fields: Any) -> Change:
    def change(folder: Path) -> None:
        stated = {key: value for key, value in {**SET, **fields}.items() if value is not None}
        (folder / "discs" / "set.yaml").write_text(yaml.safe_dump(stated), encoding="utf-8")

    return change


def raw_plan(text: bytes) -> Change:
    return lambda folder: (folder / "plan.yaml").write_bytes(text) and None


def fractions(folder: Path) -> None:
    path = folder / "discs" / "images" / "c004_mask.npy"
    np.save(path, np.full((32, 32), 0.5, np.float32))
    manifest(lesion_mask_sha256=digest(path))(folder)


def target(**fields: Any) -> Change:
    targets = plan()["targets"]
    return planned(targets={**targets, "lesion": {**targets["lesion"], **fields}})


MANIFEST: dict[str, tuple[Change, tuple[str, ...]]] = {
    "missing column": (
        manifest(patient_id=None),
        ("manifest.csv", "column 'patient_id' is missing", "case_id, image", "set.yaml"),
    ),
    "missing reference column": (manifest(lesion=None), ("'lesion'", "column")),
    "missing digest column": (manifest(sha256=None), ("manifest.csv", "row 1", "'image'", "SHA-256")),
    "duplicate case ids": (
        manifest(case_id="c003"),
        ("manifest.csv", "'c003'", "rows 4, 5", "each case needs its own"),
    ),
    "empty patient id": (manifest(patient_id=""), ("manifest.csv", "patient_id is empty in row 5")),
    "absent image": (
        manifest(image="images/gone.npy"),
        ("manifest.csv: row 5, column 'image'", "'images/gone.npy' does not exist", "add it or correct the row"),
    ),
    "image outside the set": (manifest(image="../plan.yaml"), ("row 5, column 'image'", "leaves the set's folder")),
    "malformed digest": (manifest(sha256="12ab"), ("row 5, column 'image'", "64 hexadecimal digits")),
    "wrong hash of an image": (
        replaced("images/c004.npy", b"other bytes"),
        ("images/c004.npy", "SHA-256 is", "the manifest declares", "restore the file or correct the manifest"),
    ),
    "wrong hash of a mask": (replaced("images/c004_mask.npy", b"other"), ("images/c004_mask.npy", "restore the file")),
    "unreadable reference mask": (
        replaced("images/c004_mask.npy", b"no array", "lesion_mask_sha256", declared=True),
        ("images/c004_mask.npy", "npy"),
    ),
    "fractions in a reference mask": (fractions, ("images/c004_mask.npy", "must hold whole numbers")),
    "reference that is not 0 or 1": (manifest(lesion="maybe"), ("lesion", "maybe")),
    "text where cuts need numbers": (
        planned(strata={**plan()["strata"], "site": {"cuts": [1, 2]}}),
        ("'site'", "North", "number"),
    ),
    "empty stratum column": (emptied("sex"), ("stratum 'sex'", "column 'sex' is wholly empty", "fill it or remove")),
    "manifest without rows": (
        lambda folder: (folder / "discs" / "manifest.csv").write_text("case_id,patient_id\n") and None,
        ("manifest.csv", "no case"),
    ),
    "absent manifest": (facts(manifest="cases.csv"), ("set.yaml", "'cases.csv' does not exist", "correct 'manifest'")),
    "set without licence": (facts(licence=None), ("set.yaml: licence: this key is required",)),
    "unknown key in set.yaml": (facts(licnce="CC0"), ("set.yaml: licnce: there is no such key",)),
    "absent set": (planned(validation_sets=["nowhere"]), ("'nowhere'", "set.yaml", "relative to the plan")),
}

PLAN: dict[str, tuple[Change, tuple[str, ...]]] = {
    "absent plan": (lambda folder: (folder / "plan.yaml").unlink(), ("plan.yaml", "cannot be read")),
    "bad YAML": (raw_plan(b"id: [discs\ntitle: x"), ("plan.yaml", "not valid YAML at line 2, column 6", "correct it")),
    "not UTF-8": (raw_plan(b"id: \xff\xfe"), ("plan.yaml", "save the file as UTF-8")),
    "no mapping": (raw_plan(b"- id"), ("plan.yaml", "expected a mapping")),
    "unknown key": (
        planned(modell="x"),
        ("plan.yaml: modell: there is no such key; correct its spelling or remove it",),
    ),
    "missing key": (planned(title=None), ("plan.yaml: title: this key is required and missing; add it",)),
    "unknown stratum": (
        planned(strata={**plan()["strata"], "density": {}}),
        ("stratum 'density'", "the manifest has no column 'density'", "manufacturer"),
    ),
    "undeclared stratum": (
        endpoint(group={"attribute": "site", "level": "North"}),
        ("plan.yaml", "attribute 'site'", "declare it under 'strata'"),
    ),
    "baseline that no case has": (
        planned(strata={**plan()["strata"], "manufacturer": {"baseline": "Cedar"}}),
        ("'manufacturer'", "'Cedar'", "Aurora, Borealis"),
    ),
    "empty stratum": (
        endpoint(group={"attribute": "manufacturer", "level": "Cedar"}),
        ("endpoint P1", "'Cedar'", "Aurora, Borealis"),
    ),
    "unknown measure": (endpoint(measure="accuracy_plus"), ("endpoint P1", "'accuracy_plus'", "auroc")),
    "measure of another task": (endpoint(measure="dice"), ("endpoint P1", "'dice'", "classification")),
    "criterion without a value": (endpoint(criterion={"kind": "minimum"}), ("plan.yaml", "endpoints.0", "'value'")),
    "primary endpoint without criterion": (endpoint(criterion=None), ("plan.yaml", "P1", "needs a criterion")),
    "comparison without comparator": (planned(comparator=None), ("endpoint P2", "add 'comparator'")),
    "endpoint twice": (endpoint(id="S1"), ("S1", "used twice")),
    "model that is not registered": (
        planned(model={"kind": "mlflow", "name": "lung-finder", "version": "1"}),
        ("model lung-finder version 1", "not registered", "disc-finder version 2"),
    ),
    "version that is not registered": (
        planned(model={"kind": "mlflow", "name": "disc-finder", "version": "9"}),
        ("model disc-finder version 9", "not registered"),
    ),
    "output that the model lacks": (
        target(output="probability"),
        ("target 'lesion'", "output 'probability'", "lesion, lesion_mask; correct 'output'"),
    ),
    "reference that the manifest lacks": (target(reference="tumour"), ("'lesion'", "'tumour'")),
    "explained cases by decisions that are not made": (
        planned(explanations={**plan()["explanations"], "target": "outline", "cases": {"per_decision": 1}}),
        ("explanations.cases.per_decision", "'outline'"),
    ),
    "explanations of an unknown target": (
        planned(explanations={**plan()["explanations"], "target": "nodule"}),
        ("explanations", "'nodule'"),
    ),
    "unknown explanation method": (
        planned(explanations={**plan()["explanations"], "methods": ["tea_leaves"]}),
        ("'tea_leaves'", "grad_cam"),
    ),
    "unknown feature": (
        planned(explanations={**plan()["explanations"], "features": ["shoe_size"]}),
        ("'shoe_size'", "manufacturer"),
    ),
}


@pytest.mark.parametrize("name", MANIFEST)
def test_a_set_that_cannot_be_used(inputs: Path, home: Path, name: str) -> None:
    change, expected = MANIFEST[name]
    change(inputs)
    refused(inputs, home, *expected)


@pytest.mark.parametrize("name", PLAN)
def test_a_plan_that_cannot_work(inputs: Path, home: Path, name: str) -> None:
    change, expected = PLAN[name]
    change(inputs)
    refused(inputs, home, *expected)


def scores(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Change:
    def write(folder: Path) -> None:
        rows = pd.DataFrame(read_manifest(folder / "discs"))[["case_id"]]
        change(rows.assign(lesion=0.25)).to_csv(folder / "scores.csv", index=False)

    return write


def with_score(value: Any) -> Change:
    return scores(lambda rows: rows.assign(lesion=[value if row == 4 else 0.25 for row in range(len(rows))]))


RECORDED: dict[str, tuple[Change, tuple[str, ...]]] = {
    "NaN score": (with_score(np.nan), ("scores.csv", "column 'lesion', data row 5", "'c004'", "a finite number")),
    "infinite score": (with_score(np.inf), ("scores.csv", "data row 5", "inf", "a finite number")),
    "text for a score": (with_score("high"), ("scores.csv", "data row 5", "'high'")),
    "duplicate case ids": (
        scores(lambda rows: rows.assign(case_id=rows["case_id"].replace("c004", "c003"))),
        ("scores.csv", "'c003' stands twice", "data row 5"),
    ),
    "unknown case": (
        scores(lambda rows: rows.assign(case_id=rows["case_id"].replace("c004", "other"))),
        ("scores.csv", "'other'", "data row 5", "remove these rows or add the cases"),
    ),
    "missing column": (
        scores(lambda rows: rows.rename(columns={"lesion": "score"})),
        ("scores.csv", "column 'lesion'", "target 'lesion'", "case_id, score"),
    ),
    "missing key column": (
        scores(lambda rows: rows.rename(columns={"case_id": "id"})),
        ("scores.csv", "column 'case_id'", "id, lesion"),
    ),
    "absent table": (lambda folder: None, ("scores.csv", "cannot be read")),
    "no table": (lambda folder: (folder / "scores.csv").write_bytes(b"\x00\xff" * 50) and None, ("scores.csv",)),
}


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_predictions_that_cannot_be_used(inputs: Path, home: Path, name: str) -> None:
    whole = plan()
    change, expected = RECORDED[name]
    change(inputs)
    write_plan(
        inputs,
        model=SCORES,
        comparator=None,
        perturbation_arms=None,
        explanations=None,
        uncertainty=None,
        shortcuts=None,
        targets={"lesion": whole["targets"]["lesion"]},
        endpoints=[whole["endpoints"][0]],
    )
    refused(inputs, home, *expected)


def test_a_model_cannot_be_explained_from_its_recorded_scores(inputs: Path, home: Path) -> None:
    with_score(0.5)(inputs)
    write_plan(inputs, model=SCORES, comparator=None, endpoints=None, perturbation_arms=None)
    refused(inputs, home, "explanations by methods need a model", "methods: []")


def test_a_home_without_audits(tmp_path: Path) -> None:
    home = tmp_path / "evidence"
    for command in ("verify", "dossier", "ask"):
        assert 'run "audit run PLAN" first' in said(command, "--home", home)
    assert not home.exists()


def test_an_unknown_audit(done: Walk) -> None:
    for words in (("verify", "other"), ("dossier", "other"), ("ask", "--audit", "other")):
        line = said(*words, "--home", done.home)
        assert "audit 'other'" in line
        assert done.audit_id in line


def test_a_file_to_verify_that_is_not_there(done: Walk) -> None:
    assert "nothing.pdf: cannot be read" in said("verify", "nothing.pdf", "--home", done.home)


def test_questions_that_have_no_answer(done: Walk) -> None:
    home = ("--home", done.home)
    assert "write attribute=level" in said("ask", "women", *home)
    assert "age_band, manufacturer, sex" in said("ask", "site=North", *home)
    assert "it has Aurora, Borealis" in said("ask", "manufacturer=Cedar", *home)


def test_a_device_that_is_not_there(inputs: Path, home: Path) -> None:
    assert "device 'abacus'" in said("run", inputs / "plan.yaml", "--home", home, "--device", "abacus")


def test_device_facts_that_cannot_be_read(finished: Walk) -> None:
    path = finished.folder / "device.yaml"
    assert "device.yaml" in said("dossier", "--home", finished.home, "--device", path)
    path.write_text("nonsense: [", encoding="utf-8")
    before = len(finished.store.statements())
    assert "device.yaml" in said("dossier", "--home", finished.home, "--device", path)
    assert len(finished.store.statements()) == before


def test_a_second_lock_of_the_same_plan(finished: Walk) -> None:
    assert finished.audit_id in said("lock", finished.plan, "--home", finished.home)


def test_a_model_file_changed_after_the_lock(fresh: Walk) -> None:
    audit("lock", fresh.plan, "--home", fresh.home, "--json")
    for path in (fresh.home / "artifacts" / "training").rglob("requirements.txt"):
        path.write_text("other\n", encoding="utf-8")
    line = said("run", fresh.plan, "--home", fresh.home, "--json")
    assert "requirements.txt has SHA-256" in line
    assert "the stored file was changed" in line
    assert accesses(fresh.home)["event"].tolist() == ["lock"]


def test_a_set_changed_after_the_lock(fresh: Walk) -> None:
    audit("lock", fresh.plan, "--home", fresh.home)
    manifest(age_years="33")(fresh.folder)
    assert "validation set discs: wrong hash" in said("run", fresh.plan, "--home", fresh.home, "--json")
    assert accesses(fresh.home)["event"].tolist() == ["lock"]


def test_a_mask_of_another_size_than_the_image(fresh: Walk) -> None:
    """It is that case's failure, in every version and arm; the others are analysed, and the audit verifies."""
    path = fresh.folder / "discs" / "images" / "c005_mask.npy"
    np.save(path, np.ones((30, 30), np.uint8))
    rows = read_manifest(fresh.folder / "discs")
    rows[5]["lesion_mask_sha256"] = digest(path)
    write_manifest(fresh.folder / "discs", rows)
    write_plan(
        fresh.folder, **{key: change for key, change in QUICK.items() if key not in ("comparator", "perturbation_arms")}
    )
    answer = audit("run", fresh.plan, "--home", fresh.home, "--json")
    assert answer.code in (0, 1), answer.err
    fates = fresh.store.read_table(DISPOSITIONS)
    lost = fates[fates["fate"] != "analysed"]
    assert set(lost["case_id"]) == {"c005"}
    assert set(lost["target"]) == {"outline"}
    assert len(lost) == 3
    assert lost["reason"].str.endswith("grid: 32 x 32 voxels against 30 x 30").all()
    found = fresh.store.read_table(ESTIMATES)
    overall = found[(found["attribute"] == "overall") & (found["target"] == "outline") & (found["measure"] == "dice")]
    assert set(overall["n_failed"]) == {1}
    assert audit("verify", "--home", fresh.home).code == 0
