"""What MLflow held about an audit when it ended, and whether it holds the same today.

MLflow lets metrics be logged again, tags be set, runs be deleted and versions be pointed elsewhere without a trace in
its own record. So the audit states what it found (``registry.json``): of its own run and of each version's training
run the parameters, the whole history of every metric, tags and inputs; of each version its source, run and tags.
``audit verify`` reads MLflow again and names what was edited. A run that was deleted and restored
leaves nothing to see.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from audit.evidence.comparison import compare_records
from audit.evidence.difference import Difference
from audit.evidence.statements import to_json
from audit.evidence.store import AuditStore
from audit.home import open_home
from audit.records import BadInput, ModelVersion, Statement

FILE, KIND = "registry.json", "registry"
MOVING = ("audit.head", "audit.state", "audit.statement.")
"""Tags of the audit's own run that go on changing; they are checked against ledger and register instead."""


def state_registry(store: AuditStore, models: Mapping[str, ModelVersion]) -> Statement:
    """Reads what MLflow holds about the audit's run, its versions and their training runs, and states it."""
    registered = [model for model in models.values() if model.kind != "recorded"]
    versions = [(model.name, model.version) for model in registered]
    runs = [store.run_id, *(model.training_run for model in registered if model.training_run)]
    return store.put_bytes(KIND, FILE, to_json(_snapshot(store, list(dict.fromkeys(runs)), versions), indent=2))


def check_registry(store: AuditStore) -> list[Difference]:
    """What MLflow no longer holds as stated; empty for an audit that stated nothing."""
    if FILE not in store.subjects():
        return []
    try:
        stated = json.loads(store.read_bytes(FILE))
        runs, versions = list(stated["runs"]), [tuple(name.rsplit("/", 1)) for name in stated["versions"]]
    except (BadInput, ValueError, KeyError, TypeError):
        return []  # its digest is named as changed already
    return [_in_words(one) for one in compare_records("MLflow", _snapshot(store, runs, versions), stated)]


def _snapshot(store: AuditStore, runs: list[str], versions: list[tuple[str, str]]) -> dict[str, Any]:
    client = open_home(store.home)
    found = {
        "runs": {run_id: _run(client, run_id) for run_id in runs},
        "versions": {f"{name}/{version}": _version(client, name, version) for name, version in versions},
    }
    plain: dict[str, Any] = json.loads(to_json(found))
    return plain


def _run(client: Any, run_id: str) -> dict[str, Any] | str:
    from mlflow.exceptions import MlflowException

    try:
        run = client.get_run(run_id)
    except MlflowException:
        return "removed"
    return {
        "lifecycle": run.info.lifecycle_stage,
        "parameters": dict(run.data.params),
        "metrics": {key: _history(client, run_id, key) for key in sorted(run.data.metrics)},
        "tags": {key: value for key, value in run.data.tags.items() if not key.startswith(MOVING)},
        "datasets": sorted(f"{one.dataset.name}: {one.dataset.profile}" for one in run.inputs.dataset_inputs),
        "models": sorted(one.model_id for one in run.inputs.model_inputs),
    }


def _history(client: Any, run_id: str, key: str) -> list[list[float | int]]:
    return [[one.value, one.timestamp, one.step] for one in client.get_metric_history(run_id, key)]


def _version(client: Any, name: str, version: str) -> dict[str, Any] | str:
    from mlflow.exceptions import MlflowException

    try:
        found = client.get_model_version(name, version)
    except MlflowException:
        return "removed"
    facts = {"source": found.source, "run": found.run_id, "model": found.model_id, "tags": dict(found.tags)}
    return facts | {"created": found.creation_timestamp}


def _in_words(one: Difference) -> Difference:
    return replace(one, explanation="MLflow's record was edited after the audit ended.")
