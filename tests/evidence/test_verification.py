"""Change one thing in a finished audit: exactly that thing is named."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from tiny_audit import Finished, make_plan, recompute

from audit.evidence.comparison import compare_records, compare_tables
from audit.evidence.parquet import table_bytes
from audit.evidence.verification import verify, verify_file
from audit.records import BadInput
from audit.tables import ESTIMATES


def check(audit: Finished) -> list[str]:
    return [one.thing for one in verify(audit.store, recompute, audit.model_digests)]


def flip(path: Path, place: int = -20) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(bytes(data))


def edit_lines(audit: Finished, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path = audit.store.ledger.path
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))


def test_an_untouched_audit_verifies(finished: Finished) -> None:
    assert check(finished) == []


@pytest.mark.parametrize(
    "name", ["figures/forest.svg", "documents/eu.pdf", "plan.yaml", "lock.json", "shards/00000.npz"]
)
def test_one_changed_byte_names_the_file(finished: Finished, name: str) -> None:
    flip(finished.store.folder / name, 0)
    assert check(finished) == [name]


@pytest.mark.parametrize("name", ["figures/forest.svg", "documents/eu.pdf", "plan.yaml"])
def test_a_deleted_file_is_named(finished: Finished, name: str) -> None:
    (finished.store.folder / name).unlink()
    (difference,) = verify(finished.store, recompute, finished.model_digests)
    assert (difference.thing, difference.found) == (name, "no file")


def test_a_changed_byte_of_the_predictions_names_them(finished: Finished) -> None:
    flip(finished.store.folder / "shards/00000.parquet", 40)
    things = check(finished)
    assert things[0] == "shards/00000.parquet"
    assert set(things[1:]) <= {"recomputation"} or all("row" in one or "findings" in one for one in things[1:])


def test_a_changed_prediction_names_the_table_and_every_number_that_follows(finished: Finished) -> None:
    path = finished.store.folder / "shards/00000.parquet"
    frame = pd.read_parquet(path)
    frame.loc[2, "score"] = 0.75
    frame.to_parquet(path)
    assert check(finished) == [
        "shards/00000.parquet",
        "observations: row candidate / c2 / finding, column score",
        "estimates: row e0, column value",
        "findings.json: /0/value",
    ]


def test_a_changed_estimate_names_row_column_and_both_values(finished: Finished) -> None:
    frame = finished.store.read_table(ESTIMATES)
    frame.loc[0, "value"] = 0.99
    (finished.store.folder / "tables/estimates.parquet").write_bytes(table_bytes(ESTIMATES, frame))
    integrity, number = verify(finished.store, recompute, finished.model_digests)
    assert integrity.thing == "tables/estimates.parquet"
    assert number.thing == "estimates: row e0, column value"
    assert (float(number.expected), float(number.found)) == (pytest.approx(0.525), 0.99)


def test_an_estimate_changed_and_stated_again_is_found_by_recomputation(finished: Finished) -> None:
    frame = finished.store.read_table(ESTIMATES)
    frame.loc[0, "value"] = 0.99
    finished.store.put_table(ESTIMATES, frame)
    assert check(finished) == ["estimates: row e0, column value"]


def test_a_changed_model_file_is_named(finished: Finished) -> None:
    (finished.model / "model.pt2").write_bytes(b"other weights")
    (finished.model / "added.bin").write_bytes(b"x")
    assert check(finished) == ["model candidate: file added.bin", "model candidate: file model.pt2"]


def test_a_changed_validation_set_is_named(finished: Finished) -> None:
    found = verify(finished.store, recompute, finished.model_digests, lambda: {"four_cases": "b" * 64})
    assert [one.thing for one in found] == ["validation set four_cases"]


def test_an_added_file_is_named(finished: Finished) -> None:
    (finished.store.folder / "documents/better.pdf").write_bytes(b"%PDF")
    assert check(finished) == ["documents/better.pdf"]


def test_an_edited_line_is_named(finished: Finished) -> None:
    def edit(lines: list[bytes]) -> list[bytes]:
        place = lines[3].index(b'"payload":"') + 400
        letter = b"A" if lines[3][place : place + 1] != b"A" else b"B"
        lines[3] = lines[3][:place] + letter + lines[3][place + 1 :]
        return lines

    edit_lines(finished, edit)
    assert [one.thing.split(" (")[0] for one in finished.store.ledger.check()] == ["ledger.jsonl line 4"]
    assert any(one.startswith("ledger.jsonl line 4") for one in check(finished))


def test_an_edited_last_line_is_found_by_the_anchor(finished: Finished) -> None:
    edit_lines(finished, lambda lines: [*lines[:-1], lines[-1].replace(b'"seq":', b'"seq": ')])
    assert check(finished) == ["ledger.jsonl line 7 (document: documents/eu.pdf)"]


def test_reordered_lines_are_named(finished: Finished) -> None:
    edit_lines(finished, lambda lines: [*lines[:2], lines[3], lines[2], *lines[4:]])
    assert check(finished) == ["ledger.jsonl line 4 (observations: tables/observations.parquet)"]


def test_a_deleted_line_is_named_with_the_file_it_stated(finished: Finished) -> None:
    edit_lines(finished, lambda lines: [*lines[:2], *lines[3:]])
    assert check(finished) == ["ledger.jsonl statement 2", "tables/observations.parquet"]


def test_a_repeated_line_is_named(finished: Finished) -> None:
    edit_lines(finished, lambda lines: [*lines[:3], lines[2], *lines[3:]])
    assert check(finished) == ["ledger.jsonl statement 2"]


def test_lines_cut_off_the_end_are_named(finished: Finished) -> None:
    edit_lines(finished, lambda lines: lines[:-1])
    assert check(finished) == ["ledger.jsonl statement 6", "documents/eu.pdf"]


def test_a_torn_tail_is_named(finished: Finished) -> None:
    with finished.store.ledger.path.open("ab") as ledger:
        ledger.write(b'{"seq":7,"prev')
    assert check(finished) == ["ledger.jsonl line 8 (unreadable)"]


def test_a_line_of_another_audit_is_named(finished: Finished) -> None:
    finished.store.ledger.append("note", {"figures/forest.svg": "0" * 64}, [], {}, {}, "t", audit="other-audit")
    assert "ledger.jsonl line 8 (note: figures/forest.svg)" in check(finished)


def test_an_edited_register_is_named(finished: Finished) -> None:
    path = finished.home / "register.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], lines[2]]))
    assert check(finished) == ["register.jsonl statement 1"]


@pytest.mark.parametrize(
    ("change", "thing"),
    [
        ("UPDATE tags SET value='confirmed' WHERE key='audit.mode'", "MLflow tag audit.mode"),
        ("UPDATE tags SET value='aborted' WHERE key='audit.state'", "MLflow tag audit.state"),
        ("UPDATE runs SET lifecycle_stage='deleted'", "MLflow run"),
    ],
)
def test_changes_in_mlflow_are_named(finished: Finished, change: str, thing: str) -> None:
    with sqlite3.connect(finished.home / "mlflow.db") as database:
        database.execute(change)
    (found,) = check(finished)
    assert found.startswith(thing)


def test_a_register_cut_at_its_end_is_named(finished: Finished) -> None:
    path = finished.home / "register.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    assert "register.jsonl statement 2" in check(finished)


def test_a_rewritten_chain_does_not_meet_its_anchor(finished: Finished) -> None:
    store = finished.store
    old = store.ledger.read()
    store.ledger.path.unlink()
    for one in old:
        body = {**one.body, "title": "edited"} if one.kind == "figure" else one.body
        store.ledger.append(one.kind, one.subjects, [], body, one.producer, one.created)
    assert store.ledger.check() == []
    assert any("rewritten" in one.explanation for one in verify(store, recompute, finished.model_digests))


def test_a_run_removed_from_mlflow_is_named(finished: Finished) -> None:
    with sqlite3.connect(finished.home / "mlflow.db") as database:
        database.execute("DELETE FROM tags")
        database.execute("DELETE FROM runs")
    store = finished.store
    found = [one.thing for one in verify(store, recompute, finished.model_digests)]
    assert found == [f"MLflow run {store.run_id}"]


def test_a_plan_replaced_and_stated_again_is_named(finished: Finished) -> None:
    finished.store.put_bytes("plan", "plan.yaml", make_plan(seed=9).data)
    assert check(finished) == ["plan.yaml"]


def test_a_broken_recomputation_is_a_finding(finished: Finished) -> None:
    def broken(store: object) -> dict[str, bytes]:
        raise RuntimeError("no such measure")

    (found,) = verify(finished.store, broken, finished.model_digests)
    assert (found.thing, found.explanation) == ("recomputation", "no such measure")


def test_unreadable_model_files_are_a_finding(finished: Finished) -> None:
    def absent() -> dict[str, dict[str, str]]:
        raise BadInput("model device version 1 is not in the registry.")

    (found,) = verify(finished.store, recompute, absent)
    assert "not in the registry" in found.explanation


def test_a_path_out_of_the_folder_is_refused(finished: Finished) -> None:
    finished.store.state_that("note", {"../../../../register.jsonl": "0" * 64})
    assert check(finished) == ["../../../../register.jsonl"]
    with pytest.raises(BadInput, match="not a plain path"):
        finished.store.put_bytes("note", "../x", b"")


def test_a_delivered_file_is_recognised_wherever_it_lies(finished: Finished, tmp_path: Path) -> None:
    copy = tmp_path / "from_the_auditor.pdf"
    copy.write_bytes((finished.store.folder / "documents/eu.pdf").read_bytes())
    found = verify_file(finished.home, copy)
    assert (found.audit_id, found.document, found.differences) == (finished.audit_id, "documents/eu.pdf", ())


def test_a_changed_delivered_file_is_told(finished: Finished, tmp_path: Path) -> None:
    copy = tmp_path / "eu.pdf"
    copy.write_bytes(b"%PDF-1.4 tinY")
    (difference,) = verify_file(finished.home, copy).differences
    assert "not the delivered file" in difference.explanation


def test_a_superseded_file_is_told(finished: Finished, tmp_path: Path) -> None:
    copy = tmp_path / "old.pdf"
    copy.write_bytes((finished.store.folder / "documents/eu.pdf").read_bytes())
    finished.store.put_bytes("document", "documents/eu.pdf", b"%PDF-1.4 second edition")
    found = verify_file(finished.home, copy)
    assert found.superseded
    assert "earlier version" in found.differences[0].explanation
    assert check(finished) == []


def test_an_unknown_file_belongs_to_no_audit(finished: Finished, tmp_path: Path) -> None:
    (tmp_path / "letter.pdf").write_bytes(b"x")
    found = verify_file(finished.home, tmp_path / "letter.pdf")
    assert found.audit_id is None
    assert "No audit" in found.differences[0].explanation


def test_tables_compare_by_key_not_by_place() -> None:
    frame = pd.DataFrame({"estimate_id": ["a", "b"], "value": [1.0, None]})
    assert compare_tables("estimates", frame, frame.iloc[::-1]) == []
    fewer = compare_tables("estimates", frame, frame.iloc[:1])
    assert [one.thing for one in fewer] == ["estimates: row b"]


def test_a_value_that_became_undefined_differs() -> None:
    one = pd.DataFrame({"estimate_id": ["a"], "value": [None]})
    other = pd.DataFrame({"estimate_id": ["a"], "value": [0.5]})
    (found,) = compare_tables("estimates", one, other)
    assert (found.expected, found.found) == ("0.5", "no value")


def test_rounding_noise_is_no_difference() -> None:
    one, other = (pd.DataFrame({"estimate_id": ["a"], "value": [value]}) for value in (0.3, 0.1 + 0.2))
    assert compare_tables("estimates", one, other) == []


def test_long_lists_are_cut() -> None:
    one, other = (pd.DataFrame({"estimate_id": range(50), "value": float(value)}) for value in (1, 2))
    found = compare_tables("estimates", one, other)
    assert len(found) == 21
    assert found[-1].found == "30 more differences"


def test_records_are_compared_by_pointer() -> None:
    one, other = json.loads('{"a":[1,{"b":2}]}'), json.loads('{"a":[1,{"b":3}]}')
    assert [found.thing for found in compare_records("f", one, other)] == ["f: /a/1/b"]
