"""What MLflow holds about one audit, as a record that goes into a bundle (read by ``audit.home_record``)."""

from __future__ import annotations

from audit.evidence.registry import registry_now
from audit.evidence.statements import to_json
from audit.evidence.store import AuditStore, mlflow_run
from audit.home import AUDITS, experiment


def mlflow_record(store: AuditStore) -> bytes:
    """The audit's run, what its registry statement is about as it is today, and the register's anchor.

    A run that MLflow no longer has is not in the record; verification then names it as removed.
    """
    run = mlflow_run(store.home, store.run_id)
    own = {store.run_id: {"lifecycle": run.info.lifecycle_stage, "tags": dict(run.data.tags)}} if run else {}
    tags = dict(experiment(store.home, AUDITS).tags)
    return to_json({"experiment": {"tags": tags}, "runs": own, "registry": registry_now(store)}, indent=2)
