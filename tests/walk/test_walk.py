"""The whole walk at the command line on the toy set, whose answers are known."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from toy_walk import (
    ARTEFACT,
    BRIGHT_BOREALIS,
    CASES,
    DOCUMENTS,
    FAINT,
    MAIN,
    PATIENTS,
    POSITIVE,
    QUICK,
    Walk,
    audit,
    digest,
    pages,
    read_manifest,
    write_manifest,
    write_plan,
)

from audit.cases.flow import flow_counts
from audit.evidence.store import open_audit
from audit.tables import ACCESSES, DISPOSITIONS, ESTIMATES, EXPLANATIONS, OBSERVATIONS, PREDICTIONS
from audit.tables import CASES as CASES_TABLE

IMPOSSIBLE = [{**QUICK["endpoints"][0], "criterion": {"kind": "minimum", "value": 0.9999}}]


def value(estimates: pd.DataFrame, **where: str) -> pd.Series:
    rows = estimates
    for column, wanted in {"kind": "value", "attribute": "overall", "level": "all", **where}.items():
        rows = rows[rows[column] == wanted]
    assert len(rows) == 1, where
    return rows.iloc[0]


def test_the_planted_answers_come_out(done: Walk) -> None:
    estimates = done.store.read_table(ESTIMATES)
    found = POSITIVE - len(FAINT)
    candidate = value(estimates, version="candidate", target="lesion", measure="sensitivity")
    assert candidate["value"] == pytest.approx(found / POSITIVE)
    assert (candidate["n_cases"], candidate["n_events"], candidate["n_failed"]) == (POSITIVE, POSITIVE, 0)
    specific = value(estimates, version="candidate", target="lesion", measure="specificity")
    assert specific["value"] == pytest.approx((CASES - POSITIVE - 1) / (CASES - POSITIVE))
    comparator = value(estimates, version="comparator", target="lesion", measure="sensitivity")
    assert comparator["value"] == pytest.approx((found - BRIGHT_BOREALIS) / POSITIVE)
    change = value(estimates, kind="change", version="candidate - comparator", target="lesion", measure="sensitivity")
    assert change["value"] == pytest.approx(BRIGHT_BOREALIS / POSITIVE)
    assert 0 < change["low"] < change["value"] < change["high"]
    on_borealis = value(
        estimates, version="comparator", target="lesion", measure="sensitivity",
        attribute="manufacturer", level="Borealis",
    )  # fmt: skip
    assert on_borealis["value"] == 0
    assert on_borealis["n_cases"] == BRIGHT_BOREALIS + 1


def test_the_planted_misses_are_the_observed_ones(done: Walk) -> None:
    rows = done.store.read_table(OBSERVATIONS)
    mine = rows[(rows["version"] == "candidate") & (rows["target"] == "lesion")]
    assert len(mine) == CASES
    assert mine["patient_id"].nunique() == PATIENTS
    assert set(mine.loc[mine["reference"] != mine["decision"], "case_id"]) == {*FAINT, ARTEFACT}


def test_every_arm_has_every_case_and_target(done: Walk) -> None:
    rows = done.store.read_table(PREDICTIONS)
    assert set(rows["version"]) == {"candidate", "comparator", "candidate + noise"}
    assert rows.groupby(["version", "target"])["case_id"].nunique().tolist() == [CASES] * 6
    assert rows["error"].isna().all()


def test_explanations_lie_where_the_disc_is(done: Walk) -> None:
    rows = done.store.read_table(EXPLANATIONS)
    assert len(rows) == 2 * 2 * 2 * 2  # versions, methods, manufacturers, cases of each
    empty = rows["error"].dropna()
    assert empty.str.startswith("no unit of the layer raises the output").all()
    assert set(rows.loc[empty.index, "method"]) <= {"grad_cam"}
    gradients = rows[(rows["method"] == "integrated_gradients") & rows["energy_inside"].notna()]
    assert (gradients["completeness_error"].astype(float) < 0.05).all()
    seen = gradients[(gradients["version"] == "candidate") & ~gradients["case_id"].isin(FAINT)]
    assert len(seen)
    assert (seen["energy_inside"] > 5 * seen["area_inside"]).all()
    for picture in rows["overlay"]:
        assert done.store.read_bytes(picture).startswith(b"\x89PNG")


def test_a_locked_audit_is_confirmatory_and_verifies(done: Walk) -> None:
    assert (done.store.mode, done.store.state) == ("confirmatory", "complete")
    checked = audit("verify", "--home", done.home, "--json")
    assert (checked.code, checked.json["verified"], checked.json["differences"]) == (0, True, [])
    assert audit("verify", done.audit_id, "--home", done.home).code == 0


def test_both_documents_are_delivered_and_recognised(done: Walk) -> None:
    for name in DOCUMENTS:
        path = done.store.folder / "documents" / f"{name}.pdf"
        page = pages(path, 1)
        assert "SIMULATED DATA" in page
        assert "confirmatory" in page.lower()
        assert "exploratory" not in page.lower()
        assert json.loads(path.with_suffix(".json").read_bytes())
        assert audit("verify", path, "--home", done.home).code == 0


def test_running_a_complete_audit_again_changes_nothing(finished: Walk) -> None:
    before = {path: path.read_bytes() for path in finished.store.folder.rglob("*") if path.is_file()}
    again = audit("run", finished.plan, "--home", finished.home, "--device", "cpu", "--json")
    assert (again.code, again.json["audit"], again.json["verdict"]) == (0, finished.audit_id, "met")
    assert {path: path.read_bytes() for path in finished.store.folder.rglob("*") if path.is_file()} == before


def test_every_command_answers_machines_in_json(done: Walk, tmp_path: Path) -> None:
    asked = audit("ask", "manufacturer=Borealis", "--home", done.home, "--json").json
    assert asked["group"] == "manufacturer=Borealis"
    assert "no verdict" in asked["status"]
    events = audit("list", "--home", done.home, "--json").json["accesses"]
    assert [event["event"] for event in events] == ["lock", "run started", "run finished"]
    assert events[0]["who"] == "Tester"
    assert audit("list", "--home", tmp_path / "none", "--json").json == {"accesses": []}
    assert not (tmp_path / "none").exists()


def test_a_group_asked_for_agrees_with_the_estimates(done: Walk) -> None:
    asked = audit("ask", "manufacturer=Borealis", "--home", done.home, "--json").json["estimates"]
    stored = done.store.read_table(ESTIMATES)
    for measure in ("sensitivity", "auroc"):
        mine = [
            row
            for row in asked
            if (row["kind"], row["version"], row["target"], row["measure"]) == ("value", "candidate", "lesion", measure)
        ]
        own = value(
            stored, version="candidate", target="lesion", measure=measure, attribute="manufacturer", level="Borealis"
        )
        assert (mine[0]["value"], mine[0]["n_cases"]) == (pytest.approx(own["value"]), own["n_cases"])


def test_the_same_plan_in_another_home_and_other_shards_gives_the_same_bytes(done: Walk, undisturbed: Walk) -> None:
    for name in ("observations", "estimates", "dispositions", "importance"):
        path = f"tables/{name}.parquet"
        assert undisturbed.store.read_bytes(path) == done.store.read_bytes(path), name
    assert undisturbed.store.read_bytes("findings.json") == done.store.read_bytes("findings.json")
    made, known = (walk.store.read_table(PREDICTIONS) for walk in (undisturbed, done))
    order = ["version", "target", "case_id"]
    scores, expected = (table.sort_values(order)["score"].reset_index(drop=True) for table in (made, known))
    pd.testing.assert_series_equal(scores, expected, check_exact=True)


def test_an_unlocked_plan_that_is_not_met(fresh: Walk) -> None:
    path = write_plan(fresh.folder, **{**QUICK, "endpoints": IMPOSSIBLE})
    run = audit("run", path, "--home", fresh.home, "--device", "cpu")
    assert run.code == 1
    assert "(exploratory)" in run.out
    assert fresh.store.mode == "exploratory"
    built = audit("dossier", "--home", fresh.home, *MAIN, "--out", fresh.folder / "out", "--json")
    assert [Path(name).stem for name in built.json["documents"]] == list(DOCUMENTS)
    for name in DOCUMENTS:
        page = pages(fresh.folder / "out" / f"{name}.pdf", 1).lower()
        assert "exploratory" in page
        assert "was not locked before inference" in page
        assert audit("verify", fresh.folder / "out" / f"{name}.pdf", "--home", fresh.home).code == 0
    assert audit("verify", "--home", fresh.home).code == 0
    assert audit("lock", path, "--home", fresh.home).code == 2


def test_a_plan_changed_after_the_lock_is_exploratory(fresh: Walk) -> None:
    path = write_plan(fresh.folder, **QUICK)
    locked = audit("lock", path, "--home", fresh.home, "--json").json
    write_plan(fresh.folder, **{**QUICK, "seed": 8})
    run = audit("run", path, "--home", fresh.home, "--device", "cpu", "--json").json
    assert (run["mode"], run["verdict"]) == ("exploratory", "met")
    assert run["audit"] != locked["audit"]
    start = json.loads(open_audit(fresh.home, run["audit"]).read_bytes("start.json"))
    assert "differs from the one locked" in start["reason"]
    assert locked["audit"] in start["reason"]


def test_an_amendment_keeps_both_plans(fresh: Walk) -> None:
    path = write_plan(fresh.folder, **QUICK)
    first = audit("lock", path, "--home", fresh.home, "--json").json["audit"]
    before = path.read_bytes()
    write_plan(fresh.folder, **{**QUICK, "seed": 8})
    words = ("lock", path, "--home", fresh.home, "--amends", first)
    assert audit(*words).code == 2
    amended = audit(*words, "--reason", "The seed was that of the pilot.", "--json").json
    assert amended["mode"] == "confirmatory"
    store = open_audit(fresh.home, amended["audit"])
    assert store.read_bytes("plan_before_amendment.yaml") == before
    assert store.read_bytes("plan.yaml") == path.read_bytes()
    events = audit("list", "--home", fresh.home, "--json").json["accesses"]
    assert [(one["event"], one["note"]) for one in events] == [
        ("lock", None),
        ("amend", "The seed was that of the pilot."),
    ]


def test_an_interrupted_run_is_listed_and_goes_on(fresh: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_plan(fresh.folder, **QUICK)
    audit("lock", path, "--home", fresh.home)
    words = ("run", path, "--home", fresh.home, "--device", "cpu")

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("audit.run.tabulate", stopped)
        interrupted = audit(*words)
    assert interrupted.code == 130
    assert interrupted.err.splitlines()[-1] == "audit: interrupted; the same command goes on where it stopped."
    assert audit("dossier", "--home", fresh.home).code == 2
    written = {path: path.stat().st_mtime_ns for path in (fresh.store.folder / "shards").iterdir()}
    assert audit(*words).code == 0
    assert {path: path.stat().st_mtime_ns for path in (fresh.store.folder / "shards").iterdir()} == written
    events = audit("list", "--home", fresh.home, "--json").json["accesses"]
    assert [one["event"] for one in events] == ["lock", "run started", "run aborted", "run started", "run finished"]
    assert "KeyboardInterrupt" in events[2]["note"]
    assert audit("verify", "--home", fresh.home).code == 0


def test_a_moved_home_verifies_and_answers(finished: Walk) -> None:
    elsewhere = finished.folder / "put away" / "somewhere else"
    elsewhere.parent.mkdir()
    shutil.move(finished.home, elsewhere)
    shutil.rmtree(finished.folder / "discs")
    assert audit("verify", "--home", elsewhere).code == 0
    asked = audit("ask", "sex=F", "--home", elsewhere, "--json").json
    assert all(Path(picture).is_file() for picture in asked["pictures"])


def test_what_cannot_be_read_is_a_row_with_its_reason(fresh: Walk) -> None:
    rows = read_manifest(fresh.folder / "discs")
    images = fresh.folder / "discs" / "images"
    for place, name, data in (
        (3, "broken.npy", (images / "c003.npy").read_bytes()[:900]),
        (8, "broken.dcm", bytes(128) + b"DICM" + bytes(60)),
    ):
        (images / name).write_bytes(data)
        rows[place] |= {"image": f"images/{name}", "sha256": digest(images / name)}
    write_manifest(fresh.folder / "discs", [{**row, "patient_name": "Doe^Jane"} for row in rows])
    path = write_plan(fresh.folder, **QUICK)
    assert audit("lock", path, "--home", fresh.home).code == 0
    assert audit("run", path, "--home", fresh.home, "--device", "cpu").code == 0
    made = fresh.store.read_table(PREDICTIONS)
    failed = made[made["error"].notna()]
    assert set(failed["case_id"]) == {"c003", "c008"}
    assert all(f"image of case {case}" in why for case, why in zip(failed["case_id"], failed["error"], strict=True))
    assert not any("broken." in reason for reason in failed["error"]), "what a file is called may name a person"
    assert "patient_name" not in fresh.store.read_table(CASES_TABLE), "evidence keeps no column that names persons"
    flow = flow_counts(fresh.store.read_table(DISPOSITIONS))
    parts = flow[["excluded", "rejected", "failed", "equivocal", "analysed"]].sum(axis=1)
    assert (parts == flow["all"]).all()
    assert flow["failed"].tolist() == [2, 2]
    estimates = fresh.store.read_table(ESTIMATES)
    sensitivity = value(estimates, version="candidate", target="lesion", measure="sensitivity")
    assert (sensitivity["n_cases"], sensitivity["n_failed"]) == (POSITIVE - 1, 2)
    worst = value(estimates, kind="worst case", version="candidate", target="lesion", measure="sensitivity")
    assert worst["value"] == pytest.approx((POSITIVE - len(FAINT) - 1) / POSITIVE)
    assert audit("verify", "--home", fresh.home).code == 0


def test_documents_of_an_audit_list_its_own_accesses(done: Walk) -> None:
    frame = done.store.read_table(ACCESSES)
    assert frame["event"].tolist() == ["lock", "run started", "run finished"]
    assert set(frame["validation_set"]) == {"discs"}
    assert np.all(frame["audit"] == done.audit_id)
