"""Opens a registered version: digest first, then MLflow's pickle check, then the exported program.

Nothing is unpickled and no code stored with a model is run.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow.pytorch
import numpy as np
import torch
from mlflow.exceptions import MlflowException
from numpy.typing import NDArray
from torch.export import ExportedProgram

from audit.models.exported import input_shape, load_program, named, run_fixed
from audit.models.quiet import quiet
from audit.models.stored import PROGRAM, PROGRAM_TAG, TRAINING_SET_TAG, StoredVersion, find_stored, folder_digests
from audit.plan import RegisteredModel, Target
from audit.records import BadInput, ModelVersion, Pixels


class OpenModel:
    """A frozen version that can be run: ``predict`` for the pass, ``module`` for gradient explanations."""

    def __init__(self, version: ModelVersion, program: ExportedProgram, device: str) -> None:
        self.version = version
        self.outputs = version.outputs
        self._program = program
        self._shape = input_shape(program)
        self._call = program.module()
        self._device = device

    def predict(self, batch: Pixels) -> dict[str, NDArray[np.float32]]:
        """Outputs by name for a float32 batch (N, 1, \\*spatial): scores (N,), masks (N, \\*spatial).

        Raises ``BadInput`` where the images have a size that the export does not take.
        """
        return run_fixed(self._call, self.outputs, batch, self._shape, self._device)

    def module(self) -> torch.nn.Module:
        """The network with its layers by name (unflattened), for hooks; weights frozen, channels last.

        Equal to ``predict`` up to the rounding of another memory layout.
        """
        with quiet():
            network = torch.export.unflatten(self._program)
        for weight in network.parameters():
            weight.requires_grad_(False)
            if weight.ndim == 4:
                weight.data = weight.data.contiguous(memory_format=torch.channels_last)
        return network


def open_version(ref: RegisteredModel, home: Path, device: str) -> OpenModel:
    """The registered version on ``device`` ('cpu', 'cuda'), its stored bytes digested and checked.

    Raises ``BadInput`` when it is not registered, not stored as pt2, pickled, brings code, or when its program's
    bytes are not those that were registered.
    """
    determinism(device)
    stored = find_stored(ref, home)
    digests = folder_digests(stored.folder)
    _refuse_foreign(stored, digests)
    data = stored.program.read_bytes()
    if hashlib.sha256(data).hexdigest() != digests[PROGRAM]:
        raise BadInput(f"{_label(stored)}: {PROGRAM} changed while it was being read; run again.")
    program = load_program(data, device)
    return OpenModel(_version(stored, digests, _outputs(stored, program)), program, device)


def require_outputs(version: ModelVersion, targets: Mapping[str, Target]) -> None:
    """Raises ``BadInput`` where a target names an output that the version does not give."""
    for name, target in targets.items():
        if target.output not in version.outputs:
            raise BadInput(
                f"target '{name}' names output '{target.output}'; {version.label} gives "
                f"{', '.join(version.outputs)}; correct 'output' in the plan."
            )


def determinism(device: str) -> dict[str, bool | str | int]:
    """Asks torch for repeatable kernels (no autotuning, no TF32) and tells what was set, for the evidence.

    On a CPU half of the cores are used: small networks gain little from more, and lose much where cores are shared.
    """
    if device == "cpu":
        torch.set_num_threads(max(1, (os.cpu_count() or 2) // 2))
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    return {
        "device": device,
        "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
        "tf32": torch.backends.cuda.matmul.allow_tf32,
        "threads": torch.get_num_threads(),
    }


def _refuse_foreign(stored: StoredVersion, digests: Mapping[str, str]) -> None:
    if PROGRAM not in digests:
        raise BadInput(
            f"{_label(stored)} is not stored as an exported program ({PROGRAM} expected, found "
            f"{', '.join(name for name in digests if name.startswith('data/')) or 'no data'}); pickled models are not "
            "loaded: log it with serialization_format='pt2'."
        )
    registered = stored.tags.get(PROGRAM_TAG)
    if registered is not None and registered != digests[PROGRAM]:
        raise BadInput(
            f"{_label(stored)}: {PROGRAM} has SHA-256 {digests[PROGRAM]}, but {registered} was registered; the stored "
            "file was changed: restore it or register a new version."
        )
    if stored.description().get("flavors", {}).get("pytorch", {}).get("code"):
        raise BadInput(f"{_label(stored)} brings code of its own; register it without code_paths.")
    _check_pickles(stored)


def _check_pickles(stored: StoredVersion) -> None:
    try:
        with quiet():
            mlflow.pytorch.load_model(str(stored.folder))
    except MlflowException as error:
        reason = " ".join(str(error).split())
        raise BadInput(f"{_label(stored)}: MLflow's pickle check refuses {PROGRAM} ({reason}).") from error
    except (RuntimeError, ValueError, KeyError, OSError) as error:
        raise BadInput(f"{_label(stored)}: {PROGRAM} is not a readable pt2 archive; register it again.") from error


def _outputs(stored: StoredVersion, program: ExportedProgram) -> tuple[str, ...]:
    signature: Any = mlflow.models.get_model_info(str(stored.folder)).signature
    if signature is not None and signature.outputs is not None and signature.outputs.has_input_names():
        return tuple(signature.outputs.input_names())
    shape = input_shape(program)
    example = torch.zeros((max(shape.low, 1), *(size or 32 for size in shape.rest)))
    with torch.inference_mode():
        return tuple(named(program.module()(example.to(_device(program)))))


def _device(program: ExportedProgram) -> torch.device:
    return next((tensor.device for tensor in program.state_dict.values()), torch.device("cpu"))


def _version(stored: StoredVersion, digests: Mapping[str, str], outputs: tuple[str, ...]) -> ModelVersion:
    ref = stored.ref
    return ModelVersion(
        name=ref.name,
        version=ref.version,
        kind="mlflow",
        uri=f"models:/{ref.name}/{ref.version}",
        digests=digests,
        outputs=outputs,
        training_run=stored.run_id,
        training_set_digest=stored.run_tags.get(TRAINING_SET_TAG),
        parameters=stored.parameters,
        operating_points=stored.operating_points,
    )


def _label(stored: StoredVersion) -> str:
    return f"model {stored.ref.name} version {stored.ref.version}"


def cuda_present() -> bool:
    """Whether a CUDA device can be used here."""
    return torch.cuda.is_available()
