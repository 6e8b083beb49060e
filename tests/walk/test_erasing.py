"""A patient's rows are erased: nothing of the patient stays, the rest verifies, and what was erased is said."""

import base64
import io
import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pypdfium2
import pytest
from toy_walk import MAIN, Answer, Walk, audit, read_manifest, write_manifest

from audit.evidence.erased_comparison import compare_after
from audit.evidence.erasures import erasures
from audit.evidence.integrity import check_integrity
from audit.evidence.locks import read_lock
from audit.evidence.parquet import table_bytes
from audit.evidence.statements import sha256
from audit.evidence.store import AuditStore, open_audit
from audit.records import BadInput
from audit.sharing import erasing
from audit.tables import CASES, CURVES, ESTIMATES, EXPLANATIONS, OBSERVATIONS, PREDICTIONS
from audit.tabulating import gathered, stored_plan
from audit.verifying.reproducing import reproduce
from audit.verifying.result_checking import check_documents
from audit.verifying.sets_today import sets_today

WHY = ("--reason", "consent withdrawn", "--by", "D. Officer")


def explained_patient(store: AuditStore) -> tuple[str, list[str]]:
    """A patient with a picture, and all cases of that patient."""
    cases, shown = store.read_table(CASES), store.read_table(EXPLANATIONS)
    patient = str(shown["patient_id"].iloc[0])
    return patient, sorted(cases.loc[cases["patient_id"] == patient, "case_id"].astype(str))


def contents(path: Path) -> Iterator[bytes]:
    """A file's bytes, and what its compression hides."""
    data = path.read_bytes()
    yield data
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield from (name.encode() for name in archive.namelist())
            yield from (archive.read(name) for name in archive.namelist())
    elif path.suffix == ".parquet":
        yield pq.read_table(io.BytesIO(data)).to_pandas().to_csv().encode()
    elif path.suffix == ".jsonl":
        yield from (base64.b64decode(json.loads(line)["envelope"]["payload"]) for line in data.splitlines())
    elif path.suffix == ".pdf":
        with pypdfium2.PdfDocument(data) as pdf:
            yield from (page.get_textpage().get_text_bounded().encode() for page in pdf)


def where(folder: Path, ids: list[str]) -> list[str]:
    """Files below ``folder`` that hold one of ``ids``, as a word, in their name or anywhere inside."""
    wanted = re.compile(rb"(?<![0-9A-Za-z])(" + b"|".join(one.encode() for one in ids) + rb")(?![0-9A-Za-z])")
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    found = [path for path in files if wanted.search(path.name.encode()) or any(map(wanted.search, contents(path)))]
    return [path.relative_to(folder).as_posix() for path in found]


@dataclass(frozen=True)
class Gone:
    """An audit from which a patient was erased, what the command said, and what stood there before."""

    walk: Walk
    patient: str
    cases: list[str]
    made: Answer
    before: dict[str, str]


@pytest.fixture(scope="module")
def erased(done: Walk, tmp_path_factory: pytest.TempPathFactory) -> Gone:
    """Erased once for all tests that go on from there, each with a copy."""
    walk = Walk(Path(shutil.copytree(done.folder, tmp_path_factory.mktemp("erased") / "walk")), done.audit_id)
    patient, cases = explained_patient(walk.store)
    assert len(where(walk.home, [patient, *cases])) > 10
    before = {name: one.subjects[name] for name, one in walk.store.subjects().items()}
    made = audit("erase", "--home", walk.home, "--patient", patient, *WHY, "--json")
    assert made.code == 0, made.err
    return Gone(walk, patient, cases, made, before)


@pytest.fixture
def gone(erased: Gone, tmp_path: Path) -> Gone:
    walk = Walk(Path(shutil.copytree(erased.walk.folder, tmp_path / "walk")), erased.walk.audit_id)
    return replace(erased, walk=walk)


def test_nothing_of_the_patient_stays_and_the_rest_verifies(gone: Gone, tmp_path: Path) -> None:
    finished, store, patient, cases, made = gone.walk, gone.walk.store, gone.patient, gone.cases, gone.made
    before, table = gone.before, "tables/estimates.parquet"
    assert (made.json["patients"], made.json["cases"], made.json["still_named"]) == (1, len(cases), [])
    scores = set(store.read_table(CURVES)["threshold"]) - set(store.read_table(OBSERVATIONS)["score"])
    assert made.json["scores_in_curves"] == len({one for one in scores if pd.notna(one)})
    assert sorted(made.json["build_again"]) == sorted(MAIN[1::2])
    assert where(finished.home, [patient, *cases]) == []

    (stated,) = store.statements("erased")
    for name, change in stated.body["files"].items():
        assert change["before"] == before[name]
        assert change["after"] == sha256(store.read_bytes(name)) != change["before"]
        assert change["rows"] > 0
    assert (stated.body["reason"], stated.body["by"]) == (WHY[1], WHY[3])
    assert sha256(store.read_bytes(table)) == before[table], "recorded estimates stay"

    discs = finished.folder / "discs"
    write_manifest(discs, [row for row in read_manifest(discs) if row["patient_id"] != patient])
    checked = audit("verify", "--home", finished.home)
    assert checked.code == 0, checked.out
    assert f"{made.json['rows']} rows of 1 patient erased on {stated.created[:10]}" in checked.out
    assert "cannot be recomputed from the remaining rows; the rest holds" in checked.out

    again = audit("dossier", "--home", finished.home, "--only", "fda_performance_testing", "--json")
    assert again.code == 0, again.err
    text = store.read_bytes("documents/fda_performance_testing.json").decode()
    assert f"rows of 1 patient erased on {stated.created[:10]}" in text
    assert [*check_integrity(finished.store), *check_documents(finished.store)] == []
    out = tmp_path / "whole.bundle"
    assert audit("bundle", "--home", finished.home, "--out", out, "--images").code == 0
    with zipfile.ZipFile(out) as archive:
        archive.extractall(tmp_path / "unpacked")
    assert where(tmp_path / "unpacked", [patient, *cases]) == []
    assert where(finished.home, [patient, *cases]) == []


def test_another_change_is_still_named(gone: Gone) -> None:
    finished, store = gone.walk, gone.walk.store
    rows = store.read_table(OBSERVATIONS)
    place = store.folder / "tables/observations.parquet"
    place.write_bytes(table_bytes(OBSERVATIONS, rows.assign(score=rows["score"].mask(rows.index == 3, 0.123))))

    # an erasure that somebody made up, to change what no patient stands in, or what was never there
    estimates = store.read_table(ESTIMATES)
    forged = table_bytes(ESTIMATES, estimates.assign(n_patients=estimates["n_patients"] + 5))
    old = store.subjects()["tables/estimates.parquet"].subjects["tables/estimates.parquet"]
    change = {"tables/estimates.parquet": {"before": old, "after": sha256(forged), "rows": 1}}
    body = {"patients": 1, "cases": 1, "partly": False, "reason": "x", "by": "y", "files": change}
    body |= {"removed": {"findings.json": "0" * 64}}
    (store.folder / "tables/estimates.parquet").write_bytes(forged)
    store.state_that("erased", {"tables/estimates.parquet": sha256(forged)}, [], body)
    found = audit("verify", "--home", finished.home)
    assert found.code == 1
    assert "tables/observations.parquet" in found.out
    assert "The file is not the one that was stated." in found.out
    assert f"{rows['case_id'][3]} / {rows['target'][3]}, column score" in found.out
    assert "An erasure may not change what holds no single case." in found.out
    assert "column n_patients" in found.out
    assert "The erasure does not explain it." in found.out


@pytest.mark.parametrize("after", [1, -1])
def test_a_killed_erasure_is_named_and_finished_by_the_same_command(
    finished: Walk, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = finished.store
    patient, cases = explained_patient(store)
    real, calls = erasing.replace_shredded, [0]
    wanted = erasing._wanted(store, patient, None)
    many = len(erasing._to_remove(store, wanted, list(store.subjects())))
    many += sum(
        bool(erasing.rows_gone(store, name, wanted.cases)) for name in filter(erasing.may_change, store.subjects())
    )
    stop = after if after >= 0 else many - 1

    def killed(path: Path, data: bytes | None, workshop: Path) -> None:
        if calls[0] == stop:
            (workshop / "erasing-1-left").write_bytes(b"left between two steps: " + cases[0].encode())
            raise KeyboardInterrupt
        calls[0] += 1
        real(path, data, workshop)

    with monkeypatch.context() as patch:
        patch.setattr(erasing, "replace_shredded", killed)
        with pytest.raises(KeyboardInterrupt):
            erasing.erase(store, patient, None, WHY[1], WHY[3])
    assert calls[0] == stop
    named = [one for one in check_integrity(open_audit(finished.home)) if "begun and not finished" in one.explanation]
    assert named
    assert [one for one in check_integrity(open_audit(finished.home)) if one not in named] == []
    other = next(one for one in store.read_table(CASES)["patient_id"] if one != patient)
    refused = audit("erase", "--home", finished.home, "--patient", other, *WHY)
    assert stop == many - 1 or (refused.code, "give that command again" in refused.err) == (2, True)
    again = audit("erase", "--home", finished.home, "--patient", patient, *WHY, "--json")
    assert again.code == 0, again.err
    assert len(store.statements("erased")) == 1
    assert check_integrity(open_audit(finished.home)) == []
    assert where(finished.home, [patient, *cases]) == []


def test_a_set_that_lost_further_cases_is_another_one(gone: Gone) -> None:
    finished, store, patient = gone.walk, gone.walk.store, gone.patient
    discs, bound = finished.folder / "discs", read_lock(store).sets
    rows = [row for row in read_manifest(discs) if row["patient_id"] != patient]
    for written, same in ((rows, True), (rows[1:], False), ([{**rows[0], "sex": "X"}, *rows[1:]], False)):
        write_manifest(discs, written)
        assert (sets_today(store, stored_plan(store), None).digests(bound) == bound) is same


def test_the_model_is_not_run_again_on_what_was_erased(gone: Gone) -> None:
    with pytest.raises(BadInput, match="rows were erased from audit"):
        reproduce(gone.walk.store, True, gone.walk.folder, "cpu")


def test_refusals_leave_the_audit_as_it_is(finished: Walk) -> None:
    store = finished.store
    patient, cases = explained_patient(store)
    ledger = (store.folder / "ledger.jsonl").read_bytes()
    for words, said in (
        (["--patient", "nobody", *WHY], "has no patient 'nobody'"),
        (["--case", "none", *WHY], "has no case 'none'"),
        ([*WHY], "one of the two"),
        (["--patient", patient, "--case", cases[0], *WHY], "one of the two"),
        (["--patient", patient, "--by", "D. Officer"], "needs --reason and --by"),
        (["--patient", patient, "--reason", f"asked by {patient}", "--by", "D"], "leave the patient's"),
    ):
        refused = audit("erase", "--home", finished.home, *words)
        assert refused.code == 2, words
        assert said in refused.err.replace("\n", " ")
    assert (store.folder / "ledger.jsonl").read_bytes() == ledger


def test_one_case_of_a_patient_may_go_alone(finished: Walk) -> None:
    cases = finished.store.read_table(CASES)
    twice = cases.loc[cases["patient_id"].duplicated(), ["patient_id", "case_id"]].iloc[0]
    made = audit("erase", "--home", finished.home, "--case", twice["case_id"], *WHY, "--json")
    assert made.code == 0, made.err
    assert where(finished.home, [twice["case_id"]]) == []
    left = finished.store.read_table(CASES)
    assert isinstance(left, pd.DataFrame)
    assert (left["patient_id"] == twice["patient_id"]).sum() == 1
    assert check_integrity(finished.store) == []
    (erased,) = erasures(finished.store)
    assert "1 patient (1 of their cases, not all)" in erased.in_words()
    again = gathered(finished.store)
    assert compare_after("predictions", finished.store.read_table(PREDICTIONS), again, [erased]) == []
