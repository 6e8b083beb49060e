"""What MLflow holds about one audit, as a record that goes into a bundle (read by ``audit.home_record``)."""

from __future__ import annotations

import json
from typing import Any

from audit.evidence.registry import FILE
from audit.evidence.statements import to_json
from audit.evidence.store import AuditStore
from audit.home import AUDITS, experiment, open_home
from audit.home_record import FACTS
from audit.records import BadInput


def mlflow_record(store: AuditStore) -> bytes:
    """The audit's run, the training runs and versions that its registry statement names, and the register's anchor.

    What MLflow no longer has is not in the record; verification then names it as removed.
    """
    client = open_home(store.home)
    runs, versions = stated_names(store)
    found = {
        "experiment": {"tags": dict(experiment(store.home, AUDITS).tags)},
        "runs": _present(lambda run_id: _run(client, run_id), dict.fromkeys([store.run_id, *runs])),
        "versions": _present(lambda name: _version(client, name), versions),
    }
    return to_json(found, indent=2)


def stated_names(store: AuditStore) -> tuple[list[str], list[str]]:
    """Run ids and 'name/version' that the audit's registry statement is about; none where it stated nothing."""
    try:
        stated = json.loads(store.read_bytes(FILE))
        return list(stated["runs"]), list(stated["versions"])
    except (BadInput, ValueError, KeyError, TypeError):
        return [], []


def _present(read: Any, names: Any) -> dict[str, Any]:
    from mlflow.exceptions import MlflowException

    found = {}
    for name in names:
        try:
            found[name] = read(name)
        except MlflowException:
            continue
    return found


def _run(client: Any, run_id: str) -> dict[str, Any]:
    run = client.get_run(run_id)
    return {
        "lifecycle": run.info.lifecycle_stage,
        "status": run.info.status,
        "params": dict(run.data.params),
        "tags": dict(run.data.tags),
        "metrics": {
            key: [[one.value, one.timestamp, one.step] for one in client.get_metric_history(run_id, key)]
            for key in sorted(run.data.metrics)
        },
        "datasets": sorted(
            ({"name": one.dataset.name, "profile": one.dataset.profile} for one in run.inputs.dataset_inputs),
            key=lambda one: (one["name"], str(one["profile"])),
        ),
        "models": sorted(one.model_id for one in run.inputs.model_inputs),
    }


def _version(client: Any, name: str) -> dict[str, Any]:
    found = client.get_model_version(*name.rsplit("/", 1))
    facts = {one: getattr(found, one) for one in FACTS}
    return {**facts, "tags": dict(found.tags)}
