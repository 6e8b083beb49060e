"""What MLflow's own pages show of an audit: datasets, model versions, plan and results, with pointers into the ledger.

MLflow's dataset digests cover the first rows only and hold at most 36 characters; ours cover everything, so the
dataset's digest shows the first 36 characters of the SHA-256 and the tag ``sha256`` all of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from audit.evidence.notes import log_note
from audit.evidence.store import AuditStore
from audit.home import open_home
from audit.plan import Plan
from audit.records import ModelVersion

DIGEST_LENGTH = 36
VALUE_LENGTH = 5000
PARAMETERS = (
    "id", "confidence", "resamples", "seed", "batch_size", "too_few", "success_rule", "missing_data", "validation_sets",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DatasetUse:
    """A data set that went into an audit: its name, full-content SHA-256, what for, and countable facts."""

    name: str
    sha256: str
    context: str = "testing"
    facts: Mapping[str, str | int | float | bool] = field(default_factory=dict)


def log_lineage(store: AuditStore, plan: Plan, datasets: list[DatasetUse], models: Mapping[str, ModelVersion]) -> None:
    """Writes datasets, versions ('candidate', 'comparator') and the plan's parameters to the audit's MLflow run."""
    log_datasets(store, [*datasets, *_training_sets(models)])
    log_models(store, models)
    log_plan(store, plan)
    log_note(store, [(use.name, use.sha256) for use in datasets], models)


def log_datasets(store: AuditStore, datasets: list[DatasetUse]) -> None:
    """Logs dataset inputs under our own full-content digests."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    inputs = []
    for use in datasets:
        profile = json.dumps({"sha256": use.sha256, **use.facts}, sort_keys=True)
        source = json.dumps({"name": use.name, "sha256": use.sha256}, sort_keys=True)
        dataset = Dataset(use.name, use.sha256[:DIGEST_LENGTH], "local", source, profile=profile)
        inputs.append(
            DatasetInput(dataset, [InputTag("mlflow.data.context", use.context), InputTag("sha256", use.sha256)])
        )
    open_home(store.home).log_inputs(store.run_id, datasets=inputs)


def log_models(store: AuditStore, models: Mapping[str, ModelVersion]) -> None:
    """Tags the run with each version, its training run and training-set digest; links MLflow's logged model."""
    tags: dict[str, str] = {}
    for role, model in models.items():
        facts = {
            "name": model.name,
            "version": model.version,
            "uri": model.uri,
            "training_run": model.training_run,
            "training_set_sha256": model.training_set_digest,
        }
        tags |= {f"audit.{role}.{key}": value for key, value in facts.items() if value}
        tags |= {f"audit.{role}.files": json.dumps(dict(model.digests), sort_keys=True)[:VALUE_LENGTH]}
    store.set_tags(tags)
    _link_logged_models(store, models)


def log_plan(store: AuditStore, plan: Plan) -> None:
    """Logs the plan's scalar fields as MLflow parameters; logging the same again changes nothing."""
    from mlflow.entities import Param

    values = {name: getattr(plan, name) for name in PARAMETERS}
    parameters = [Param(f"plan.{name}", _text(value)) for name, value in values.items()]
    open_home(store.home).log_batch(store.run_id, params=parameters)


def log_results(store: AuditStore, plan: Plan, estimates: pd.DataFrame, findings: Mapping[str, str | None]) -> None:
    """Logs the estimate of each endpoint as metrics; ``findings`` maps endpoint id to estimate id (None: none).

    An undefined estimate logs no metric; a value that MLflow has already is not logged again.
    """
    from mlflow.entities import Metric

    client = open_home(store.home)
    known = client.get_run(store.run_id).data.metrics
    at = int(datetime.fromisoformat(store.clock()).timestamp() * 1000)
    rows = estimates.set_index("estimate_id")
    metrics = [
        Metric(key, value, at, 0)
        for endpoint in plan.endpoints
        for key, value in _metrics(endpoint.id, rows, findings.get(endpoint.id))
        if known.get(key) != value
    ]
    client.log_batch(store.run_id, metrics=metrics)


def _metrics(endpoint: str, rows: pd.DataFrame, estimate_id: str | None) -> Iterator[tuple[str, float]]:
    if estimate_id is None or estimate_id not in rows.index:
        return
    for part in ("value", "low", "high"):
        value: Any = rows.loc[estimate_id, part]
        if not pd.isna(value):
            yield _key(endpoint if part == "value" else f"{endpoint}.{part}"), float(value)


def _training_sets(models: Mapping[str, ModelVersion]) -> list[DatasetUse]:
    return [
        DatasetUse(f"training set of {model.label}", model.training_set_digest, "training")
        for model in models.values()
        if model.training_set_digest
    ]


def _link_logged_models(store: AuditStore, models: Mapping[str, ModelVersion]) -> None:
    from mlflow.entities import LoggedModelInput

    ids = [model_id for model in models.values() if (model_id := logged_model_id(store.home, model))]
    if ids:
        open_home(store.home).log_inputs(store.run_id, models=[LoggedModelInput(one) for one in ids])


def logged_model_id(home: Path, model: ModelVersion) -> str | None:
    """MLflow's id of the logged model behind a registered version, where there is one."""
    if model.kind == "recorded":
        return None
    source = str(open_home(home).get_model_version(model.name, model.version).source)
    return source.removeprefix("models:/") if source.startswith("models:/m-") else None


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _key(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_. /-]", "_", name)
