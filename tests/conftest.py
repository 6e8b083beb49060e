"""Fixtures for every room: where the shared reference data stands, if it stands anywhere."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real data and reference answers that stands beside the checkout."""
    folder = REPOSITORY.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the shared reference data does not stand beside this checkout")
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole walks first, so that no worker is left with a long file while the other has nothing to do."""
    rooms = ("walk", "trust", "explanations", "dossier")
    place = {room: number for number, room in enumerate(rooms)}
    items.sort(key=lambda item: place.get(item.path.relative_to(REPOSITORY / "tests").parts[0], len(rooms)))
