"""Locked before results, or exploratory; changed models and sets refused; every access listed."""

import subprocess
import sys
from pathlib import Path

import pytest
from tiny_audit import PRODUCER, SETS, Clock, Finished, make_plan, run_tiny

from audit.evidence.integrity import check_integrity
from audit.evidence.locks import amend, find_lock, finish, lock, mode, read_lock, start
from audit.evidence.register import accesses, events
from audit.evidence.running import hold, release
from audit.evidence.store import AuditStore, create_audit
from audit.plan import StoredPlan
from audit.records import BadInput

MODELS = {"candidate": {"model.pt2": "1" * 64}}
CLOCK = Clock()


def do_lock(home: Path, plan: StoredPlan, at: str = "2026-03-01T08:00:00+00:00") -> AuditStore:
    return lock(home, plan, SETS, MODELS, "A. Assessor", at, PRODUCER, CLOCK)


def do_start(home: Path, plan: StoredPlan, at: str = "2026-03-02T08:00:00+00:00") -> AuditStore:
    return start(home, plan, SETS, MODELS, "A. Assessor", at, PRODUCER, CLOCK)


def test_a_lock_keeps_plan_and_digests(home: Path) -> None:
    store = do_lock(home, make_plan())
    assert store.state == "locked"
    assert store.read_bytes("plan.yaml") == make_plan().data
    bound = read_lock(store)
    assert (bound.plan_sha256, bound.sets, bound.models) == (make_plan().sha256, SETS, MODELS)
    assert bound.who == "A. Assessor"
    found = find_lock(home, make_plan().sha256)
    assert found is not None
    assert found.audit_id == store.audit_id
    assert find_lock(home, "0" * 64) is None
    assert check_integrity(store) == []


def test_a_locked_plan_runs_confirmatory_in_its_lock(home: Path) -> None:
    locked = do_lock(home, make_plan())
    assert mode(home, make_plan(), SETS, MODELS) == (
        "confirmatory",
        "The plan was locked on 2026-03-01T08:00:00+00:00 by A. Assessor, before its results existed.",
    )
    store = do_start(home, make_plan())
    assert (store.audit_id, store.state, store.mode) == (locked.audit_id, "running", "confirmatory")
    assert check_integrity(store) == []


def test_an_unlocked_plan_runs_exploratory(home: Path) -> None:
    store = do_start(home, make_plan())
    assert (store.mode, store.tags()["audit.mode_reason"]) == (
        "exploratory",
        "The plan was not locked before inference.",
    )
    assert read_lock(store).models == MODELS


def test_a_changed_plan_runs_exploratory_and_says_which_lock(home: Path) -> None:
    locked = do_lock(home, make_plan())
    decided, reason = mode(home, make_plan(1), SETS, MODELS)
    assert decided == "exploratory"
    assert locked.audit_id in reason
    assert "was not amended" in reason


def test_locking_a_changed_plan_without_amendment_is_exploratory(home: Path) -> None:
    do_lock(home, make_plan())
    second = do_lock(home, make_plan(1))
    assert second.mode == "exploratory"
    assert "not declared as an amendment" in read_lock(second).reason


@pytest.mark.parametrize(
    ("sets", "models", "named"),
    [
        (SETS, {"candidate": {"model.pt2": "2" * 64}}, "model candidate: file model.pt2: wrong hash"),
        (SETS, {"candidate": {}}, "model candidate: file model.pt2: wrong hash"),
        (SETS, MODELS | {"comparator": {"w": "3" * 64}}, "model comparator: file w: wrong hash"),
        ({"four_cases": "b" * 64}, MODELS, "validation set four_cases: wrong hash"),
    ],
)
def test_what_changed_after_the_lock_is_refused_by_name(
    home: Path, sets: dict[str, str], models: dict[str, dict[str, str]], named: str
) -> None:
    do_lock(home, make_plan())
    with pytest.raises(BadInput, match=named):
        start(home, make_plan(), sets, models, None, "2026-03-02T08:00:00+00:00", PRODUCER, CLOCK)
    assert [one.event for one in events(home)] == ["lock"]


def test_a_plan_is_locked_once(home: Path) -> None:
    do_lock(home, make_plan())
    with pytest.raises(BadInput, match="is locked already"):
        do_lock(home, make_plan(), "2026-03-01T09:00:00+00:00")


def test_a_plan_with_results_cannot_be_locked(home: Path) -> None:
    do_start(home, make_plan())
    with pytest.raises(BadInput, match="results may be known"):
        do_lock(home, make_plan())


def test_earlier_runs_on_the_set_are_told(finished: Finished) -> None:
    other = do_lock(finished.home, make_plan(1))
    assert "The set four_cases has been used by 1 earlier run." in read_lock(other).reason


def test_an_amendment_before_results_stays_confirmatory_and_keeps_both(home: Path) -> None:
    old = do_lock(home, make_plan())
    new = amend(home, old, make_plan(1), "Wrong seed.", False, "A", "2026-03-03T00:00:00+00:00", producer=PRODUCER)
    bound = read_lock(new)
    assert (bound.mode, bound.models) == ("confirmatory", MODELS)
    assert "Wrong seed" in bound.reason
    assert new.read_bytes("plan_before_amendment.yaml") == make_plan().data
    assert new.read_bytes("plan.yaml") == make_plan(1).data
    assert old.statements("amended")[0].body["audit"] == new.audit_id
    assert do_start(home, make_plan(1), "2026-03-04T00:00:00+00:00").audit_id == new.audit_id
    assert check_integrity(old) == check_integrity(new) == []


def test_an_amendment_after_results_is_exploratory(finished: Finished) -> None:
    at = "2026-03-03T00:00:00+00:00"
    with pytest.raises(BadInput, match="results may be known"):
        amend(finished.home, finished.store, make_plan(1), "Why not.", False, None, at, producer=PRODUCER)
    new = amend(finished.home, finished.store, make_plan(1), "Why not.", True, None, at, producer=PRODUCER)
    assert new.mode == "exploratory"
    assert "Results were known" in read_lock(new).reason


def test_an_amendment_needs_a_reason_and_a_change(home: Path) -> None:
    old = do_lock(home, make_plan())
    with pytest.raises(BadInput, match="needs a reason"):
        amend(home, old, make_plan(1), " ", False, None, "2026-03-03T00:00:00+00:00")
    with pytest.raises(BadInput, match="nothing to amend"):
        amend(home, old, make_plan(), "x", False, None, "2026-03-03T00:00:00+00:00")


def test_a_killed_run_is_resumed_and_listed_as_aborted(home: Path) -> None:
    first = do_start(home, make_plan(), "2026-03-02T08:00:00+00:00")
    table = accesses(home)
    assert table[["event", "note"]].values.tolist() == [["run started", "not finished"]]
    second = do_start(home, make_plan(), "2026-03-02T09:00:00+00:00")
    finish(second, "complete", "2026-03-02T10:00:00+00:00")
    assert second.audit_id == first.audit_id
    assert accesses(home)["event"].tolist() == ["run started", "run aborted", "run started", "run finished"]
    assert accesses(home)["at"].tolist()[1] == "2026-03-02T09:00:00+00:00"


def test_an_aborted_run_gives_its_reason(home: Path) -> None:
    store = do_start(home, make_plan())
    finish(store, "aborted", "2026-03-02T10:00:00+00:00", note="interrupted by the operator")
    assert store.state == "aborted"
    assert accesses(home)[["event", "note"]].values.tolist()[-1] == ["run aborted", "interrupted by the operator"]
    assert check_integrity(store) == []


def test_an_unlocked_plan_run_again_after_its_end_is_a_new_audit(home: Path) -> None:
    first = do_start(home, make_plan(), "2026-03-02T08:00:00+00:00")
    finish(first, "complete", "2026-03-02T09:00:00+00:00")
    assert do_start(home, make_plan(), "2026-03-02T10:00:00+00:00").audit_id != first.audit_id


def test_an_interrupted_run_of_other_model_files_is_not_resumed(home: Path) -> None:
    first = do_start(home, make_plan())
    other = {"candidate": {"model.pt2": "9" * 64}}
    second = start(home, make_plan(), SETS, other, None, "2026-03-02T10:00:00+00:00", PRODUCER, CLOCK)
    assert second.audit_id != first.audit_id


def test_a_complete_locked_audit_is_returned_untouched(finished: Finished) -> None:
    before = events(finished.home)
    digests = finished.model_digests()
    store = start(finished.home, make_plan(), SETS, digests, None, "2026-03-05T00:00:00+00:00", PRODUCER, CLOCK)
    assert (store.audit_id, store.state) == (finished.audit_id, "complete")
    assert events(finished.home) == before


def test_accesses_list_every_event_of_every_set(finished: Finished, tmp_path: Path) -> None:
    run_tiny(finished.home, tmp_path / "second", make_plan(1))
    table = accesses(finished.home)
    assert table["event"].tolist() == ["lock", "run started", "run finished"] * 2
    assert set(table["validation_set"]) == {"four_cases"}
    assert table["who"].tolist()[0] == "A. Assessor"


def test_an_audit_is_run_by_one_process_at_a_time(home: Path) -> None:
    store = create_audit(home, make_plan(), "2026-03-02T08:00:00+00:00", "exploratory", "", producer=PRODUCER)
    mark = home / ".unfinished" / f"running-{store.run_id}"
    mark.parent.mkdir(exist_ok=True)
    code = "import fcntl, sys; held = open(sys.argv[1], 'w'); fcntl.flock(held, 2); print('held', flush=True); input()"
    command = [sys.executable, "-c", code, str(mark)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(BadInput, match="another process"):
            hold(store)
        other.kill()
    hold(store)
    release(store)
