"""The committed set of the embedded example, read once."""

from pathlib import Path

import pytest

from audit.simulation.checking import read_manifest

SET = Path(__file__).resolve().parents[2] / "validation_sets" / "brain_mri_simulated"


@pytest.fixture(scope="session")
def committed() -> Path:
    return SET


@pytest.fixture(scope="session")
def manifest() -> list[dict[str, str]]:
    return read_manifest(SET)
