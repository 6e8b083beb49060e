"""The same evidence on other stores: PostgreSQL with S3-compatible artifacts, a tracking server with basic auth.

On each, an untouched audit verifies and bundles, and every edit of MLflow's records or of the stored files is named.
All edits are made one after another and looked for in one verification, because a store takes seconds to start.
"""

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from mlflow.artifacts import download_artifacts
from sqlalchemy import create_engine, text
from stores import ADMIN, BUCKET, PASSWORD, S3, object_store, postgres, postgres_tools, tracking_server
from tiny_audit import Finished, make_plan, recompute, run_tiny

from audit.evidence.bundled import unpacked
from audit.evidence.difference import Difference
from audit.evidence.integrity import check_integrity
from audit.evidence.lineage import DatasetUse, log_lineage
from audit.evidence.locks import read_lock
from audit.evidence.pointers import log_pointers
from audit.evidence.registry import state_registry
from audit.evidence.store import AuditStore, list_audits, open_audit
from audit.evidence.verification import verify
from audit.home import TRAINING, experiment, open_home
from audit.home_address import Address, address_of
from audit.model_refs import OnnxModel
from audit.models.stored import file_digests
from audit.records import BadInput, ModelVersion
from audit.sharing.bundling import make_bundle
from audit.sharing.erasing import erase
from audit.tables import CASES

REF = OnnxModel(kind="onnx", name="device", version="1")
MISSING = [name for name in ("moto", "boto3", "psycopg", "flask_wtf") if importlib.util.find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")


@dataclass(frozen=True)
class Elsewhere:
    """A finished audit whose MLflow stands elsewhere; ``database``: SQLAlchemy's address of what is behind it."""

    home: Path
    audit_id: str
    training_run: str
    deleted_run: str
    database: str

    @property
    def store(self) -> AuditStore:
        return open_audit(self.home, self.audit_id, {})

    def check(self) -> list[Difference]:
        return verify(self.store, recompute, lambda: {"candidate": file_digests(REF, self.home)})


@contextmanager
def environment(**values: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for key, value in values.items():
            patch.setenv(key, value)
        yield


def address(home: Path, **facts: str) -> Path:
    home.mkdir(parents=True)
    (home / "home.yaml").write_text(yaml.safe_dump(facts))
    return home


def register_device(home: Path, place: Path) -> tuple[str, str]:
    """A version of two files; returns its training run, and one that was deleted before the audit."""
    client = open_home(home)
    run_id, deleted = (str(client.create_run(experiment(home, TRAINING).experiment_id).info.run_id) for _ in range(2))
    client.delete_run(deleted)
    client.log_metric(run_id, "auroc", 0.9)
    (place / "data").mkdir(parents=True)
    (place / "MLmodel").write_text("flavors: {}")
    (place / "data" / "model.onnx").write_bytes(b"weights")
    logged = client.create_logged_model(experiment(home, TRAINING).experiment_id, name="device")
    client.log_model_artifacts(logged.model_id, str(place))
    client.finalize_logged_model(logged.model_id, "READY")
    client.create_registered_model("device")
    client.create_model_version("device", f"models:/{logged.model_id}", run_id=run_id, model_id=logged.model_id)
    return run_id, deleted


def finished_audit(home: Path, place: Path, database: str) -> Elsewhere:
    """The tiny audit, with lineage and what MLflow held when it ended."""
    run_id, deleted = register_device(home, place / "version")
    model = ModelVersion("device", "1", "onnx", "models:/device/1", file_digests(REF, home), ("o",), run_id, "7" * 64)

    def before_the_end(store: AuditStore) -> None:
        log_pointers(store)
        log_lineage(store, make_plan().plan, [DatasetUse("four_cases", "a" * 64)], {"candidate": model})
        state_registry(store, {"candidate": model, "comparator": replace(model, training_run=deleted)})

    made: Finished = run_tiny(home, place / "unused", before_the_end=before_the_end, digests=dict(model.digests))
    return Elsewhere(home, made.audit_id, run_id, deleted, database)


@pytest.fixture(scope="session")
def objects() -> Iterator[str]:
    with environment(**S3), object_store() as url, environment(MLFLOW_S3_ENDPOINT_URL=url):
        yield url


@pytest.fixture(scope="session")
def on_postgres(objects: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    tools = postgres_tools()
    if tools is None:
        pytest.skip("PostgreSQL's server (initdb, pg_ctl) is not installed")
    folder = tmp_path_factory.mktemp("postgres")
    with environment(PGPASSWORD=PASSWORD), postgres(tools) as uri:
        home = address(folder / "evidence", tracking=uri, artifacts=f"s3://{BUCKET}/one")
        yield finished_audit(home, folder, uri)


@pytest.fixture(scope="session")
def on_a_server(objects: str, empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    folder = tmp_path_factory.mktemp("server")
    database = shutil.copyfile(empty_home / "mlflow.db", folder / "server.db")
    with tracking_server(folder, database, f"s3://{BUCKET}/two", {}) as url, environment(**ADMIN):
        home = address(folder / "evidence", tracking=url, experiments="site-a")
        yield finished_audit(home, folder, f"sqlite:///{database}")


@pytest.fixture(params=["on_postgres", "on_a_server"])
def elsewhere(request: pytest.FixtureRequest) -> Elsewhere:
    found: Elsewhere = request.getfixturevalue(request.param)
    return found


def by_sql(elsewhere: Elsewhere, statement: str) -> None:
    engine = create_engine(elsewhere.database)
    with engine.begin() as connection:
        assert connection.execute(text(statement)).rowcount >= 1
    engine.dispose()


def edits(elsewhere: Elsewhere, place: Path) -> list[str]:
    """Edits one thing after another; returns what each must be named as."""
    client, store = open_home(elsewhere.home), elsewhere.store
    run_id, training = store.run_id, elsewhere.training_run
    client.set_tag(run_id, "audit.mode", "exploratory")
    client.set_tag(training, "sites", "more than before")
    client.log_metric(training, "auroc", 0.99)
    by_sql(elsewhere, "UPDATE params SET value = '8' WHERE key = 'plan.seed'")
    client.set_model_version_tag("device", "1", "approved", "yes")
    place.mkdir()
    (place / "findings.json").write_text("[]")
    client.log_artifact(run_id, str(place / "findings.json"))
    (place / "better.pdf").write_bytes(b"%PDF")
    client.log_artifact(run_id, str(place / "better.pdf"), "documents")
    logged = str(client.get_model_version("device", "1").source).removeprefix("models:/")
    (place / "model.onnx").write_bytes(b"other weights")
    client.log_model_artifacts(logged, str(replaced(place)))
    return [
        "MLflow tag audit.mode",
        f"MLflow: /runs/{training}/tags/sites",
        f"MLflow: /runs/{training}/metrics/auroc",
        f"MLflow: /runs/{run_id}/parameters/plan.seed",
        "MLflow: /versions/device/1/tags/approved",
        "artifact store: findings.json",
        "artifact store: documents/better.pdf",
        "model candidate: file data/model.onnx",
    ]


def replaced(place: Path) -> Path:
    folder = place / "version" / "data"
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"other weights")
    return folder.parent


def bundled(elsewhere: Elsewhere, path: Path) -> None:
    """The audit's bundle verifies without any of the servers' help."""
    make_bundle(elsewhere.store, path, images=False, models=False, role="", who="", at="")
    with unpacked(path) as (home, _):
        assert verify(open_audit(home, producer={}), recompute, lambda: read_lock(elsewhere.store).models) == []


def no_credentials(home: Path, bundle: Path) -> None:
    written = [path.read_bytes() for path in (*home.rglob("*"), bundle) if path.is_file()]
    for secret in (ADMIN["MLFLOW_TRACKING_PASSWORD"], PASSWORD):
        assert not [data for data in written if secret.encode() in data]


def test_every_edit_is_found_and_named(elsewhere: Elsewhere, tmp_path: Path) -> None:
    assert elsewhere.check() == [], "untouched"
    assert [one.audit_id for one in list_audits(elsewhere.home)] == [elsewhere.audit_id]
    bundled(elsewhere, tmp_path / "bundle")
    no_credentials(elsewhere.home, tmp_path / "bundle")
    things = edits(elsewhere, tmp_path / "edits")
    client = open_home(elsewhere.home)
    client.delete_run(elsewhere.training_run)
    client.restore_run(elsewhere.deleted_run)
    things += [f"MLflow: /runs/{run}/lifecycle" for run in (elsewhere.training_run, elsewhere.deleted_run)]
    found = [one.thing for one in elsewhere.check()]
    assert [thing for thing in things if thing not in found] == []
    by_sql(elsewhere, "UPDATE model_versions SET source = 'models:/m-0'")
    client.delete_run(elsewhere.store.run_id)
    found = [one.thing for one in elsewhere.check()]
    assert "MLflow: /versions/device/1/source" in found
    assert f"MLflow run {elsewhere.store.run_id}" in found


def test_what_a_server_refuses_is_one_sentence_without_the_password(on_a_server: Elsewhere, tmp_path: Path) -> None:
    uri = yaml.safe_load((on_a_server.home / "home.yaml").read_text())["tracking"]
    other = address(tmp_path / "other", tracking=uri, experiments="site-a")
    with pytest.raises(BadInput, match="'site-a/imaging-audit' belongs to another home"):
        open_home(other)
    stranger = address(tmp_path / "stranger", tracking=uri)
    with environment(MLFLOW_TRACKING_PASSWORD="guessed wrongly"), pytest.raises(BadInput) as refused:
        open_home(stranger)
    assert "MLflow cannot be reached there" in str(refused.value)
    assert "guessed" not in str(refused.value)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"tracking": "postgresql://a:secret@h/db"}, "holds credentials"),
        ({"tracking": "postgresql://h/db?password=secret"}, "holds credentials"),
        ({"tracking": "http://user@h"}, "holds credentials"),
        ({"tracking": "http://h", "artifacts": "s3://key:secret@bucket"}, "holds credentials"),
        ({"tracking": "ftp://h"}, "'ftp://…' is not known"),
        ({"tracking": 5}, "expected 'tracking'"),
        ({"tracking": "http://h", "token": "secret"}, "nothing else"),
    ],
    ids=["password", "query", "user", "artifacts", "scheme", "number", "unknown key"],
)
def test_an_address_that_is_none_is_refused(tmp_path: Path, facts: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words) as refused:
        open_home(address(tmp_path / "home", **facts))
    assert "secret" not in str(refused.value)
    assert not (tmp_path / "home" / "mlflow.db").exists()


def test_the_environment_names_the_store_where_no_file_does(tmp_path: Path) -> None:
    assert address_of(tmp_path) is None
    with environment(AUDIT_TRACKING_URI="http://h:5000", AUDIT_ARTIFACTS="s3://b/"):
        assert address_of(tmp_path) == Address("http://h:5000", "s3://b", "")
        (tmp_path / "home.yaml").write_text("tracking: postgresql+psycopg2://h/db")
        assert address_of(tmp_path) == Address("postgresql+psycopg2://h/db", None, "")
    (tmp_path / "home.yaml").write_text("{")
    with pytest.raises(BadInput, match="not readable YAML"):
        address_of(tmp_path)


def test_what_is_erased_leaves_the_object_store_as_well(on_postgres: Elsewhere, tmp_path: Path) -> None:
    facts = {"tracking": on_postgres.database, "artifacts": f"s3://{BUCKET}/three", "experiments": "site-b"}
    home = address(tmp_path / "evidence", **facts)
    known = pd.DataFrame({"case_id": [f"c{n}" for n in range(4)], "patient_id": [f"p{n}" for n in range(4)]})
    cases = CASES.conform(known.assign(validation_set="four_cases", image="i", sha256="0" * 64))
    store = run_tiny(home, tmp_path / "unused", before_the_end=lambda one: one.put_table(CASES, cases) and None).store
    assert check_integrity(store) == [], "untouched"
    made = erase(store, "p2", None, "consent withdrawn", "D. Officer")
    assert {"tables/cases.parquet", "shards/00000.parquet", "tables/observations.parquet"} <= set(made.erasure.files)
    assert check_integrity(store) == [], "each object is the file without the patient's rows"
    there = download_artifacts(run_id=store.run_id, artifact_path="tables/cases.parquet", dst_path=str(tmp_path))
    assert pd.read_parquet(there)["patient_id"].tolist() == ["p0", "p1", "p3"]
