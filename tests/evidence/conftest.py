"""Homes and finished audits; each test gets its own copy, which is also a moved one."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_audit import Finished, run_tiny

from audit.home import open_home


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home without audits, created by two processes at once. MLflow's schema takes seconds, so tests copy it."""
    home = tmp_path_factory.mktemp("empty") / "evidence"
    code = "import sys; from pathlib import Path; from audit.home import open_home; open_home(Path(sys.argv[1]))"
    with subprocess.Popen([sys.executable, "-c", code, str(home)], stderr=subprocess.PIPE, text=True) as child:
        open_home(home)
        _, errors = child.communicate(timeout=300)
    assert child.returncode == 0, errors
    return home


@pytest.fixture(scope="session")
def pristine(empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("pristine")
    shutil.copytree(empty_home, folder / "evidence")
    return run_tiny(folder / "evidence", folder / "model")


@pytest.fixture
def home(empty_home: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(empty_home, tmp_path / "evidence"))


@pytest.fixture
def finished(pristine: Finished, tmp_path: Path) -> Finished:
    shutil.copytree(pristine.home.parent, tmp_path / "audit")
    return Finished(tmp_path / "audit" / "evidence", tmp_path / "audit" / "model", pristine.audit_id)
