"""The MLflow home: one folder with an SQLite database and an artifact folder, which may be moved at any time.

Where ``home.yaml`` names another database or a tracking server, runs and versions stand there (``home_address``).

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

from audit.home_address import BY_DRIVER, Address, address_of, home_id
from audit.home_address import FILE as ADDRESS_FILE
from audit.home_record import RECORD, RecordedMlflow
from audit.records import BadInput

if TYPE_CHECKING:
    from mlflow import MlflowClient

AUDITS = "imaging-audit"
TRAINING = "imaging-audit-training"
DATABASE = "mlflow.db"
FOLDERS = {AUDITS: "audits", TRAINING: "training"}
FLAGS = {
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
LOCATIONS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
)
HOME_TAG = "audit.home"
_OPENED: dict[tuple[Path, str, int], MlflowClient] = {}  # a home does not move under its own database file


def open_home(path: Path) -> MlflowClient:
    """A client of the home in ``path``, which is created, or mended after a move, where needed.

    Sets MLflow's tracking and registry addresses for this process. Raises ``BadInput`` where the folder cannot serve.
    """
    if is_record(path):
        os.environ.update(FLAGS)
        return cast("MlflowClient", RecordedMlflow(path))
    home = _usable(path)
    mlflow = _quiet_mlflow()
    elsewhere = address_of(home)
    address = elsewhere.tracking if elsewhere else f"sqlite:///{home / DATABASE}"
    mlflow.set_tracking_uri(address)
    mlflow.set_registry_uri(address)
    key = (home, address, _inode(home / DATABASE))
    if key not in _OPENED:
        client = _open_elsewhere(mlflow, home, elsewhere) if elsewhere else _open(mlflow, home, address)
        _OPENED[home, address, _inode(home / DATABASE)] = client
        return client
    return _OPENED[key]


def experiment(home: Path, name: str) -> Any:
    """The home's experiment ``name`` (AUDITS or TRAINING); made anew where somebody renamed or removed it."""
    client, elsewhere = open_home(home), None if is_record(home) else address_of(home.resolve())
    full = f"{elsewhere.experiments if elsewhere else ''}{name}"
    found = client.get_experiment_by_name(full)
    if found is None and elsewhere is None:
        _ensure_experiments(client, home.resolve())
        found = client.get_experiment_by_name(full)
    if found is None:
        raise BadInput(f"MLflow has no experiment '{full}' any more: somebody renamed or removed it; restore it.")
    return found


def _open_elsewhere(mlflow: Any, home: Path, address: Address) -> MlflowClient:
    """A client of another database or server; its experiments are marked as this home's, or refused as another's."""
    from mlflow.exceptions import MlflowException
    from requests.exceptions import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with only_one(home):
            client = mlflow.MlflowClient(tracking_uri=address.tracking, registry_uri=address.tracking)
            for name in FOLDERS:
                _ensure_marked(client, home, address, name)
        return cast("MlflowClient", client)
    except (MlflowException, RequestException, SQLAlchemyError, ImportError) as error:
        raise BadInput(
            f"{address.tracking}: MLflow cannot be reached there ({_reason(error)}); is it running, and are the "
            f"credentials in the environment ({BY_DRIVER})?"
        ) from error


def _ensure_marked(client: MlflowClient, home: Path, address: Address, name: str) -> None:
    full, mark = f"{address.experiments}{name}", home_id(home)
    found = client.get_experiment_by_name(full)
    if found is None:
        place = address.artifacts or (None if address.is_server else str(home / "artifacts"))
        client.create_experiment(full, f"{place}/{FOLDERS[name]}" if place else None, tags={HOME_TAG: mark})
    elif found.tags.get(HOME_TAG) != mark:
        raise BadInput(
            f"{address.tracking}: the experiment '{full}' belongs to another home; name other ones under "
            f"'experiments' in {home / ADDRESS_FILE}."
        )


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__


def _open(mlflow: Any, home: Path, address: str) -> MlflowClient:
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with only_one(home):
            if (home / DATABASE).exists():
                relocate(home)
            client = mlflow.MlflowClient(tracking_uri=address, registry_uri=address)
            if _ensure_experiments(client, home):
                relocate(home)
        return cast("MlflowClient", client)
    except (sqlite3.DatabaseError, SQLAlchemyError, MlflowException) as error:
        raise BadInput(
            f"{home / DATABASE}: MLflow's database cannot be read ({_reason(error)}): it was damaged or replaced; put "
            "a copy from before in its place."
        ) from error


def _inode(path: Path) -> int:
    return path.stat().st_ino if path.exists() else 0


def exists(path: Path) -> bool:
    """Whether a home stands in ``path``; asks without creating one."""
    return (path / DATABASE).is_file() or is_record(path) or address_of(path) is not None


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
