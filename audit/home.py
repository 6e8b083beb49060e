"""The MLflow home: one folder with an SQLite database and an artifact folder, which may be moved at any time.

MLflow stores absolute artifact locations; ``open_home`` rewrites them when the folder stands somewhere else than
before, so that ``mlflow ui`` and model loading go on working. Pickle loading and telemetry are switched off.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlparse

from audit.home_record import RECORD, RecordedMlflow
from audit.records import BadInput

if TYPE_CHECKING:
    from mlflow import MlflowClient

AUDITS = "imaging-audit"
TRAINING = "imaging-audit-training"
DATABASE = "mlflow.db"
FOLDERS = {AUDITS: "audits", TRAINING: "training"}
FLAGS = {"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
LOCATIONS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
)
_OPENED: dict[tuple[Path, int], MlflowClient] = {}  # a home of this process does not move under its own database file


def open_home(path: Path) -> MlflowClient:
    """A client of the home in ``path``, which is created, or mended after a move, where needed.

    Sets MLflow's tracking and registry addresses for this process. Raises ``BadInput`` where the folder cannot serve.
    """
    if is_record(path):
        os.environ.update(FLAGS)
        return cast("MlflowClient", RecordedMlflow(path))
    home = _usable(path)
    mlflow = _quiet_mlflow()
    address = f"sqlite:///{home / DATABASE}"
    mlflow.set_tracking_uri(address)
    mlflow.set_registry_uri(address)
    key = (home, _inode(home / DATABASE))
    if key not in _OPENED:
        client = _open(mlflow, home, address)
        _OPENED[home, _inode(home / DATABASE)] = client
        return client
    return _OPENED[key]


def _open(mlflow: Any, home: Path, address: str) -> MlflowClient:
    with only_one(home):
        if (home / DATABASE).exists():
            relocate(home)
        client = mlflow.MlflowClient(tracking_uri=address, registry_uri=address)
        if _ensure_experiments(client, home):
            relocate(home)
    return cast("MlflowClient", client)


def _inode(path: Path) -> int:
    return path.stat().st_ino if path.exists() else 0


def exists(path: Path) -> bool:
    """Whether a home stands in ``path``; asks without creating one."""
    return (path / DATABASE).is_file() or is_record(path)


def is_record(path: Path) -> bool:
    """Whether ``path`` is an unpacked bundle: a record stands in the place of the database."""
    return (path / RECORD).is_file() and not (path / DATABASE).exists()


def run_folder(home: Path, run_id: str) -> Path:
    """The local artifact folder of a run, found by its place, so that it is known even if the run's row is gone."""
    for name in FOLDERS.values():
        folder = home.resolve() / "artifacts" / name / run_id / "artifacts"
        if folder.is_dir():
            return folder
    return _local(open_home(home).get_run(run_id).info.artifact_uri)


@contextmanager
def only_one(home: Path, name: str = ".lock") -> Iterator[None]:
    """Holds a lock file of the home: one process at a time creates, moves or starts something here. Not reentrant."""
    descriptor = os.open(home / name, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def relocate(home: Path) -> int:
    """Rewrites stored locations of a moved home to ``home``; returns how many rows changed."""
    with closing(sqlite3.connect(home / DATABASE, timeout=60)) as database, database:
        database.execute("BEGIN IMMEDIATE")
        before = _recorded_root(database)
        if before is None:
            return 0
        changed = _rewrite_default(database, home)
        if before == str(home):
            return changed
        return changed + sum(_rewrite(database, table, column, before, home) for table, column in LOCATIONS)


def _usable(path: Path) -> Path:
    home = path.resolve()
    if any(sign in str(home) for sign in "#?%"):
        raise BadInput(f"{path}: the evidence folder's path holds '#', '?' or '%', which MLflow refuses; rename it.")
    try:
        (home / "artifacts").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{path}: cannot hold evidence ({error.strerror}); name a folder you may write to.") from error
    return home


def _quiet_mlflow() -> Any:
    os.environ.update(FLAGS)
    import mlflow
    from mlflow.telemetry import get_telemetry_client, set_telemetry_client

    if get_telemetry_client() is not None:
        set_telemetry_client()  # reads the flag again: somebody imported mlflow before it was set
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    return mlflow


def _ensure_experiments(client: MlflowClient, home: Path) -> bool:
    missing = [name for name in FOLDERS if client.get_experiment_by_name(name) is None]
    for name in missing:
        client.create_experiment(name, artifact_location=str(home / "artifacts" / FOLDERS[name]))
    return bool(missing)


def _recorded_root(database: sqlite3.Connection) -> str | None:
    try:
        row = database.execute("SELECT artifact_location FROM experiments WHERE name = ?", (AUDITS,)).fetchone()
    except sqlite3.DatabaseError:
        return None
    return str(_local(row[0]).parents[1]) if row else None


def _rewrite(database: sqlite3.Connection, table: str, column: str, before: str, home: Path) -> int:
    changed = 0
    for prefix in ("", "file://"):
        old = f"{prefix}{before}/"
        changed += database.execute(
            f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",
            (f"{prefix}{home}/", len(old) + 1, len(old), old),
        ).rowcount
    return changed


def _rewrite_default(database: sqlite3.Connection, home: Path) -> int:
    place = str(home / "artifacts" / "default")
    return database.execute(
        "UPDATE experiments SET artifact_location = ? WHERE experiment_id = 0 AND artifact_location <> ?",
        (place, place),
    ).rowcount


def _local(location: str) -> Path:
    parts = urlparse(location)
    return Path(unquote(parts.path)) if parts.scheme == "file" else Path(location)
