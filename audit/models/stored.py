"""What the MLflow registry holds about a version: its files, their digests, its training run.

A registered version can be changed by one client call without a trace in its record; therefore the digests of its
stored bytes are taken here, at lock, at load and at verification.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import yaml
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from mlflow.exceptions import MlflowException
from mlflow.utils.file_utils import local_file_uri_to_path

from audit.home import open_home
from audit.model_refs import Registered
from audit.records import BadInput

WEIGHTS_TAG, PROGRAM_TAG = "weights_sha256", "program_sha256"
TRAINING_SET_TAG, OPERATING_POINTS_TAG = "training_set_sha256", "operating_points"
FILES_TAG, FLAVOR = "files_sha256", "imaging_audit"
VERSIONS_TAG = "mlflow.modelVersions"
PROGRAM = "data/model.pt2"
_FETCHED: list[TemporaryDirectory[str]] = []  # copies live as long as this process


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """A registered version as stored: where its files lie and what its training run says."""

    ref: Registered
    folder: Path
    run_id: str | None
    tags: Mapping[str, str]
    parameters: Mapping[str, str]
    run_tags: Mapping[str, str]

    @property
    def program(self) -> Path:
        """The exported program (pt2 archive)."""
        return self.folder / PROGRAM

    @property
    def operating_points(self) -> dict[str, Any]:
        """Operating points that the training run recorded, by target."""
        return dict(json.loads(self.run_tags.get(OPERATING_POINTS_TAG, "{}")))

    def description(self) -> dict[str, Any]:
        """The MLmodel file, parsed."""
        return dict(yaml.safe_load((self.folder / "MLmodel").read_text(encoding="utf-8")))


def find_stored(ref: Registered, home: Path) -> StoredVersion:
    """The stored version; raises ``BadInput`` that lists the registered versions when it is not there."""
    client = open_home(home)
    try:
        found = client.get_model_version(ref.name, ref.version)
    except MlflowException as error:
        raise BadInput(_not_registered(ref, client, home)) from error
    run = _training_run(client, found.run_id)
    return StoredVersion(
        ref,
        _folder(client, found, ref),
        found.run_id or None,
        dict(found.tags),
        dict(run.params) if run else {},
        dict(run.tags) if run else {},
    )


def versions(client: MlflowClient, name: str | None = None) -> list[tuple[str, str]]:
    """(name, version) of every registered version, or of those of one model, in order of name and number."""
    found = client.search_model_versions(f"name='{name}'" if name else None)
    return sorted(((v.name, str(v.version)) for v in found), key=lambda pair: (pair[0], int(pair[1])))


def file_digests(ref: Registered, home: Path) -> dict[str, str]:
    """SHA-256 of every stored file of the registered version, by path relative to the model's folder."""
    return folder_digests(find_stored(ref, home).folder)


def folder_digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file under ``folder``, by relative POSIX path, sorted."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def note_version(client: MlflowClient, ref: Registered, number: str, model_id: str, home: Path) -> None:
    """Tags a new version with its files' digests, and its logged model with the version, as MLflow's own registering
    does: its page otherwise calls the model not registered."""
    stored = find_stored(ref.model_copy(update={"version": number}), home)
    client.set_model_version_tag(ref.name, number, FILES_TAG, files_text(folder_digests(stored.folder)))
    client.set_logged_model_tags(model_id, {VERSIONS_TAG: json.dumps([{"name": ref.name, "version": number}])})


def files_text(digests: Mapping[str, str]) -> str:
    """The digests of a version's files as one text, for the registry's tag ``FILES_TAG``."""
    return json.dumps(dict(sorted(digests.items())), separators=(",", ":"))


def _folder(client: MlflowClient, found: Any, ref: Registered) -> Path:
    source = str(found.source)
    if source.startswith("models:/"):
        source = _location(client, source, ref)
    folder = _local(source, ref)
    if not (folder / "MLmodel").is_file():
        raise BadInput(
            f"model {ref.name} version {ref.version}: its stored files are missing (MLmodel and data/ expected "
            "in the home's artifacts); restore the home from a copy or register the version again."
        )
    return folder


def _local(source: str, ref: Registered) -> Path:
    """The folder itself, or a fresh copy of it where the artifacts stand in another store."""
    if urlsplit(source).scheme in ("", "file"):
        return Path(local_file_uri_to_path(source))
    place = TemporaryDirectory(prefix="audit-model-")
    _FETCHED.append(place)
    try:
        return Path(download_artifacts(artifact_uri=source, dst_path=place.name))
    except (MlflowException, OSError, RuntimeError) as error:
        raise BadInput(
            f"model {ref.name} version {ref.version}: its files cannot be fetched from MLflow's artifact store "
            f"({' '.join(str(error).split())[:160]}); is it running, and are the credentials in the environment?"
        ) from error


def _location(client: MlflowClient, source: str, ref: Registered) -> str:
    try:
        return str(client.get_logged_model(source.removeprefix("models:/")).artifact_location)
    except MlflowException as error:
        raise BadInput(
            f"model {ref.name} version {ref.version}: the registry points it to {source}, which MLflow does not have; "
            "restore the home from a copy or register the version again."
        ) from error


def _training_run(client: MlflowClient, run_id: str | None) -> Any:
    """The data of the version's training run; None where it has none, or MLflow no longer has it."""
    try:
        return client.get_run(run_id).data if run_id else None
    except MlflowException:
        return None


def _not_registered(ref: Registered, client: MlflowClient, home: Path) -> str:
    known = ", ".join(f"{name} version {number}" for name, number in versions(client)) or "none"
    return (
        f"model {ref.name} version {ref.version} is not registered in {home.name}/; known: {known}; "
        "run `audit demo` for the embedded example, or register the version first."
    )
