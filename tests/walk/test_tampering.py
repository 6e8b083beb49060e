"""One thing changed in a finished audit: ``audit verify`` leaves with 1 and names that very thing."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient
from toy_walk import Walk, audit

from audit.evidence.parquet import table_bytes
from audit.home import open_home
from audit.tables import ESTIMATES, OBSERVATIONS, PREDICTIONS, Table

Change = Callable[[Walk], str]


def flip(path: Path, place: int = -1) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(bytes(data))


def byte_of(name: str, place: int = -1) -> Change:
    def change(walk: Walk) -> str:
        flip(walk.store.folder / name, place)
        return name

    return change


def overlay(walk: Walk) -> str:
    path = sorted((walk.store.folder / "explanations").rglob("*.png"))[0]
    flip(path, 1000)
    return path.relative_to(walk.store.folder).as_posix()


def value_in(table: Table, column: str, thing: str) -> Change:
    """Adds 0.001 to the first stored number of a column and writes the table as the product would."""

    def change(walk: Walk) -> str:
        relative = f"tables/{table.name}.parquet"
        frame = walk.store.read_table(table)
        row = frame[column].first_valid_index()
        frame.loc[row, column] = frame.loc[row, column] + 0.001
        (walk.store.folder / relative).write_bytes(table_bytes(table, frame))
        return thing.format(**frame.loc[row].to_dict())

    return change


def finding(walk: Walk) -> str:
    path = walk.store.folder / "findings.json"
    whole = json.loads(path.read_bytes())
    whole[3]["verdict"] = "met"
    path.write_text(json.dumps(whole, indent=2), encoding="utf-8")
    return "findings.json: /3/verdict"


def model_file(walk: Walk) -> str:
    path = sorted((walk.home / "artifacts" / "training").rglob("model.pt2"))[0]
    flip(path, 5000)
    return "file data/model.pt2"


def ledger(edit: Callable[[list[bytes]], list[bytes]], thing: str) -> Change:
    def change(walk: Walk) -> str:
        path = walk.store.folder / "ledger.jsonl"
        path.write_bytes(b"".join(edit(path.read_bytes().splitlines(keepends=True))))
        return thing

    return change


def edited(lines: list[bytes]) -> list[bytes]:
    place = lines[4].index(b'"payload":"') + 300
    letter = b"A" if lines[4][place : place + 1] != b"A" else b"B"
    return [*lines[:4], lines[4][:place] + letter + lines[4][place + 1 :], *lines[5:]]


def added(walk: Walk) -> str:
    (walk.store.folder / "documents" / "better.pdf").write_bytes(b"%PDF-1.7")
    return "documents/better.pdf"


def deleted(walk: Walk) -> str:
    (walk.store.folder / "shards" / "00000.parquet").unlink()
    return "shards/00000.parquet"


def tag(walk: Walk) -> str:
    with closing(sqlite3.connect(walk.home / "mlflow.db")) as database, database:
        changed = database.execute("UPDATE tags SET value = 'exploratory' WHERE key = 'audit.mode'").rowcount
    assert changed == 1
    return "MLflow tag audit.mode"


def client(walk: Walk) -> MlflowClient:
    return open_home(walk.home)


def training_run(walk: Walk) -> str:
    return str(json.loads(walk.store.read_bytes("model.json"))["candidate"]["training_run"])


def metric_again(walk: Walk) -> str:
    key = sorted(client(walk).get_run(walk.store.run_id).data.metrics)[0]
    client(walk).log_metric(walk.store.run_id, key, 0.999)
    return f"MLflow: /runs/{walk.store.run_id}/metrics/{key}"


def training_tag(walk: Walk) -> str:
    client(walk).set_tag(training_run(walk), "sites", "more than before")
    return f"MLflow: /runs/{training_run(walk)}/tags/sites"


def in_database(statement: str, thing: str) -> Change:
    def change(walk: Walk) -> str:
        with closing(sqlite3.connect(walk.home / "mlflow.db")) as database, database:
            assert database.execute(statement).rowcount >= 1
        return thing

    return change


def run_deleted(walk: Walk) -> str:
    client(walk).delete_run(training_run(walk))
    return f"MLflow: /runs/{training_run(walk)}/lifecycle"


CHANGES: dict[str, Change] = {
    "metric logged again": metric_again,
    "tag of a training run": training_tag,
    "training run deleted": run_deleted,
    "parameter of the plan": in_database(
        "UPDATE params SET value = '8' WHERE key = 'plan.seed'", "parameters/plan.seed"
    ),
    "dataset input": in_database("UPDATE datasets SET dataset_profile = '{}'", "datasets/0"),
    "version pointed nowhere": in_database("UPDATE model_versions SET source = 'models:/m-0'", "/source"),
    "version pointed to the other": in_database(
        "UPDATE model_versions SET source = (SELECT min(source) FROM model_versions)", "/source"
    ),
    "byte of a prediction shard": byte_of("shards/00000.parquet", 60),
    "byte of a shard's masks": byte_of("shards/00000.npz", 2000),
    "byte of the predictions table": byte_of("tables/predictions.parquet", 60),
    "byte of the references": byte_of("tables/references.parquet", 60),
    "byte of the reference masks": byte_of("references/outline.npz", 200),
    "byte of the observations": byte_of("tables/observations.parquet", 60),
    "byte of the estimates": byte_of("tables/estimates.parquet", 60),
    "byte of an overlay": overlay,
    "byte of a PDF": byte_of("documents/eu_ai_act_annex_iv.pdf", 3000),
    "byte of the plan": byte_of("plan.yaml", -2),
    "value of a prediction": value_in(
        PREDICTIONS, "score", "predictions: row {version} / {case_id} / {target}, column score"
    ),
    "value of an observation": value_in(
        OBSERVATIONS, "score", "observations: row {version} / {case_id} / {target}, column score"
    ),
    "value of an estimate": value_in(ESTIMATES, "value", "estimates: row {estimate_id}, column value"),
    "verdict": finding,
    "registered model's file": model_file,
    "edited ledger line": ledger(edited, "ledger.jsonl line 5"),
    "deleted ledger line": ledger(lambda lines: [*lines[:4], *lines[5:]], "ledger.jsonl statement 4"),
    "swapped ledger lines": ledger(lambda lines: [*lines[:4], lines[5], lines[4], *lines[6:]], "ledger.jsonl line 6"),
    "ledger cut at its end": ledger(lambda lines: lines[:-1], "ledger.jsonl"),
    "added file": added,
    "deleted shard": deleted,
    "MLflow tag": tag,
}


TRIED = (
    "metric logged again", "training run deleted", "version pointed nowhere", "byte of a prediction shard",
    "value of an estimate", "verdict", "registered model's file", "deleted ledger line", "swapped ledger lines",
    "ledger cut at its end",
)  # fmt: skip
"""One of each kind: every one of them costs a verification. All of them: benchmarks/tampering.py."""


@pytest.mark.parametrize("name", TRIED)
def test_what_was_changed_is_named(finished: Walk, name: str) -> None:
    thing = CHANGES[name](finished)
    checked = audit("verify", finished.audit_id, "--home", finished.home)
    assert checked.code == 1
    named = [line.removeprefix("- ") for line in checked.out.splitlines() if line.startswith("- ")]
    assert any(thing in line for line in named), checked.out[:2000]
    assert "Traceback" not in checked.err


def test_an_estimate_and_its_ledger_line_forged_together(finished: Walk) -> None:
    frame = finished.store.read_table(ESTIMATES)
    frame.loc[0, "value"] = frame.loc[0, "value"] + 0.001
    finished.store.put_table(ESTIMATES, frame)
    differences = audit("verify", "--home", finished.home, "--json").json["differences"]
    wanted = f"estimates: row {frame.loc[0, 'estimate_id']}, column value"
    (number,) = [each for each in differences if each["thing"] == wanted]
    assert float(number["found"]) - float(number["expected"]) == pytest.approx(0.001)


def test_a_delivered_pdf_that_was_changed(finished: Walk, tmp_path: Path) -> None:
    copied = tmp_path / "fda_performance_testing.pdf"
    copied.write_bytes((finished.store.folder / "documents" / copied.name).read_bytes())
    assert audit("verify", copied, "--home", finished.home).code == 0
    flip(copied, 2000)
    checked = audit("verify", copied, "--home", finished.home)
    assert checked.code == 1
    assert "- fda_performance_testing.pdf" in checked.out
    assert "This is not the delivered file" in checked.out


def test_a_pdf_that_no_audit_delivered(done: Walk, tmp_path: Path) -> None:
    (tmp_path / "unknown.pdf").write_bytes(b"%PDF-1.7")
    checked = audit("verify", tmp_path / "unknown.pdf", "--home", done.home)
    assert checked.code == 1
    assert "No audit of this home delivered this file." in checked.out


def test_every_change_is_reported_not_only_the_first(finished: Walk) -> None:
    things = [CHANGES[name](finished) for name in ("byte of an overlay", "byte of a PDF", "added file")]
    differences = audit("verify", "--home", finished.home, "--json").json["differences"]
    assert sorted(each["thing"] for each in differences) == sorted(things)
    assert all(pd.notna(each["explanation"]) for each in differences)
