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
            record = json.loads((home / RECORD).read_bytes())
            self._experiment: Mapping[str, Any] = record["experiment"]
            self._runs: Mapping[str, Any] = {key: _run(key, facts) for key, facts in record["runs"].items()}
            self._histories = {key: facts["metrics"] for key, facts in record["runs"].items()}
            self._versions: Mapping[str, Any] = {key: _version(key, facts) for key, facts in record["versions"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadInput(f"{RECORD}: no readable record of MLflow; ask for the bundle again.") from error

    def __getattr__(self, name: str) -> Any:
        raise BadInput(READ_ONLY)

    def get_experiment_by_name(self, name: str) -> Any:
        """The experiment of the audits, with its tags; ``name`` is not looked at, for there is one."""
        return SimpleNamespace(name=name, experiment_id="0", tags=dict(self._experiment["tags"]))

    def search_runs(self, *_: Any, **__: Any) -> Page:
        """The audit's own run (and, without the audit's tags, the training runs)."""
        return Page(self._runs.values())

    def get_run(self, run_id: str) -> Any:
        """A run; MLflow's own exception where the record has none."""
        return _found(self._runs, run_id, "run")

    def get_metric_history(self, run_id: str, key: str) -> list[Any]:
        """Every value that was logged for a metric."""
        rows = _found(self._histories, run_id, "run")[key]
        return [SimpleNamespace(value=value, timestamp=at, step=step) for value, at, step in rows]

    def get_model_version(self, name: str, version: str) -> Any:
        """A registered version."""
        return _found(self._versions, f"{name}/{version}", "model version")

    def search_model_versions(self, *_: Any, **__: Any) -> Page:
        """Every version that the audit used."""
        return Page(self._versions.values())

    def get_logged_model(self, model_id: str) -> Any:
        """The logged model behind a version: where its files lie in the bundle."""
        known = {str(one.source).removeprefix("models:/"): one for one in self._versions.values()}
        one = _found(known, model_id, "logged model")
        return SimpleNamespace(artifact_location=str(self._home / MODELS / one.name / one.version))


def _found(known: Mapping[str, Any], key: str, what: str) -> Any:
    if key not in known:
        from mlflow.exceptions import MlflowException

        raise MlflowException(f"the bundle's record of MLflow has no {what} {key}")
    return known[key]


def _run(run_id: str, facts: Mapping[str, Any]) -> Any:
    inputs = SimpleNamespace(
        dataset_inputs=[SimpleNamespace(dataset=SimpleNamespace(**one)) for one in facts["datasets"]],
        model_inputs=[SimpleNamespace(model_id=one) for one in facts["models"]],
    )
    last = {key: rows[-1][0] for key, rows in facts["metrics"].items()}
    return SimpleNamespace(
        info=SimpleNamespace(run_id=run_id, lifecycle_stage=facts["lifecycle"], status=facts["status"]),
        data=SimpleNamespace(params=dict(facts["params"]), tags=dict(facts["tags"]), metrics=last),
        inputs=inputs,
    )


def _version(key: str, facts: Mapping[str, Any]) -> Any:
    name, _, version = key.rpartition("/")
    return SimpleNamespace(name=name, version=version, **{one: facts[one] for one in FACTS})


FACTS = ("source", "run_id", "model_id", "tags", "creation_timestamp")
"""What is kept of a version, by MLflow's own names."""
