"""ONNX: one graph in one file, run by onnxruntime on the CPU, in one thread order."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch

from audit.model_refs import OnnxModel
from audit.models.batches import InputShape, in_batches
from audit.models.folder import only_file
from audit.models.model import Format, Loaded
from audit.records import BadInput


def load(ref: OnnxModel, folder: Path, _device: str) -> Loaded:
    """A session over the file's bytes, on the CPU: weights beside the file and custom operators cannot be reached."""
    session = _session(only_file(folder, (".onnx",), ref), ref)
    shape, place = _input_shape(session, ref), session.get_inputs()[0].name
    outputs = tuple(each.name for each in session.get_outputs())

    def call(batch: torch.Tensor) -> dict[str, torch.Tensor]:
        found = session.run(list(outputs), {place: batch.cpu().numpy()})
        return {name: torch.from_numpy(value) for name, value in zip(outputs, found, strict=True)}

    return Loaded(outputs, lambda batch: in_batches(call, batch, shape))


def _session(path: Path, ref: OnnxModel) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise BadInput(
            f"model {ref.name} version {ref.version}: onnxruntime cannot open {path.name} ({reason}); export it again, "
            "as one file with its weights inside."
        ) from error


def _input_shape(session: Any, ref: OnnxModel) -> InputShape:
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type != "tensor(float)":
        found, label = ", ".join(f"{each.name}: {each.type}" for each in inputs), f"model {ref.name} {ref.version}"
        raise BadInput(f"{label}: the graph takes {found}; one float32 batch of images was expected.")
    batch, *rest = inputs[0].shape
    low, high = (batch, batch) if isinstance(batch, int) else (1, sys.maxsize)
    return InputShape(low, high, tuple(size if isinstance(size, int) else None for size in rest))


ENTRY = Format("onnx", "ONNX (onnxruntime)", load)
