"""Files are whole and stated; tables give the same bytes; resuming sees what is there."""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tiny_audit import AT, PRODUCER, Clock, Finished, make_plan, predictions

from audit.evidence.integrity import check_integrity
from audit.evidence.packages import packages_json
from audit.evidence.parquet import table_bytes, table_from
from audit.evidence.producer import environment, producer
from audit.evidence.statements import sha256
from audit.evidence.store import AuditStore, create_audit, list_audits, new_audit_id, open_audit
from audit.home import open_home
from audit.records import BadInput
from audit.tables import CASES, PREDICTIONS


@pytest.fixture
def store(home: Path) -> AuditStore:
    return create_audit(home, make_plan(), AT, "exploratory", "Not locked.", producer=PRODUCER, clock=Clock())


def test_audit_ids_come_from_their_arguments() -> None:
    one = new_audit_id(make_plan(), AT)
    assert one.startswith("tiny-20260301-")
    assert one == new_audit_id(make_plan(), AT)
    assert len({one, new_audit_id(make_plan(1), AT), new_audit_id(make_plan(), AT.replace("08", "09"))}) == 3


def test_an_audit_is_an_mlflow_run_with_tags(store: AuditStore) -> None:
    run = open_home(store.home).get_run(store.run_id)
    assert run.info.run_name == store.audit_id
    assert run.info.artifact_uri == str(store.folder)
    assert store.tags()["audit.plan_sha256"] == make_plan().sha256
    assert (store.state, store.mode) == ("running", "exploratory")


def test_the_same_audit_is_not_created_twice(store: AuditStore) -> None:
    with pytest.raises(BadInput, match="exists already"):
        create_audit(store.home, make_plan(), AT, "exploratory", "", producer=PRODUCER)


def test_bytes_are_stored_and_stated(store: AuditStore) -> None:
    statement = store.put_bytes("figure", "figures/a.png", b"png", [], {"title": "A"})
    assert store.read_bytes("figures/a.png") == b"png"
    assert statement.subjects == {"figures/a.png": sha256(b"png")}
    assert statement.created == "2026-03-01T09:00:01+00:00"
    assert store.latest("figure") == statement
    assert check_integrity(store) == []


def test_the_later_bytes_count_and_the_earlier_statement_stays(store: AuditStore) -> None:
    first = store.put_bytes("figure", "figures/a.png", b"one")
    second = store.put_bytes("figure", "figures/a.png", b"two", [first])
    assert store.statements("figure") == [first, second]
    assert store.subjects()["figures/a.png"] == second
    assert check_integrity(store) == []


def test_a_table_reads_back_as_put(store: AuditStore) -> None:
    statement = store.put_table(PREDICTIONS, predictions())
    pd.testing.assert_frame_equal(store.read_table(PREDICTIONS), PREDICTIONS.conform(predictions()))
    assert statement.body == {"table": "predictions", "rows": 4}


def test_the_same_frame_gives_the_same_bytes() -> None:
    frame = predictions()
    variants = [
        frame.copy(),
        frame.set_index(pd.Index(list("wxyz"), name="odd")),
        frame[list(reversed(frame.columns))],
        frame.astype({"case_id": "category", "version": object}),
        frame.assign(artifact=np.nan, error=pd.NA),
    ]
    variants[0].attrs["note"] = "not part of the table"
    assert len({table_bytes(PREDICTIONS, one) for one in variants}) == 1
    assert table_bytes(PREDICTIONS, frame.assign(score=0.5)) != table_bytes(PREDICTIONS, frame)


def test_further_columns_keep_value_and_kind() -> None:
    frame = pd.DataFrame(
        {
            "case_id": ["a", "b"],
            "patient_id": ["p", "q"],
            "image": [None, None],
            "sha256": [None, None],
            "age_years": [61.5, np.nan],
            "readers": np.array([3, 4], dtype=np.uint8),
            "enriched": [True, False],
            "site": pd.Categorical(["x", None]),
        }
    )
    back = table_from(CASES, table_bytes(CASES, frame), "cases")
    assert list(map(str, back.dtypes[-4:])) == ["Float64", "Int64", "boolean", "string"]
    assert back["age_years"].isna().tolist() == [False, True]
    assert back["site"].isna().tolist() == [False, True]
    assert table_bytes(CASES, back) == table_bytes(CASES, frame)


def test_a_damaged_table_is_named(store: AuditStore) -> None:
    store.put_table(PREDICTIONS, predictions())
    (store.folder / "tables/predictions.parquet").write_bytes(b"PAR1")
    with pytest.raises(BadInput, match=r"tables/predictions\.parquet: not a readable Parquet table"):
        store.read_table(PREDICTIONS)


def test_resuming_skips_what_is_stated_and_rewrites_what_is_not(store: AuditStore) -> None:
    store.put_files("shard", {"shards/00000.parquet": b"0"}, [], {"index": 0})
    (store.folder / "shards/00001.parquet").write_bytes(b"half of a shard")
    again = open_audit(store.home, store.audit_id, PRODUCER, Clock())
    assert again.has("shards/00000.parquet")
    assert not again.has("shards/00001.parquet")
    assert [one.thing for one in check_integrity(again)] == ["shards/00001.parquet"]
    again.put_files("shard", {"shards/00001.parquet": b"1"}, [], {"index": 1})
    assert check_integrity(again) == []
    assert [one.body["index"] for one in again.statements("shard")] == [0, 1]


def test_a_missing_product_says_what_to_do(store: AuditStore) -> None:
    with pytest.raises(BadInput, match=r"has no findings\.json; run 'audit run PLAN'"):
        store.read_bytes("findings.json")
    assert store.latest("findings") is None


def test_audits_are_opened_by_id_beginning_or_age(finished: Finished) -> None:
    later = create_audit(finished.home, make_plan(5), "2026-04-01T00:00:00+00:00", "exploratory", "", producer=PRODUCER)
    assert open_audit(finished.home).audit_id == later.audit_id
    assert open_audit(finished.home, "tiny-20260301").audit_id == finished.audit_id
    assert [one.audit_id for one in list_audits(finished.home)] == [finished.audit_id, later.audit_id]
    with pytest.raises(BadInput, match="no such audit"):
        open_audit(finished.home, "other")
    with pytest.raises(BadInput, match="several audits"):
        open_audit(finished.home, "tiny")


def test_a_deleted_run_is_still_listed(finished: Finished) -> None:
    open_home(finished.home).delete_run(finished.store.run_id)
    assert [one.deleted for one in list_audits(finished.home)] == [True]


def test_unfinished_files_do_not_stay(store: AuditStore) -> None:
    store.put_bytes("figure", "a.png", b"x")
    assert not list((store.home / ".unfinished").glob("*a.png"))


def test_the_producer_knows_version_dependencies_and_machine() -> None:
    facts = producer("cpu")
    assert facts["package"] == "imaging-audit"
    assert facts["device"] == "cpu"
    known = {"commit", "dirty", "python", "packages", "platform", "cpu", "cpu_count", "memory_bytes", "variables"}
    assert set(facts) == known | {"package", "version", "device", "torch", "determinism"}
    assert facts["packages"] == sha256(packages_json())
    assert environment(facts)["dependencies"]["mlflow"] == version("mlflow") == json.loads(packages_json())["mlflow"]
