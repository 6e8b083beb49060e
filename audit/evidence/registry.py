"""What MLflow held about an audit when it ended, and whether it holds the same today.

MLflow lets metrics be logged again, tags be set, runs be deleted and versions be pointed elsewhere without a trace in
its own record. So the audit states what it found (``registry.json``): of its own run and of each version's training
run the parameters, the whole history of every metric, tags and inputs, name, user, times and places; of each version
its source, run, tags and the logged model behind it. ``audit verify`` reads MLflow again and names what was edited. A
run that was deleted and restored in between leaves nothing to see; aliases and stages say what a version is used for
next, and are left to change.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from audit.evidence.comparison import compare_records
from audit.evidence.difference import Difference
from audit.evidence.statements import MISSHAPEN, to_json
from audit.evidence.store import AuditStore
from audit.home import is_record, open_home
from audit.home_record import recorded_registry
from audit.records import BadInput, ModelVersion, Statement

FILE, KIND = "registry.json", "registry"
MOVING = ("audit.head", "audit.state", "audit.statement.", "audit.document.")
"""Tags of the audit's own run that go on changing; they are checked against ledger and register instead."""


def state_registry(store: AuditStore, models: Mapping[str, ModelVersion]) -> Statement:
    """Reads what MLflow holds about the audit's run, its versions and their training runs, and states it."""
    registered = [model for model in models.values() if model.kind != "recorded"]
    versions = [(model.name, model.version) for model in registered]
    runs = [store.run_id, *(model.training_run for model in registered if model.training_run)]
    return store.put_bytes(KIND, FILE, to_json(_snapshot(store, list(dict.fromkeys(runs)), versions), indent=2))


def check_registry(store: AuditStore) -> list[Difference]:
    """What MLflow no longer holds as stated; empty for an audit that stated nothing.

    What an audit of an earlier version did not state is not looked at.
    """
    stated = stated_registry(store)
    if not stated:
        return []
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        now = _like(registry_now(store), stated)
    except (MlflowException, SQLAlchemyError) as error:
        what = f"MLflow cannot read what its database holds of the audit: {' '.join(str(error).split())}"
        return [Difference("MLflow", "readable", "not readable", what)]
    return [_in_words(one) for one in compare_records("MLflow", now, stated)]


def stated_registry(store: AuditStore) -> dict[str, Any]:
    """What the audit stated; empty where it stated nothing, or its file was changed (which is named by itself)."""
    try:
        stated = json.loads(store.read_bytes(FILE)) if FILE in store.subjects() else {}
        return stated if isinstance(stated["runs"], dict) and isinstance(stated["versions"], dict) else {}
    except (BadInput, *MISSHAPEN):
        return {}


def registry_now(store: AuditStore) -> dict[str, Any]:
    """What MLflow (or a bundle's record of it) holds today about the runs and versions that the audit stated."""
    if is_record(store.home):
        return recorded_registry(store.home)
    stated = stated_registry(store)
    versions = [tuple(name.rsplit("/", 1)) for name in stated.get("versions", {})]
    return _snapshot(store, list(stated.get("runs", {})), [(name, number) for name, number in versions])


def _like(now: Any, stated: Any, depth: int = 3) -> Any:
    """``now`` without facts that ``stated`` does not have, because an earlier version of the suite stated it."""
    if depth == 0 or not isinstance(now, dict) or not isinstance(stated, dict):
        return now
    return {key: _like(now[key], stated[key], depth - 1) for key in now if key in stated}


def _snapshot(store: AuditStore, runs: list[str], versions: list[tuple[str, str]]) -> dict[str, Any]:
    client = open_home(store.home)
    found = {
        "runs": {run_id: _run(client, store, run_id) for run_id in runs},
        "versions": {f"{name}/{version}": _version(client, store.home, name, version) for name, version in versions},
    }
    plain: dict[str, Any] = json.loads(to_json(found))
    return plain


def _run(client: Any, store: AuditStore, run_id: str) -> dict[str, Any] | str:
    from mlflow.exceptions import MlflowException

    try:
        run = client.get_run(run_id)
        experiment = client.get_experiment(run.info.experiment_id)
    except MlflowException:
        return "removed"
    own = run_id == store.run_id
    names = {*run.data.metrics, *_metrics_in_database(client, run_id)}
    metrics = {key: _history(client, run_id, key) for key in sorted(names)}
    return {
        "lifecycle": run.info.lifecycle_stage,
        "name": run.info.run_name,
        "user": run.info.user_id,
        "started": run.info.start_time,
        **({} if own else {"ended": run.info.end_time, "status": run.info.status}),
        "experiment": experiment.name,
        "experiment_artifacts": _place(store.home, experiment.artifact_location),
        "artifacts": _place(store.home, run.info.artifact_uri),
        "parameters": dict(run.data.params),
        "metrics": metrics,
        "latest": {one.key: _latest(one, metrics[one.key]) for one in run.to_proto().data.metrics},
        "tags": {key: value for key, value in run.data.tags.items() if not key.startswith(MOVING)},
        "datasets": sorted(f"{one.dataset.name}: {one.dataset.profile}" for one in run.inputs.dataset_inputs),
        "inputs": sorted((_input(one) for one in run.inputs.dataset_inputs), key=lambda one: str(sorted(one.items()))),
        "models": sorted(one.model_id for one in run.inputs.model_inputs),
        "outputs": sorted(one.model_id for one in (run.outputs.model_outputs if run.outputs else ())),
    }


def _input(one: Any) -> dict[str, Any]:
    facts = {name: getattr(one.dataset, name) for name in ("name", "digest", "source_type", "source", "schema")}
    return facts | {"tags": {tag.key: tag.value for tag in one.tags}}


def _metrics_in_database(client: Any, run_id: str) -> list[str]:
    """Names of the metrics that MLflow's database holds of a run: its client lists those alone that have a latest
    value, and gives the history of the others to whoever asks by name. A tracking server tells no more than its
    client."""
    if urlsplit(client.tracking_uri).scheme in ("http", "https"):
        return []
    from sqlalchemy import create_engine, text

    engine = create_engine(client.tracking_uri)
    try:
        with engine.connect() as database:
            found = database.execute(text("select distinct key from metrics where run_uuid = :run"), {"run": run_id})
            return [str(key) for key in found.scalars()]
    finally:
        engine.dispose()


def _latest(one: Any, history: list[list[float | int | str]]) -> float | str:
    """The value that MLflow shows; one that its history does not hold at that time and step, with both."""
    value = _number(one.value)
    known = [value, one.timestamp, one.step] in history
    return value if known else f"{value} at time {one.timestamp}, step {one.step}, which its history does not hold"


def _history(client: Any, run_id: str, key: str) -> list[list[float | int | str]]:
    return [[_number(one.value), one.timestamp, one.step] for one in client.get_metric_history(run_id, key)]


def _number(value: float) -> float | str:
    """A metric's value; one that is no number is not the audit's, and no JSON either."""
    return value if math.isfinite(value) else str(value)


def _place(home: Path, uri: str) -> str:
    """Where artifacts lie: inside the home by the path there, which moving the home does not change."""
    parts = urlsplit(uri)
    if parts.scheme not in ("", "file"):
        return uri
    path = Path(unquote(parts.path) if parts.scheme else uri)
    return f"home:{path.relative_to(home).as_posix()}" if path.is_relative_to(home) else uri


def _version(client: Any, home: Path, name: str, version: str) -> dict[str, Any] | str:
    from mlflow.exceptions import MlflowException

    try:
        found = client.get_model_version(name, version)
    except MlflowException:
        return "removed"
    facts = {"source": found.source, "run": found.run_id, "model": found.model_id, "tags": dict(found.tags)}
    facts |= {"created": found.creation_timestamp, "user": found.user_id, "status": found.status}
    facts |= {"description": found.description or "", "of": _registered(client, name)}
    facts |= {"loaded_from": _place(home, client.get_model_version_download_uri(name, version))}
    source = str(found.source)
    return facts | {"logged": _logged(client, home, source), "logged_metrics": _logged_metrics(client, source)}


def _registered(client: Any, name: str) -> dict[str, Any]:
    found = client.get_registered_model(name)
    return {"description": found.description or "", "tags": dict(found.tags), "created": found.creation_timestamp}


def _logged(client: Any, home: Path, source: str) -> dict[str, Any] | str:
    from mlflow.exceptions import MlflowException

    try:
        found = client.get_logged_model(source.removeprefix("models:/"))
    except MlflowException:
        return "none"
    return {
        "name": found.name,
        "type": found.model_type,
        "status": str(found.status),
        "run": found.source_run_id,
        "created": found.creation_timestamp,
        "tags": dict(found.tags),
        "parameters": dict(found.params),
        "artifacts": _place(home, found.artifact_location),
    }


def _logged_metrics(client: Any, source: str) -> list[list[float | int | str]]:
    from mlflow.exceptions import MlflowException

    try:
        found = client.get_logged_model(source.removeprefix("models:/")).metrics or []
    except MlflowException:
        return []
    rows = ([one.key, _number(one.value), one.timestamp, one.step, one.run_id or ""] for one in found)
    return sorted(rows, key=str)


def _in_words(one: Difference) -> Difference:
    return replace(one, explanation="MLflow's record was edited after the audit ended.")
