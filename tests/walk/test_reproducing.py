"""`audit reproduce`: the same audit again, from tables and with the model; another answer is named and explained."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from toy_walk import Walk, audit

from audit.engines.repeating import case_differences
from audit.engines.shards import Shard
from audit.evidence.keys import make_key
from audit.evidence.producer import _fixed_facts
from audit.models.model import OpenModel
from audit.tables import MARKS, PREDICTIONS


def test_done_again_with_the_model_everything_is_the_same(done: Walk) -> None:
    before = {path: path.stat().st_mtime_ns for path in done.store.folder.rglob("*")}
    made = audit("reproduce", "--home", done.home, "--model", "--sets", done.folder, "--device", "cpu", "--json")
    assert made.code == 0, made.out + made.err
    again = made.json
    assert (again["reproduced"], again["differences"], again["statement"]) == (True, [], None)
    assert again["numbers"] > 1000
    arms = {(one["version"], one["target"]): one for one in again["outputs"]}
    assert len(arms) == 6
    assert all((one["compared"], one["largest"], one["beyond"]) == (48, 0.0, 0) for one in arms.values())
    assert arms["candidate", "lesion"]["changed_decisions"] == 0
    assert arms["candidate", "outline"]["changed_decisions"] is None
    assert {path: path.stat().st_mtime_ns for path in done.store.folder.rglob("*")} == before, "nothing is written"


def test_another_answer_is_named_by_case_size_and_cause(
    done: Walk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "b"
    assert audit("bundle", "--home", done.home, "--out", bundle, "--model").code == 0
    plain = OpenModel.predict

    def drifted(model: OpenModel, pixels: np.ndarray) -> dict[str, np.ndarray]:
        found = dict(plain(model, pixels))
        return {**found, "lesion": found["lesion"] + np.float32(0.001 if model.version.version == "2" else 0)}

    monkeypatch.setattr(OpenModel, "predict", drifted)
    monkeypatch.setattr("audit.models.opening.check_golden", lambda *_: None)
    facts = {**_fixed_facts(), "cpu": "Another 3000"}
    monkeypatch.setattr("audit.evidence.producer._fixed_facts", lambda: facts)
    made = audit("reproduce", bundle, "--model", "--sets", done.folder, "--device", "cpu", "--json")
    assert made.code == 1
    arms = {(one["version"], one["target"]): one for one in made.json["outputs"]}
    assert arms["candidate", "lesion"]["beyond"] == 48
    assert arms["candidate", "lesion"]["largest"] == pytest.approx(0.001, rel=1e-3)
    assert arms["comparator", "lesion"]["beyond"] == arms["candidate", "outline"]["beyond"] == 0
    (first, *_), last = made.json["differences"], made.json["differences"][-1]
    assert first["thing"].startswith("case c0")
    assert first["thing"].endswith(": candidate + noise, lesion") or first["thing"].endswith(": candidate, lesion")
    assert float(first["found"]) - float(first["expected"]) == pytest.approx(0.001, rel=1e-3)
    assert "tolerance 0" in first["explanation"]
    assert "The processor was" in first["explanation"]
    assert "is Another 3000." in first["explanation"]
    assert last["found"] == "76 more beyond it"


def test_a_reproduction_is_stated_only_when_asked_for_and_signed(finished: Walk, tmp_path: Path) -> None:
    make_key(tmp_path / "key", None)
    made = audit("reproduce", "--home", finished.home, "--record", "--key", tmp_path / "key", "--who", "R. Reader")
    assert made.code == 0, made.err
    assert "Stated as reproduction" in made.out
    stated = finished.store.latest("reproduction")
    assert stated is not None
    data = json.loads(finished.store.read_bytes("reproductions/001.json"))
    assert (data["who"], data["reproduced"], data["numbers"] > 1000) == ("R. Reader", True, True)
    assert "dependencies" in data["environment"]
    line = finished.store.ledger.lines()[-1]
    assert line.read is not None
    assert len(line.read.signers) == 1
    assert audit("verify", "--home", finished.home).code == 0


def test_a_number_that_the_tables_do_not_give_is_named(finished: Walk) -> None:
    path = finished.store.folder / "documents" / "eu_ai_act_annex_iv.json"
    whole = json.loads(path.read_text())
    references = [one["reference"] if one["text"].startswith("0.") else "" for one in whole["values"]]
    place = next(number for number, one in enumerate(references) if "#/E" in one)
    whole["values"][place]["text"] = "0.123"
    path.write_text(json.dumps(whole))
    made = audit("reproduce", "--home", finished.home, "--json")
    assert made.code == 1
    (found,) = made.json["differences"]
    assert found["thing"] == f"eu_ai_act_annex_iv.json: {references[place]}"
    assert found["found"] == "0.123"


def test_what_cannot_be_done_again_is_refused(done: Walk, tmp_path: Path) -> None:
    bundle = tmp_path / "b"
    assert audit("bundle", "--home", done.home, "--out", bundle).code == 0
    model = audit("reproduce", bundle, "--model", "--sets", done.folder)
    assert (model.code, "model's files are not in the bundle" in model.err) == (2, True)
    stated = audit("reproduce", bundle, "--record")
    assert (stated.code, "a bundle is read-only" in stated.err) == (2, True)
    elsewhere = audit("reproduce", "--home", done.home, "--model", "--sets", tmp_path)
    assert (elsewhere.code, "there is no" in elsewhere.err) == (2, True)


def test_another_set_under_the_same_name_is_refused(finished: Walk) -> None:
    path = finished.folder / "discs" / "set.yaml"
    path.write_text(path.read_text() + "\n")
    refused = audit("reproduce", "--home", finished.home, "--model", "--sets", finished.folder)
    assert refused.code == 2
    assert "validation set discs: wrong hash" in refused.err


def shard(scores: list[float | None], errors: list[str | None]) -> Shard:
    rows = pd.DataFrame(
        {"version": "candidate", "case_id": [f"c{n}" for n in range(len(scores))], "target": "t", "score": scores,
         "artifact": None, "seconds": 0.0, "error": errors, "grid": None}
    )  # fmt: skip
    marks = MARKS.conform(pd.DataFrame(columns=list(MARKS.columns)))
    return Shard(0, PREDICTIONS.conform(rows), {}, marks)


def test_outputs_on_one_side_only_are_beyond_every_tolerance() -> None:
    stored = shard([0.25, 0.5, None, None], [None, None, "broken", "broken"])
    now = shard([0.25, None, 0.5, None], [None, "out of memory", None, "broken"])
    same, gone, new = case_differences(stored, now)
    assert (same.size, same.scores, same.beyond(0.0)) == (0.0, (0.25, 0.25), False)
    assert (gone.stored, gone.now, gone.beyond(1.0)) == ("0.5", "no output (out of memory)", True)
    assert (new.stored, new.now, new.beyond(1.0)) == ("no output (broken)", "0.5", True)
