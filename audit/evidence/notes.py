"""The description of an audit on MLflow's own page: version, training run, training data, sets, documents, as links.

MLflow shows a run's inputs without the way behind them. Its description (Markdown) is what a reader of the page meets
first; each link leads to a page of the same MLflow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from audit.evidence.store import AuditStore
from audit.home import open_home
from audit.records import ModelVersion

NOTE = "mlflow.note.content"
SHORT = 12


def log_note(store: AuditStore, sets: Sequence[tuple[str, str]], models: Mapping[str, ModelVersion]) -> None:
    """Writes the path behind the audit below the sentence that its run was created with; again the same, once.

    ``sets``: name and SHA-256 of each data set that went in.
    """
    client = open_home(store.home)
    run = client.get_run(store.run_id)
    first = run.data.tags.get(NOTE, "").partition("\n")[0]
    page = f"#/experiments/{run.info.experiment_id}/runs/{store.run_id}/artifacts"
    lines = [
        *(line for role, model in models.items() for line in _version(client, role, model)),
        *(f"- data set {name}, SHA-256 `{digest[:SHORT]}`" for name, digest in sets),
        f"- [tables]({page}/tables), [documents]({page}/documents) and [ledger]({page}/ledger.jsonl) of the audit",
    ]
    store.set_tags({NOTE: "\n".join([first, "", *lines])})


def _version(client: Any, role: str, model: ModelVersion) -> Iterator[str]:
    if model.kind == "recorded":
        yield f"- {role}: {model.label}, recorded predictions"
        return
    page = f"#/models/{quote(model.name, safe='')}/versions/{model.version}"
    digest = model.training_set_digest
    data = f"training data with SHA-256 `{digest[:SHORT]}`" if digest else "training data: not stated"
    yield f"- {role}: [{model.label}]({page}), {_training(client, model)}, {data}"


def _training(client: Any, model: ModelVersion) -> str:
    from mlflow.exceptions import MlflowException

    if not model.training_run:
        return "training run: not stated"
    try:
        info = client.get_run(model.training_run).info
    except MlflowException:
        return f"training run {model.training_run}"
    return f"trained in [{info.run_name}](#/experiments/{info.experiment_id}/runs/{info.run_id})"
