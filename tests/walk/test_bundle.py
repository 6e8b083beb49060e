"""A bundle verifies elsewhere, offline; says what is not in it; and a tampered one is named as the audit would be."""

import json
import shutil
import zipfile
from pathlib import Path

import pytest
import torch
import yaml
from toy_walk import QUICK, SIZE, Walk, audit, plan, write_plan

from audit.evidence.store import open_audit
from audit.home import open_home
from audit.tables import ESTIMATES


@pytest.fixture(scope="session")
def packed(done: Walk, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of the finished audit, without pictures and without the model."""
    out = tmp_path_factory.mktemp("packed") / "discs.bundle"
    assert audit("bundle", "--home", done.home, "--out", out).code == 0
    return out


def rewritten(source: Path, target: Path, change: dict[str, bytes | None]) -> Path:
    """The bundle with entries replaced by what ends with their name, or taken out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            ends = [name for name in change if entry.filename.endswith(name)]
            data = change[ends[0]] if ends else old.read(entry)
            if data is not None:
                new.writestr(entry, data)
    return target


def names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def test_a_bundle_verifies_where_there_is_no_home(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = Path(shutil.copy(packed, tmp_path))
    monkeypatch.chdir(tmp_path)
    checked = audit("verify", copied, "--json")
    assert checked.code == 0, checked.out
    done = checked.json["done"]
    assert "Not checked, because not in the bundle:" in done
    for absent in ("files with pictures of single cases", "the model's files", "images of the validation set"):
        assert absent in done
    assert "computed again from the stored predictions" in done
    assert sorted(path.name for path in tmp_path.iterdir()) == [copied.name], "nothing is left behind"


def test_the_same_evidence_gives_the_same_bytes_and_nothing_is_overwritten(
    done: Walk, packed: Path, tmp_path: Path
) -> None:
    assert audit("bundle", done.audit_id, "--home", done.home, "--out", tmp_path / "b").code == 0
    assert (tmp_path / "b").read_bytes() == packed.read_bytes()
    again = audit("bundle", "--home", done.home, "--out", tmp_path / "b")
    assert (again.code, "exists already" in again.err) == (2, True)
    inside = audit("bundle", "--home", done.home, "--out", done.home / "b")
    assert (inside.code, "lies in the evidence folder" in inside.err) == (2, True)


def test_pictures_and_model_come_along_only_when_asked_for(done: Walk, packed: Path, tmp_path: Path) -> None:
    plain = names(packed)
    assert not [name for name in plain if "explanations/" in name or name.endswith((".png", ".npy", ".pt2"))]
    assert not [name for name in plain if name.endswith(".pdf")], "both documents show cases"
    assert len([name for name in plain if "/documents/" in name]) == 2
    whole = tmp_path / "whole.bundle"
    made = audit("bundle", "--home", done.home, "--out", whole, "--images", "--model", "--json")
    assert made.json["not_in_it"] == ["the images of the validation set (never in a bundle)"]
    assert [name for name in names(whole) if name.endswith("models/disc-finder/2/data/model.pt2")]
    assert len([name for name in names(whole) if name.endswith((".pdf", ".docx"))]) == 4
    checked = audit("verify", whole)
    assert checked.code == 0, checked.out
    changed = rewritten(whole, tmp_path / "other", {"disc-finder/2/data/model.pt2": b"other weights"})
    assert "model candidate: file data/model.pt2" in audit("verify", changed).out


def test_changed_and_missing_entries_are_named(packed: Path, tmp_path: Path) -> None:
    wanted = ("tables/estimates.parquet", "shards/00000.npz", "register.jsonl", "documents/eu_ai_act_annex_iv.json")
    change: dict[str, bytes | None] = {"tables/observations.parquet": None}
    with zipfile.ZipFile(packed) as archive:
        for name in archive.namelist():
            for one in wanted:
                if name.endswith(one):
                    whole = archive.read(name)
                    change[one] = whole[:-20] + bytes([whole[-20] ^ 1]) + whole[-19:]
    checked = audit("verify", rewritten(packed, tmp_path / "b", change))
    assert checked.code == 1
    for thing in change:
        assert f"- {thing}" in checked.out
    assert len(change) == 5


def test_a_ledger_cut_at_its_end_is_named(packed: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        (ledger,) = (archive.read(name) for name in archive.namelist() if name.endswith("ledger.jsonl"))
    cut = ledger[: ledger.rindex(b"\n", 0, -1) + 1]
    checked = audit("verify", rewritten(packed, tmp_path / "b", {"ledger.jsonl": cut}))
    assert "The ledger was cut: MLflow recorded a later end than it has." in checked.out


def test_what_the_record_of_mlflow_says_is_checked(packed: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        record = json.loads(archive.read("mlflow.json"))
    ((run_id, run),) = record["runs"].items()
    run["tags"]["audit.mode"] = "exploratory"
    record["registry"]["runs"][run_id]["parameters"]["plan.seed"] = "8"
    record["registry"]["versions"]["disc-finder/2"]["source"] = "models:/m-0"
    checked = audit("verify", rewritten(packed, tmp_path / "b", {"mlflow.json": json.dumps(record).encode()}))
    for thing in ("MLflow tag audit.mode", "parameters/plan.seed", "versions/disc-finder/2/source"):
        assert thing in checked.out


def test_a_path_that_leaves_the_folder_is_refused(packed: Path, tmp_path: Path) -> None:
    bad = tmp_path / "b"
    shutil.copy(packed, bad)
    with zipfile.ZipFile(bad, "a") as archive:
        archive.writestr("../../escaped", b"x")
    checked = audit("verify", bad)
    assert checked.code == 2
    assert "'../../escaped' has a path that leaves the folder" in checked.err
    assert checked.err.count("\n") == 1


def test_lineage_and_delivered_files_by_a_bundle(done: Walk, packed: Path) -> None:
    tree = audit("lineage", packed)
    assert tree.code == 0, tree.err
    assert tree.out == audit("lineage", "--home", done.home).out
    key = done.store.read_table(ESTIMATES).dropna(subset=["value"]).iloc[0]["estimate_id"]
    assert audit("lineage", key, "--home", packed).out.startswith(f"{key}: ")
    delivered = done.store.folder / "documents" / "eu_ai_act_annex_iv.pdf"
    assert audit("verify", delivered, "--home", packed).code == 0, "known by its digest, though not in the bundle"
    assert audit("verify", packed, "--anchor", done.store.ledger.root()).code == 0
    assert audit("verify", packed, "--anchor", "0" * 64).code == 1


def test_a_bundle_is_read_only(packed: Path) -> None:
    refused = audit("init", "--home", packed)
    assert refused.code == 2


def test_single_cases_of_a_sequestered_set_stay_out_without_the_role(ready: Walk, tmp_path: Path) -> None:
    walk = Walk(Path(shutil.copytree(ready.folder, tmp_path / "walk")))
    facts = yaml.safe_load((walk.folder / "discs" / "set.yaml").read_text())
    (walk.folder / "discs" / "set.yaml").write_text(yaml.safe_dump({**facts, "sequestered": True}))
    (minimum, *_) = plan()["endpoints"]
    shown = {"target": "lesion", "methods": ["grad_cam"], "examine": {"random_copies": 0}}
    write_plan(walk.folder, **{**QUICK, "endpoints": [minimum], "explanations": shown})
    assert audit("run", walk.plan, "--home", walk.home, "--device", "cpu").code == 0
    closed, opened = tmp_path / "closed", tmp_path / "opened"
    assert audit("bundle", "--home", walk.home, "--out", closed).code == 0
    inside = {name.partition("/artifacts/")[2] for name in names(closed)}
    assert {"tables/estimates.parquet", "findings.json", "plan.yaml"} <= inside
    forbidden = ("shards/", "tables/predictions", "tables/observations", "tables/cases", "references/", "explanations/")
    assert not [name for name in inside if name.startswith(forbidden)]
    checked = audit("verify", closed)
    assert checked.code == 0, checked.out
    assert "verdicts were computed again from the stored estimates" in checked.out
    assert "output of single cases of sequestered sets" in checked.out
    made = audit("bundle", "--home", walk.home, "--out", opened, "--role", "assessment", "--who", "A. Assessor")
    assert made.code == 0, made.err
    assert [name for name in names(opened) if name.endswith("shards/00000.npz")]
    events = audit("list", "--home", walk.home, "--json").json["accesses"]
    shown = [one for one in events if one["event"] == "case shown"]
    assert [(one["who"], "in a bundle" in one["note"]) for one in shown] == [("A. Assessor", True)]


def test_a_moved_home_verifies_and_opens_in_mlflow(finished: Walk, tmp_path: Path) -> None:
    from mlflow.pytorch import load_model

    moved = Path(shutil.move(finished.home, tmp_path / "elsewhere"))
    assert audit("verify", "--home", moved).code == 0
    run_id = open_audit(moved, producer={}).run_id
    local = Path(open_home(moved).download_artifacts(run_id, "plan.yaml"))
    assert local.read_bytes() == finished.plan.read_bytes()
    brightest = load_model("models:/disc-finder/2")(torch.ones((2, 1, SIZE, SIZE)))["lesion"]
    assert brightest.shape == (2,)


def test_a_delivered_document_is_an_anchor(finished: Walk, tmp_path: Path) -> None:
    folder = finished.store.folder / "documents"
    for suffix in ("pdf", "docx"):
        kept = Path(shutil.copy(folder / f"fda_performance_testing.{suffix}", tmp_path / f"kept.{suffix}"))
        held = audit("verify", "--home", finished.home, "--anchor", kept)
        assert held.code == 0, held.out
        assert "Anchored: the first" in held.out
    none = tmp_path / "none.docx"
    none.write_bytes(b"no document")
    assert "no Word document" in audit("verify", "--home", finished.home, "--anchor", none).err
    finished.store.ledger.path.write_bytes(b"".join(finished.store.ledger.path.read_bytes().splitlines(True)[:3]))
    rebuilt = audit("verify", "--home", finished.home, "--anchor", tmp_path / "kept.pdf")
    assert rebuilt.code == 1
    assert "No state of this ledger has this root" in rebuilt.out
