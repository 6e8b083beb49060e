"""Registers a trained network: training run, exported program (pt2), golden pair, version with its digests."""

from __future__ import annotations

import copy
import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

import mlflow
import mlflow.pytorch
import numpy as np
import pandas as pd
import torch
from mlflow import MlflowClient
from mlflow.models import ModelSignature, infer_signature

from audit.home import TRAINING, experiment, open_home
from audit.model_refs import RegisteredModel
from audit.models.golden import GOLDEN, Golden
from audit.models.model import named
from audit.models.opening import open_version
from audit.models.outputs import arrays
from audit.models.quiet import quiet
from audit.models.stored import (
    OPERATING_POINTS_TAG,
    PROGRAM,
    PROGRAM_TAG,
    TRAINING_SET_TAG,
    WEIGHTS_TAG,
    find_stored,
    folder_digests,
    note_version,
    versions,
)
from audit.records import BadInput, ModelVersion, Pixels


class Training(TypedDict, total=False):
    """What is known about the training; absent keys stay gaps.

    ``parameters`` and ``metrics`` of the run; ``training_set`` its name; ``training_set_digest`` SHA-256 over its
    full content; ``manifest`` one row per training image; ``operating_points`` by target, each with threshold and
    the set it was chosen on.
    """

    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    training_set: str
    training_set_digest: str
    manifest: pd.DataFrame
    operating_points: Mapping[str, Any]


def register(
    name: str, module: torch.nn.Module, example: Pixels, outputs: Sequence[str], training: Training, home: Path
) -> ModelVersion:
    """Logs a training run and registers ``module`` as the next version of ``name``.

    ``example``: float32 (N >= 2, 1, \*spatial); a batch of 1 would be frozen into the export. ``outputs``: the names
    of what the module returns, in order (its keys, where it returns a dictionary). The module is exported in
    evaluation mode on the CPU. What it gives for the example before the export is stored as the golden pair.
    """
    if len(example) < 2:
        raise BadInput(f"model {name}: the example batch holds {len(example)} image; give at least 2.")
    client = open_home(home)
    frozen = copy.deepcopy(module).cpu().eval()
    signature = _signature(name, frozen, example, outputs)
    place = experiment(home, TRAINING).experiment_id
    with quiet(), mlflow.start_run(experiment_id=place, run_name=f"training of {name}") as run:
        _log_training(training)
        info = mlflow.pytorch.log_model(
            frozen,
            name=name,
            input_example=example,
            serialization_format="pt2",
            signature=signature,
            pip_requirements=[f"torch=={torch.__version__.split('+')[0]}"],
        )
    _log_golden(client, info.model_id, _golden(frozen, example, outputs))
    number = _create_version(client, name, info, run.info.run_id, weights_digest(module), home)
    return open_version(RegisteredModel(name=name, version=number), home, "cpu").version


def ensure_registered(
    name: str,
    version: str,
    module: torch.nn.Module,
    example: Pixels,
    outputs: Sequence[str],
    training: Training,
    home: Path,
) -> ModelVersion:
    """``register`` unless this version already stands with the same weights; then nothing is written.

    Raises ``BadInput`` where the version holds other weights, or where it would not be the next number.
    """
    client = open_home(home)
    numbers = [number for _, number in versions(client, name)]
    if version in numbers:
        return _existing(RegisteredModel(name=name, version=version), weights_digest(module), home)
    due = str(max((int(number) for number in numbers), default=0) + 1)
    if version != due:
        raise BadInput(f"model {name}: version {version} cannot be registered; the next version is {due}.")
    return register(name, module, example, outputs, training, home)


def weights_digest(module: torch.nn.Module) -> str:
    """SHA-256 over the names, types, shapes and bytes of all parameters and buffers, by name."""
    total = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        array = np.ascontiguousarray(tensor.detach().cpu().contiguous().numpy())
        total.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        total.update(array.tobytes())
    return total.hexdigest()


def _existing(ref: RegisteredModel, digest: str, home: Path) -> ModelVersion:
    if find_stored(ref, home).tags.get(WEIGHTS_TAG) != digest:
        raise BadInput(
            f"model {ref.name} version {ref.version} is registered with other weights; register a new version "
            "or choose another home with --home."
        )
    return open_version(ref, home, "cpu").version


def _signature(name: str, module: torch.nn.Module, example: Pixels, outputs: Sequence[str]) -> ModelSignature:
    with torch.inference_mode():
        raw = named(module(torch.from_numpy(example)), tuple(outputs))
    if tuple(raw) != tuple(outputs):
        raise BadInput(f"model {name} gives outputs {list(raw)}; {list(outputs)} were declared.")
    return infer_signature(example, {key: value.numpy() for key, value in raw.items()})


def _golden(module: torch.nn.Module, example: Pixels, outputs: Sequence[str]) -> Golden:
    """The pair for the example, or for a ramp of its shape where all its pixels are equal and would show little."""
    flat = float(example.min()) == float(example.max())
    ramp = np.linspace(0, 1, example.size, dtype=np.float32).reshape(example.shape)
    images = ramp if flat else example
    with torch.inference_mode():
        return Golden(images, arrays(named(module(torch.from_numpy(images)), tuple(outputs))))


def _log_golden(client: MlflowClient, model_id: str, golden: Golden) -> None:
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / GOLDEN).write_bytes(golden.to_bytes())
        client.log_model_artifacts(model_id, place)


def _log_training(training: Training) -> None:
    mlflow.log_params({key: str(value) for key, value in training.get("parameters", {}).items()})
    mlflow.log_metrics(dict(training.get("metrics", {})))
    if "training_set_digest" in training:
        mlflow.set_tag(TRAINING_SET_TAG, training["training_set_digest"])
    if "operating_points" in training:
        mlflow.set_tag(OPERATING_POINTS_TAG, json.dumps(training["operating_points"], sort_keys=True))
    if "manifest" in training:
        digest = training.get("training_set_digest", "")
        name = training.get("training_set", "training set")
        source = mlflow.data.code_dataset_source.CodeDatasetSource(tags={"name": name})
        data = mlflow.data.from_pandas(training["manifest"], source=source, name=name, digest=digest[:36] or None)
        mlflow.log_input(data, context="training", tags={"sha256": digest} if digest else None)


def _create_version(client: MlflowClient, name: str, info: Any, run_id: str, weights: str, home: Path) -> str:
    if not client.search_registered_models(f"name='{name}'"):
        client.create_registered_model(name)
    made = client.create_model_version(
        name, source=info.model_uri, run_id=run_id, tags={WEIGHTS_TAG: weights}, model_id=info.model_id
    )
    number = str(made.version)
    ref = RegisteredModel(name=name, version=number)
    digests = folder_digests(find_stored(ref, home).folder)
    client.set_model_version_tag(name, number, PROGRAM_TAG, digests[PROGRAM])
    note_version(client, ref, number, info.model_id, home)
    return number
