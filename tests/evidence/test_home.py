"""A home can be created by many at once, moved and copied, and goes on working."""

import os
import shutil
import sqlite3
from pathlib import Path

import pytest
from tiny_audit import Finished, recompute

from audit.evidence.store import list_audits, open_audit
from audit.evidence.verification import verify
from audit.home import AUDITS, LOCATIONS, TRAINING, exists, open_home, relocate, run_folder
from audit.records import BadInput


def locations(home: Path) -> list[str]:
    with sqlite3.connect(home / "mlflow.db") as database:
        return [row[0] for table, column in LOCATIONS for row in database.execute(f"SELECT {column} FROM {table}")]


def insert_model(home: Path, prefix: str = "") -> None:
    place = f"{prefix}{home.resolve()}/artifacts/training/models/m-1/artifacts"
    with sqlite3.connect(home / "mlflow.db") as database:
        database.execute(
            "INSERT INTO logged_models (model_id, experiment_id, name, artifact_location, creation_timestamp_ms, "
            "last_updated_timestamp_ms, status, lifecycle_stage) VALUES ('m-1', 1, 'm', ?, 0, 0, 2, 'active')",
            (place,),
        )
        database.execute("INSERT INTO registered_models (name) VALUES ('m')")
        database.execute("INSERT INTO model_versions (name, version, storage_location) VALUES ('m', 1, ?)", (place,))


def test_a_new_home_has_both_experiments_inside_it(home: Path) -> None:
    client = open_home(home)
    for name in (AUDITS, TRAINING):
        assert client.get_experiment_by_name(name).artifact_location.startswith(str(home.resolve()))
    assert all(place.startswith(str(home.resolve())) for place in locations(home))


def test_pickle_and_telemetry_are_off(home: Path) -> None:
    from mlflow.telemetry import get_telemetry_client

    open_home(home)
    assert os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"
    assert get_telemetry_client() is None


@pytest.mark.parametrize("prefix", ["", "file://"])
def test_a_moved_home_points_to_its_new_place(finished: Finished, tmp_path: Path, prefix: str) -> None:
    open_home(finished.home)
    insert_model(finished.home, prefix)
    moved = tmp_path / "else where" / "evidence"
    shutil.copytree(finished.home, moved)
    shutil.rmtree(finished.home)
    open_home(moved)
    assert len(locations(moved)) >= 6
    assert all(place.removeprefix("file://").startswith(f"{moved.resolve()}/") for place in locations(moved))
    there = Finished(moved, finished.model, finished.audit_id)
    assert verify(there.store, recompute, there.model_digests) == []


def test_only_locations_inside_the_home_are_rewritten(finished: Finished, tmp_path: Path) -> None:
    open_home(finished.home)
    with sqlite3.connect(finished.home / "mlflow.db") as database:
        database.execute("UPDATE runs SET artifact_uri = 's3://bucket/run'")
    moved = finished.home.rename(tmp_path / "moved")
    open_home(moved)
    assert "s3://bucket/run" in locations(moved)


def test_nothing_changes_where_nothing_moved(home: Path) -> None:
    open_home(home)
    assert relocate(home.resolve()) == 0


def test_artifacts_of_a_moved_run_are_listed_by_mlflow(finished: Finished, tmp_path: Path) -> None:
    moved = finished.home.rename(tmp_path / "moved")
    client = open_home(moved)
    store = open_audit(moved)
    assert "ledger.jsonl" in [one.path for one in client.list_artifacts(store.run_id)]
    assert run_folder(moved, store.run_id) == store.folder


def test_a_registered_model_of_a_moved_home_is_found_by_mlflow(home: Path, tmp_path: Path) -> None:
    client = open_home(home)
    logged = client.create_logged_model(client.get_experiment_by_name(TRAINING).experiment_id, name="device")
    Path(logged.artifact_location).mkdir(parents=True)
    (Path(logged.artifact_location) / "model.pt2").write_bytes(b"weights")
    client.create_registered_model("device")
    client.create_model_version("device", f"models:/{logged.model_id}", model_id=logged.model_id)
    open_home(home.rename(tmp_path / "moved"))
    from mlflow.artifacts import download_artifacts

    folder = Path(download_artifacts("models:/device/1"))
    assert (folder / "model.pt2").read_bytes() == b"weights"
    assert folder.is_relative_to(tmp_path / "moved")


def test_a_run_logged_by_mlflow_itself_is_found(home: Path) -> None:
    client = open_home(home)
    run = client.create_run(client.get_experiment_by_name(TRAINING).experiment_id)
    client.log_text(run.info.run_id, "x", "notes.txt")
    assert (run_folder(home, run.info.run_id) / "notes.txt").read_text() == "x"


def test_asking_creates_no_home(tmp_path: Path) -> None:
    assert not exists(tmp_path / "evidence")
    assert list_audits(tmp_path / "evidence") == []
    with pytest.raises(BadInput, match=r'no audit in .*: run "audit run PLAN" first'):
        open_audit(tmp_path / "evidence")
    assert not (tmp_path / "evidence").exists()


def test_an_unusable_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot hold evidence"):
        open_home(tmp_path / "file")
    with pytest.raises(BadInput, match="MLflow refuses"):
        open_home(tmp_path / "a#b")


def test_two_processes_that_create_a_home_agree(empty_home: Path) -> None:
    names = [one.name for one in open_home(empty_home).search_experiments()]
    assert sorted(names) == ["Default", AUDITS, TRAINING]
