"""One registered pair of networks and one finished audit per session; each test works on a copy (a moved home)."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from toy_walk import MAIN, Walk, audit, register_toys, write_plan, write_set

from audit.evidence import ledger
from audit.evidence.predicates import misfits
from audit.home import open_home


@pytest.fixture(autouse=True)
def every_statement_fits_its_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever these tests let the suite write, of whatever kind, is held against the schema as it is written."""
    write = ledger.write_payload

    def held(*given: Any) -> bytes:
        payload, producer = write(*given), given[4]
        assert not producer or misfits(json.loads(payload)) == []
        return payload

    monkeypatch.setattr(ledger, "write_payload", held)


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home without models and audits; MLflow's schema takes seconds, so others copy it."""
    home = tmp_path_factory.mktemp("empty") / "evidence"
    open_home(home)
    return home


@pytest.fixture(scope="session")
def ready(empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """Set, plan, and a home in which both versions are registered; nothing locked, nothing run."""
    folder = tmp_path_factory.mktemp("ready")
    write_set(folder / "discs")
    write_plan(folder)
    shutil.copytree(empty_home, folder / "evidence")
    register_toys(folder / "evidence")
    return Walk(folder)


@pytest.fixture(scope="session")
def done(ready: Walk, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """Locked, run and documented, at the command line."""
    walk = Walk(copy_of(ready.folder, tmp_path_factory.mktemp("done")))
    locked = audit("lock", walk.plan, "--home", walk.home, "--who", "Tester", "--json")
    assert locked.code == 0, locked.err
    run = audit("run", walk.plan, "--home", walk.home, "--device", "cpu", "--json")
    assert run.code == 0, run.err + run.out
    documents = audit("dossier", "--home", walk.home, *MAIN, "--json")
    assert documents.code == 0, documents.err
    return Walk(walk.folder, locked.json["audit"])


@pytest.fixture(scope="session")
def undisturbed(ready: Walk, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """The same plan in another home, in shards of 8, with a clock that stands still: what a resumed run must equal."""
    walk = Walk(copy_of(ready.folder, tmp_path_factory.mktemp("undisturbed")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("audit.run.SHARD_SIZE", 8)
        patch.setattr("audit.run.perf_counter", lambda: 0.0)
        run = audit("run", walk.plan, "--home", walk.home, "--device", "cpu", "--json")
    assert run.code == 0, run.err
    return walk


@pytest.fixture
def fresh(ready: Walk, tmp_path: Path) -> Walk:
    return Walk(copy_of(ready.folder, tmp_path))


@pytest.fixture
def finished(done: Walk, tmp_path: Path) -> Walk:
    return Walk(copy_of(done.folder, tmp_path), done.audit_id)


def copy_of(source: Path, target: Path) -> Path:
    return Path(shutil.copytree(source, target / "walk"))
