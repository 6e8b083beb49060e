"""Registers a version that is files already: ONNX, TorchScript, MONAI bundle, pickle, or the files of a command."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import mlflow
import yaml
from mlflow import MlflowClient

from audit.home import TRAINING, experiment, open_home
from audit.model_refs import Registered
from audit.models.card import CARD
from audit.models.folder import DATA
from audit.models.golden import GOLDEN, Golden, answers, check_golden
from audit.models.model import OpenModel
from audit.models.opening import determinism, open_folder, open_version
from audit.models.stored import FLAVOR, note_version
from audit.records import BadInput, ModelVersion, Pixels


def register_files(
    ref: Registered, source: Path | None, card: Path | None, golden: Golden | Pixels, home: Path
) -> ModelVersion:
    """Registers the file or folder ``source`` as the next version of ``ref.name``; ``ref.version`` is not looked at.

    ``card``: the version's ``version.yaml``, if it has one. ``golden``: images with the outputs that the manufacturer
    knows, or images (N, 1, \\*spatial) alone, whose outputs are then those that the version gives now. The version is
    opened and must meet its golden pair before anything is registered.
    """
    client = open_home(home)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        _stage(ref, source, card, folder)
        _prove(ref, folder, golden)
        number = _log(client, ref, folder, home)
    return open_version(ref.model_copy(update={"version": number}), home, "cpu").version


def _stage(ref: Registered, source: Path | None, card: Path | None, folder: Path) -> None:
    data = folder / DATA
    if source is not None and source.is_dir():
        shutil.copytree(source, data)
    elif source is not None and source.is_file():
        data.mkdir()
        shutil.copyfile(source, data / source.name)
    elif source is not None:
        raise BadInput(f"{source}: there is no such file or folder to register.")
    if card is not None:
        try:
            shutil.copyfile(card, folder / CARD)
        except OSError as error:
            raise BadInput(f"{card}: cannot be read ({error.strerror}); give the version's {CARD}.") from error
    described = {"flavors": {FLAVOR: {"kind": ref.kind, "data": DATA}}, "mlflow_version": mlflow.__version__}
    (folder / "MLmodel").write_text(yaml.safe_dump(described), encoding="utf-8")


def _prove(ref: Registered, folder: Path, golden: Golden | Pixels) -> None:
    """Opens the staged version and puts its golden pair beside its files."""
    determinism("cpu")
    model, _, card = open_folder(ref, folder, "cpu")
    pair = golden if isinstance(golden, Golden) else Golden(golden, _given(model, golden))
    check_golden(model, pair, card.golden_tolerance)
    (folder / GOLDEN).write_bytes(pair.to_bytes())


def _given(model: OpenModel, images: Pixels) -> dict[str, Pixels]:
    found = answers(model, images)
    return {name: found[name] for name in model.outputs or found}


def _log(client: MlflowClient, ref: Registered, folder: Path, home: Path) -> str:
    place = experiment(home, TRAINING).experiment_id
    logged = client.create_logged_model(place, name=ref.name, model_type=FLAVOR)
    client.log_model_artifacts(logged.model_id, str(folder))
    client.finalize_logged_model(logged.model_id, "READY")
    if not client.search_registered_models(f"name='{ref.name}'"):
        client.create_registered_model(ref.name)
    made = client.create_model_version(ref.name, source=f"models:/{logged.model_id}", model_id=logged.model_id)
    number = str(made.version)
    note_version(client, ref, number, logged.model_id, home)
    return number
