"""A chain rewritten and anchored anew, consistent with itself: what it contradicts elsewhere is named."""

import base64
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import LoggedModelOutput
from tiny_audit import PRODUCER, Finished, run_tiny

from audit.evidence.chain import START
from audit.evidence.integrity import check_integrity
from audit.evidence.keys import make_key
from audit.evidence.packages import KEY, packages_file
from audit.evidence.pointers import PREFIX, check_pointers, log_pointers
from audit.evidence.products import check_products
from audit.evidence.register import ANCHOR, register_of
from audit.evidence.registry import check_registry, state_registry
from audit.evidence.sbom import check_sbom
from audit.evidence.signoffs import sign_off
from audit.evidence.statements import sha256, to_json
from audit.evidence.store import list_audits
from audit.home import AUDITS, TRAINING, experiment, open_home
from audit.records import BadInput, ModelVersion
from audit.verifying.checking import verify_anything
from audit.verifying.root_checking import check_roots

Edit = Callable[[int, dict[str, Any]], dict[str, Any] | None]


def rewritten(path: Path, edit: Edit, signed: bool = True) -> tuple[int, str]:
    """Writes a chain anew, every hash right, with each statement as ``edit`` gives it (None: left out); its head."""
    out: list[bytes] = []
    for number, line in enumerate(path.read_bytes().splitlines()):
        raw = json.loads(line)
        payload = edit(number, json.loads(base64.b64decode(raw["envelope"]["payload"])))
        if payload is None:
            continue
        data = to_json(payload)
        raw["envelope"]["payload"] = base64.b64encode(data).decode()
        raw["envelope"]["signatures"] = raw["envelope"]["signatures"] if signed else []
        raw |= {"seq": len(out), "previous": sha256(out[-1]) if out else START, "id": sha256(data)}
        out.append(to_json(raw))
    path.write_bytes(b"".join(line + b"\n" for line in out))
    return len(out) - 1, sha256(out[-1])


def register_rewritten(audit: Finished, edit: Edit, signed: bool = True) -> list[str]:
    """What is named after the register was rewritten, and its anchor in MLflow with it."""
    seq, digest = rewritten(register_of(audit.home).path, edit, signed)
    place = experiment(audit.home, AUDITS).experiment_id
    open_home(audit.home).set_experiment_tag(place, ANCHOR, f"{seq}:{digest}")
    return [one.thing for one in check_integrity(audit.store)]


def in_body(event: int, **changes: Any) -> Edit:
    def edit(number: int, payload: dict[str, Any]) -> dict[str, Any]:
        if number == event:
            payload["predicate"]["body"] |= changes
        return payload

    return edit


def at(event: int, time: str) -> Edit:
    def edit(number: int, payload: dict[str, Any]) -> dict[str, Any]:
        if number == event:
            payload["predicate"]["created"] = time
        return payload

    return edit


@pytest.mark.parametrize(
    ("edit", "thing"),
    [
        (in_body(0, who="B. Else"), "register.jsonl line 1 (lock: plan:sha256, set:four_cases), who"),
        (at(0, "2026-02-28T08:00:00+00:00"), "register.jsonl line 1 (lock: plan:sha256, set:four_cases), time"),
        (at(1, "2026-03-01T12:00:00+00:00"), "register.jsonl line 2 (run started: plan:sha256, set:four_cases), time"),
        (at(2, "2026-03-01T09:00:01+00:00"), "register.jsonl line 3 (run finished: plan:sha256, set:four_cases), time"),
        (in_body(1, head=None), "register.jsonl line 2 (run started: plan:sha256, set:four_cases), head"),
        (in_body(1, run_id="f" * 32), "register.jsonl line 2 (run started: plan:sha256, set:four_cases), run"),
        (lambda n, payload: payload if n else None, "register: lock of audit"),
    ],
    ids=["who locked", "when", "a start later", "an end earlier", "head", "run", "lock left out"],
)
def test_a_register_that_contradicts_the_ledger_is_named(finished: Finished, edit: Edit, thing: str) -> None:
    found = register_rewritten(finished, edit)
    assert any(one.startswith(thing) for one in found), found


def test_entries_of_a_signed_audit_bear_its_key(
    empty_home: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    key = make_key(tmp_path / "key", None)
    shutil.copytree(empty_home, tmp_path / "evidence")
    signed = run_tiny(tmp_path / "evidence", tmp_path / "model", key=key)
    assert check_integrity(signed.store) == []
    found = register_rewritten(signed, lambda _, payload: payload, signed=False)
    assert [one.rpartition(", ")[2] for one in found] == ["signature"] * 3


def test_a_sign_off_holds_the_ledger_it_was_made_on(finished: Finished) -> None:
    store = finished.store
    files = {name: one.subjects[name] for name, one in store.subjects().items() if name == "documents/eu.pdf"}
    one = sign_off(store, "eu", files, "assessor", "approved", "A. Assessor", False)
    assert check_integrity(store) == []
    for changes in ({"ledger_root": "0" * 64}, {"document": "another"}):
        seq, digest = rewritten(store.ledger.path, in_body(len(store.statements()) - 1, **changes))
        store.set_tags({"audit.head": f"{seq}:{digest}"})
        found = [each.thing for each in check_integrity(store)]
        assert len(found) == 1
        assert found[0].startswith("sign-off ")
        assert one.id[:12] not in found[0]
        in_body(0)
        rewritten(store.ledger.path, in_body(len(store.statements()) - 1, **one.body))


def test_tags_lead_to_a_statement_of_their_kind(finished: Finished) -> None:
    store = finished.store
    log_pointers(store)
    assert list(check_pointers(store)) == []
    store.set_tags({f"{PREFIX}estimates": store.tags()[f"{PREFIX}observations"], f"{PREFIX}more": "0" * 12})
    assert [one.thing for one in check_pointers(store)] == [f"MLflow tag {PREFIX}{x}" for x in ("estimates", "more")]


@pytest.mark.parametrize("seq", [10**12, -1, 1.5, float("inf"), "2"])
def test_a_number_that_is_no_count_is_named_at_once(finished: Finished, seq: object) -> None:
    path = finished.store.ledger.path
    *before, last = path.read_bytes().splitlines(keepends=True)
    forged = json.dumps({**json.loads(last), "seq": seq}).encode()
    path.write_bytes(b"".join(before) + forged + b"\n")
    found = finished.store.ledger.check()
    assert 1 <= len(found) <= 3
    assert all(one.thing.startswith(f"ledger.jsonl {'statements' if seq == 10**12 else 'line'} ") for one in found)


def test_what_is_no_file_is_named(finished: Finished, tmp_path: Path) -> None:
    folder = finished.store.folder
    os.mkfifo(folder / "pipe")
    (folder / "figures/forest.svg").rename(tmp_path / "forest.svg")
    (folder / "figures/forest.svg").symlink_to(tmp_path / "forest.svg")
    (folder / "lock.json").unlink()
    (folder / "lock.json").mkdir()
    found = {one.thing: one.found for one in check_integrity(finished.store)}
    assert found == {"pipe": "a pipe or device", "figures/forest.svg": "a link", "lock.json": "a folder"}
    finished.store.ledger.path.rename(tmp_path / "ledger.jsonl")
    finished.store.ledger.path.symlink_to(tmp_path / "ledger.jsonl")
    assert check_integrity(finished.store)[0].thing == "ledger.jsonl"


def test_a_file_that_this_suite_does_not_write_so_is_named_though_it_was_stated(finished: Finished) -> None:
    found = {one.thing: one.found for one in check_products(finished.store)}
    assert found.pop("findings.json: /0/value") == "0.525"
    assert found, "the tiny audit's findings lack more"
    assert all(one.startswith("findings.json: /0/") for one in found), "its lock.json fits"
    finished.store.put_bytes("findings", "findings.json", b"[")
    assert [one.thing for one in check_products(finished.store)] == ["findings.json"]


def test_an_empty_folder_that_no_statement_knows_is_named(finished: Finished) -> None:
    folder = finished.store.folder
    (folder / "more").mkdir()
    (folder / "figures/forest.svg").unlink()
    found = {one.thing: one.found for one in check_integrity(finished.store)}
    assert found == {"more": "an empty folder", "figures/forest.svg": "no file"}


@pytest.mark.parametrize("content", [b"null", b'{"components": [5]}', b"[" * 100_000], ids=["null", "shape", "depth"])
def test_json_of_another_shape_breaks_no_check(finished: Finished, content: bytes) -> None:
    store = finished.store
    for kind, name in (("sbom", "sbom.cdx.json"), ("registry", "registry.json")):
        store.put_bytes(kind, name, content)
    assert [one.thing for one in check_sbom(store)] == ["sbom.cdx.json"]
    assert check_registry(store) == []
    assert list(check_roots(store)) == []
    assert "registry.json" in {one.thing.partition(":")[0] for one in check_products(store)}


def test_a_list_of_packages_that_is_none_is_named(finished: Finished) -> None:
    store = replace(finished.store, producer={**PRODUCER, KEY: "ab" * 32}, listed={"ab" * 32})
    store.put_bytes("packages", packages_file("ab" * 32), b"null")
    store.put_bytes("sbom", "sbom.cdx.json", b'{"components": []}')
    assert [one.thing for one in check_sbom(store)] == ["sbom.cdx.json"]


def test_what_mlflow_shows_only_who_asks_by_name_is_found(finished: Finished) -> None:
    store, client = finished.store, open_home(finished.home)
    training = experiment(finished.home, TRAINING).experiment_id
    logged = client.create_logged_model(training, name="device").model_id
    client.create_registered_model("device")
    client.create_model_version("device", f"models:/{logged}", model_id=logged)
    client.log_metric(store.run_id, "auroc", 0.9)
    state_registry(store, {"candidate": ModelVersion("device", "1", "onnx", "models:/device/1", {}, ("o",))})
    assert check_registry(store) == []
    insert = "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES ('better', 1, 1, ?, 0, 0)"
    with closing(sqlite3.connect(finished.home / "mlflow.db")) as database, database:
        database.execute(insert, (store.run_id,))
        database.execute("UPDATE latest_metrics SET step = 7")
    client.log_outputs(store.run_id, [LoggedModelOutput(logged, 0)])
    client.log_metric(client.create_run(training).info.run_id, "dice", 0.99, model_id=logged)
    places = [f"runs/{store.run_id}/{fact}" for fact in ("latest/auroc", "metrics/better", "outputs")]
    found = [one.thing for one in check_registry(store)]
    assert found[:3] == [f"MLflow: /{place}" for place in places]
    assert found[3:]
    assert all(one.startswith("MLflow: /versions/device/1/logged_metrics") for one in found[3:])


def test_a_row_that_mlflow_cannot_read_is_named(finished: Finished) -> None:
    with closing(sqlite3.connect(finished.home / "mlflow.db")) as database, database:
        database.execute("UPDATE runs SET user_id = NULL")
    with pytest.raises(BadInput, match="MLflow cannot list its runs"):
        list_audits(finished.home)


def test_a_database_that_is_none_is_named(home: Path) -> None:
    (home / "mlflow.db").unlink()
    assert list_audits(home) == []
    (home / "register.jsonl").touch()
    with pytest.raises(BadInput, match=r"mlflow\.db\) is gone"):
        list_audits(home)
    (home / "mlflow.db").write_bytes(b"no database" * 100)
    with pytest.raises(BadInput, match=r"mlflow\.db: MLflow's database cannot be read"):
        list_audits(home)


def test_a_file_rests_on_its_ledger_and_the_anchor(finished: Finished) -> None:
    path = finished.store.folder / "figures/forest.svg"
    assert not verify_anything(str(path), finished.home).differences
    (anchored,) = verify_anything(str(path), finished.home, "0" * 64).differences
    assert anchored.thing == "anchor"
    before, forged = sha256(path.read_bytes()).encode(), b"<svg>forged</svg>"
    lines = finished.store.ledger.path.read_bytes().splitlines(keepends=True)
    place = next(
        n for n, line in enumerate(lines) if before in base64.b64decode(json.loads(line)["envelope"]["payload"])
    )
    raw = json.loads(lines[place])
    payload = base64.b64decode(raw["envelope"]["payload"]).replace(before, sha256(forged).encode())
    raw["envelope"]["payload"] = base64.b64encode(payload).decode()
    lines[place] = to_json(raw | {"id": sha256(payload)}) + b"\n"
    finished.store.ledger.path.write_bytes(b"".join(lines))
    path.write_bytes(forged)
    found = verify_anything(str(path), finished.home).differences
    assert any(one.thing.startswith("ledger.jsonl line") for one in found)
