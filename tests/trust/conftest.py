"""One small finished audit per session; each test works on a copy."""

import shutil
from pathlib import Path

import pytest
from small_audit import Small, run_small

from audit.home import open_home


@pytest.fixture(scope="session")
def vacant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home without audits; MLflow's schema takes seconds, so others copy it."""
    home = tmp_path_factory.mktemp("vacant") / "evidence"
    open_home(home)
    return home


@pytest.fixture(scope="session")
def pristine(vacant: Path, tmp_path_factory: pytest.TempPathFactory) -> Small:
    folder = tmp_path_factory.mktemp("small") / "audit"
    folder.mkdir()
    shutil.copytree(vacant, folder / "evidence")
    return run_small(folder)


@pytest.fixture
def small(pristine: Small, tmp_path: Path) -> Small:
    return Small(Path(shutil.copytree(pristine.folder, tmp_path / "audit")), pristine.audit_id)
