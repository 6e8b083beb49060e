"""A run killed without warning and started again ends with the tables of a run that nobody disturbed."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from toy_walk import Answer, Walk, audit

from audit.evidence.register import accesses

DRIVER = Path(__file__).parent / "interrupted.py"


def killed_in_the_pass(walk: Walk) -> Answer:
    """What a second run was told while the first one was under way; then the first is killed."""
    with subprocess.Popen(
        [sys.executable, str(DRIVER), str(walk.plan), str(walk.home)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        try:
            assert child.stdout.readline() == "two shards stated\n"
            second = audit("run", walk.plan, "--home", walk.home, "--device", "cpu", "--json")
        finally:
            child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    return second


def tables(walk: Walk) -> dict[str, bytes]:
    folder = walk.store.folder
    files = [path for part in ("tables", "shards") for path in (folder / part).iterdir()]
    wanted = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
    return {name: data for name, data in wanted.items() if name != "tables/accesses.parquet"}


def test_killed_and_started_again(undisturbed: Walk, fresh: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert audit("lock", fresh.plan, "--home", fresh.home).code == 0
    second = killed_in_the_pass(fresh)
    assert second.code == 2
    assert "is being run by another process; wait for it to end." in second.err
    stated = [statement.body["shard"] for statement in fresh.store.statements("shard")]
    assert stated == [0, 1]
    assert fresh.store.state == "running"
    kept = {path: path.stat().st_mtime_ns for path in (fresh.store.folder / "shards").iterdir()}
    assert accesses(fresh.home).iloc[-1]["note"] == "not finished"

    monkeypatch.setattr("audit.run.SHARD_SIZE", 8)
    monkeypatch.setattr("audit.run.perf_counter", lambda: 0.0)
    resumed = audit("run", fresh.plan, "--home", fresh.home, "--device", "cpu", "--json")
    assert resumed.code == 0, resumed.err
    assert all(path.stat().st_mtime_ns == moment for path, moment in kept.items())
    assert [one.body["shard"] for one in fresh.store.statements("shard")] == [0, 1, 2, 3, 4, 5]

    expected, found = tables(undisturbed), tables(fresh)
    assert sorted(found) == sorted(expected)
    assert [name for name in found if found[name] != expected[name]] == []
    assert fresh.store.read_bytes("findings.json") == undisturbed.store.read_bytes("findings.json")
    checked = audit("verify", "--home", fresh.home)
    assert checked.code == 0, checked.out
    events = audit("list", "--home", fresh.home, "--json").json["accesses"]
    assert [one["event"] for one in events] == ["lock", "run started", "run aborted", "run started", "run finished"]
    assert events[2]["note"] == "no end was recorded before the next start: killed or crashed"
