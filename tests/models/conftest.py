"""A home with one small registered network, made once."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from small_net import OUTPUTS, TRAINING, SmallNet, images

from audit.model_refs import RegisteredModel
from audit.models.opening import open_version
from audit.models.registering import register
from audit.records import ModelVersion


@pytest.fixture(scope="session")
def net() -> SmallNet:
    return SmallNet().eval()


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory, net: SmallNet) -> Path:
    folder = tmp_path_factory.mktemp("home")
    register("toy", net, images(2), OUTPUTS, TRAINING, folder)
    return folder


@pytest.fixture
def copied_home(home: Path, tmp_path: Path) -> Callable[[], Path]:
    def copy() -> Path:
        return Path(shutil.copytree(home, tmp_path / "moved"))

    return copy


@pytest.fixture(scope="session")
def version(home: Path) -> ModelVersion:
    return open_version(RegisteredModel(name="toy", version="1"), home, "cpu").version
