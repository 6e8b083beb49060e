"""Every column that MLflow's client shows of an audit's runs, versions and inputs: edited, it is found and named.

One copy of the finished audit serves all edits: after each one the database is put back by SQLite's own backup.
"""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from toy_walk import Walk

from audit.evidence.integrity import check_integrity
from audit.home import open_home

AGAIN = "||'x'"
EDITS = {
    "runs": ("name", "user_id", "artifact_uri", "start_time"),
    "metrics": ("value", "timestamp", "step"),
    "latest_metrics": ("value",),
    "params": ("value",),
    "tags": ("value",),
    "input_tags": ("value",),
    "datasets": ("name", "digest", "dataset_source_type", "dataset_source", "dataset_schema", "dataset_profile"),
    "model_versions": ("source", "run_id", "user_id", "description", "storage_location", "creation_time"),
    "model_version_tags": ("value",),
    "registered_models": ("description",),
    "logged_models": ("name", "model_type", "source_run_id", "creation_timestamp_ms", "status"),
    "logged_model_params": ("param_value",),
    "logged_model_tags": ("tag_value",),
    "experiments": ("name", "artifact_location"),
    "experiment_tags": ("value",),
}
NUMBERS = ("start_time", "timestamp", "step", "creation_time", "creation_timestamp_ms", "status")
STATEMENTS = {
    f"{table}.{column}": f"UPDATE {table} SET {column} = " + (
        f"{column} + 1" if column in NUMBERS or (table.endswith("metrics") and column == "value")
        else f"coalesce({column}, ''){AGAIN}"
    )
    for table, columns in EDITS.items()
    for column in columns
}  # fmt: skip
STATEMENTS |= {
    "head of the ledger taken away": "DELETE FROM tags WHERE key = 'audit.head'",
    "head of the register taken away": "DELETE FROM experiment_tags",
    "metric that is no number": "UPDATE metrics SET is_nan = 1, value = 0",
    "tag added": "INSERT INTO tags (key, value, run_uuid) SELECT 'approved', 'yes', min(run_uuid) FROM runs",
    "input taken away": "DELETE FROM inputs WHERE rowid = (SELECT min(rowid) FROM inputs)",
    "training run removed": "DELETE FROM tags WHERE key LIKE 'mlflow.%'",
}


@pytest.fixture(scope="module")
def edited(done: Walk, tmp_path_factory: pytest.TempPathFactory) -> tuple[Walk, Path]:
    folder = tmp_path_factory.mktemp("edited")
    walk = Walk(Path(shutil.copytree(done.folder, folder / "walk")), done.audit_id)
    open_home(walk.home)
    clean = Path(shutil.copy(walk.home / "mlflow.db", folder / "clean.db"))
    assert check_integrity(walk.store) == []
    return walk, clean


@pytest.mark.parametrize("name", STATEMENTS)
def test_the_edit_is_named(edited: tuple[Walk, Path], name: str) -> None:
    walk, clean = edited
    with closing(sqlite3.connect(walk.home / "mlflow.db")) as database, database:
        assert database.execute(STATEMENTS[name]).rowcount >= 1
    try:
        found = [one.thing for one in check_integrity(walk.store)]
    finally:
        with closing(sqlite3.connect(clean)) as source, closing(sqlite3.connect(walk.home / "mlflow.db")) as target:
            source.backup(target)
    assert found, name
    assert all(thing.startswith(("MLflow", "ledger.jsonl", "register.jsonl")) for thing in found), found
