"""A home whose MLflow database is a record: what an unpacked bundle has in the place of ``mlflow.db``.

``mlflow.json`` holds what MLflow said about one audit when it was bundled. ``RecordedMlflow`` answers the questions of
verification and lineage from it, in the shapes of MLflow's own client; it answers nothing else and writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from audit.records import BadInput

RECORD = "mlflow.json"
MODELS = "models"
READ_ONLY = "a bundle is read-only and answers for one audit: give the home itself with --home."


class Page(list[Any]):
    """One page of results, as MLflow's client gives them: the only one."""

    token = None


class RecordedMlflow:
    """The answers of ``mlflow.json`` in ``home``; ``BadInput`` for a record that cannot be read or any other call."""

    def __init__(self, home: Path) -> None:
        self._home = home
        try:
            record = _record(home)
            self._tags: Mapping[str, str] = dict(record["experiment"]["tags"])
            self._runs: Mapping[str, Any] = {key: _run(key, facts) for key, facts in record["runs"].items()}
            versions = record["registry"].get("versions", {})
            self._sources = {name: str(facts["source"]) for name, facts in versions.items() if "source" in facts}
        except (KeyError, TypeError, AttributeError) as error:
            raise _unreadable() from error

    def __getattr__(self, name: str) -> Any:
        raise BadInput(READ_ONLY)

    def get_experiment_by_name(self, name: str) -> Any:
        """The experiment of the audits, with its tags; ``name`` is not looked at, for there is one."""
        return SimpleNamespace(name=name, experiment_id="0", tags=dict(self._tags))

    def search_runs(self, *_: Any, **__: Any) -> Page:
        """The audit's own run."""
        return Page(self._runs.values())

    def get_run(self, run_id: str) -> Any:
        """The audit's own run; MLflow's own exception for any other."""
        return _found(self._runs, run_id, "run")

    def get_model_version(self, name: str, version: str) -> Any:
        """A registered version: where MLflow pointed it to."""
        source = _found(self._sources, f"{name}/{version}", "model version")
        return SimpleNamespace(name=name, version=version, source=source, run_id=None, tags={})

    def search_model_versions(self, *_: Any, **__: Any) -> Page:
        """Every version that the audit used."""
        named = (key.rsplit("/", 1) for key in self._sources)
        return Page(SimpleNamespace(name=name, version=version) for name, version in named)

    def get_logged_model(self, model_id: str) -> Any:
        """The logged model behind a version: where its files lie in the bundle."""
        known = {source.removeprefix("models:/"): key for key, source in self._sources.items()}
        return SimpleNamespace(artifact_location=str(self._home / MODELS / _found(known, model_id, "logged model")))


def recorded_registry(home: Path) -> dict[str, Any]:
    """What the record says of the runs and versions that the audit stated."""
    found = _record(home).get("registry")
    if not isinstance(found, dict):
        raise _unreadable()
    return found


def _record(home: Path) -> dict[str, Any]:
    try:
        record = json.loads((home / RECORD).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable() from error
    if not isinstance(record, dict):
        raise _unreadable()
    return record


def _unreadable() -> BadInput:
    return BadInput(f"{RECORD}: no readable record of MLflow; ask for the bundle again.")


def _found(known: Mapping[str, Any], key: str, what: str) -> Any:
    if key not in known:
        from mlflow.exceptions import MlflowException

        raise MlflowException(f"the bundle's record of MLflow has no {what} {key}")
    return known[key]


def _run(run_id: str, facts: Mapping[str, Any]) -> Any:
    return SimpleNamespace(
        info=SimpleNamespace(run_id=run_id, lifecycle_stage=facts["lifecycle"]),
        data=SimpleNamespace(tags=dict(facts["tags"])),
    )
