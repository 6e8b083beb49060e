"""MLflow's default: an exported program (torch.export, pt2). Nothing is unpickled and no code stored with it is run."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import mlflow.pytorch
import torch
from mlflow.exceptions import MlflowException
from torch.export import ExportedProgram
from torch.export.passes import move_to_device_pass

from audit.model_refs import RegisteredModel
from audit.models.batches import InputShape, in_batches
from audit.models.model import Format, Loaded, frozen, named
from audit.models.quiet import quiet
from audit.models.signature import signature_outputs
from audit.models.stored import PROGRAM
from audit.records import BadInput


def load(ref: RegisteredModel, folder: Path, device: str) -> Loaded:
    """MLflow's pickle check first, then the exported program on ``device``."""
    data = (folder / PROGRAM).read_bytes()
    _check_pickles(ref, folder)
    program = _on_device(data, device)
    shape, call = input_shape(program), program.module()
    names = _outputs(folder, program, shape, device)
    return Loaded(
        names, lambda batch: in_batches(lambda x: named(call(x), names), batch, shape), lambda: _network(program)
    )


def input_shape(program: ExportedProgram) -> InputShape:
    """Batch limits and sizes of the program's only input, as the export recorded them."""
    names = set(program.graph_signature.user_inputs)
    nodes = [node for node in program.graph.nodes if node.op == "placeholder" and node.name in names]
    if len(nodes) != 1:
        raise BadInput(f"the exported model takes {len(nodes)} inputs; one batch of images was expected.")
    sizes = nodes[0].meta["val"].shape
    low, high = _limits(program, sizes[0])
    return InputShape(low, high, tuple(size if isinstance(size, int) else None for size in sizes[1:]))


def _limits(program: ExportedProgram, size: Any) -> tuple[int, int]:
    if isinstance(size, int):
        return size, size
    limits = program.range_constraints[size.node.expr]
    high = int(limits.upper) if limits.upper.is_Integer else sys.maxsize
    return int(limits.lower), high


def _on_device(data: bytes, device: str) -> ExportedProgram:
    program = torch.export.load(io.BytesIO(data))
    return program if device == "cpu" else move_to_device_pass(program, device)


def _network(program: ExportedProgram) -> torch.nn.Module:
    """The network with its layers by name (unflattened), for hooks."""
    with quiet():
        return frozen(torch.export.unflatten(program))


def _check_pickles(ref: RegisteredModel, folder: Path) -> None:
    label = f"model {ref.name} version {ref.version}"
    try:
        with quiet():
            mlflow.pytorch.load_model(str(folder))
    except MlflowException as error:
        reason = " ".join(str(error).split())
        raise BadInput(f"{label}: MLflow's pickle check refuses {PROGRAM} ({reason}).") from error
    except (RuntimeError, ValueError, KeyError, OSError) as error:
        raise BadInput(f"{label}: {PROGRAM} is not a readable pt2 archive; register it again.") from error


def _outputs(folder: Path, program: ExportedProgram, shape: InputShape, device: str) -> tuple[str, ...]:
    if declared := signature_outputs(folder):
        return declared
    example = torch.zeros((max(shape.low, 1), *(size or 32 for size in shape.rest)))
    with torch.inference_mode():
        return tuple(named(program.module()(example.to(device))))


ENTRY = Format("mlflow", "exported program (pt2)", load)
