"""`audit lineage`: from a number, a document or an audit back to shards, plan, set, model, training run and code."""

import json
from pathlib import Path

import pytest
from toy_walk import Walk, audit

from audit.tables import ESTIMATES


def tree(walk: Walk, *what: object) -> str:
    asked = audit("lineage", *what, "--home", walk.home)
    assert asked.code == 0, asked.err
    return asked.out


def leads_back(walk: Walk, text: str) -> None:
    model = json.loads(walk.store.read_bytes("model.json"))["candidate"]
    (digest,) = json.loads(walk.store.read_bytes("lock.json"))["sets"].values()
    for expected in (" shard ", "plan.yaml", f"SHA-256 {digest[:12]}", "model:", "commit "):
        assert expected in text
    assert f"training run {model['training_run']}" in text
    assert f"training data SHA-256 {model['training_set_digest'][:12]}" in text
    assert f"MLflow run {walk.store.run_id}" in text


def test_an_estimate_leads_back_to_rows_model_and_run(done: Walk) -> None:
    row = done.store.read_table(ESTIMATES).dropna(subset=["value"]).iloc[0]
    text = tree(done, row["estimate_id"])
    assert text.startswith(f"{row['estimate_id']}: {row['version']}, {row['measure']}")
    assert str(row["value"]) in text
    leads_back(done, text)
    address = f"{done.store.latest('estimates').id[:12]}#/{row['estimate_id']}/value"  # type: ignore[union-attr]
    assert tree(done, address).startswith(f"{address}: {row['value']}")


def test_a_delivered_document_and_an_audit(done: Walk) -> None:
    path = done.store.folder / "documents" / "eu_ai_act_annex_iv.pdf"
    leads_back(done, tree(done, path))
    whole = tree(done)
    leads_back(done, whole)
    assert whole.startswith(f"audit {done.audit_id}")
    machine = audit("lineage", done.audit_id, "--home", done.home, "--json").json
    assert machine["lineage"]["from"][0]["label"].startswith("document ")


@pytest.mark.parametrize(
    ("what", "words"), [("E0123", "0 rows of the estimates"), ("ffff#/a", "0 statements"), ("nothing", "no such audit")]
)
def test_what_no_audit_holds_is_refused(done: Walk, what: str, words: str) -> None:
    asked = audit("lineage", what, "--home", done.home)
    assert asked.code == 2
    assert words in asked.err
    assert "Traceback" not in asked.err


def test_a_stranger_s_file_is_refused(done: Walk, tmp_path: Path) -> None:
    (tmp_path / "other.pdf").write_bytes(b"%PDF-1.7")
    asked = audit("lineage", tmp_path / "other.pdf", "--home", done.home)
    assert asked.code == 2
    assert "no audit of" in asked.err
