"""An exported program (torch.export, pt2) as a function of arrays: fixed batches in, named arrays out."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.export import ExportedProgram
from torch.export.passes import move_to_device_pass

from audit.records import BadInput, Pixels

Arrays = dict[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class InputShape:
    """What the program takes: batch sizes ``low`` to ``high`` and (channels, \\*spatial); None = any size."""

    low: int
    high: int
    rest: tuple[int | None, ...]

    def refuse_other(self, batch: Pixels) -> None:
        """Raises ``BadInput`` where the batch's channels or spatial size are not the program's."""
        given = batch.shape[1:]
        if len(given) == len(self.rest) and all(b is None or a == b for a, b in zip(given, self.rest, strict=True)):
            return
        want = " x ".join("any" if size is None else str(size) for size in self.rest[1:])
        raise BadInput(f"the image is {' x '.join(map(str, given[1:]))} pixels; the model takes {want}.")


def load_program(data: bytes, device: str) -> ExportedProgram:
    """The exported program in ``data``, moved to ``device``; the caller has checked its digest and pickles."""
    program = torch.export.load(io.BytesIO(data))
    return program if device == "cpu" else move_to_device_pass(program, device)


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


def run_fixed(call: Any, outputs: Sequence[str], batch: Pixels, shape: InputShape, device: str) -> Arrays:
    """Outputs of ``call`` by name for the batch, split and padded to the batch sizes that the export allows.

    Padding repeats the last image and is cut off again; no image's answer depends on its neighbours because a
    frozen network normalises with stored statistics.
    """
    shape.refuse_other(batch)
    step = min(len(batch), shape.high)
    parts = [_run(call, outputs, batch[i : i + step], shape.low, device) for i in range(0, len(batch), step)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _run(call: Any, outputs: Sequence[str], batch: Pixels, low: int, device: str) -> Arrays:
    n = len(batch)
    if n < low:
        batch = np.concatenate([batch, np.repeat(batch[-1:], low - n, axis=0)])
    with torch.inference_mode():
        raw = call(torch.from_numpy(np.ascontiguousarray(batch, dtype=np.float32)).to(device))
    return {name: _array(value)[:n] for name, value in named(raw, outputs).items()}


def named(raw: Any, outputs: Sequence[str] = ()) -> dict[str, torch.Tensor]:
    """A network's outputs by name: its own names, else those in ``outputs``, in order, else ``output_0``, ..."""
    if isinstance(raw, Mapping):
        return dict(raw)
    values = [raw] if isinstance(raw, torch.Tensor) else list(raw)
    names = outputs or [f"output_{i}" for i in range(len(values))]
    if len(names) != len(values):
        raise BadInput(f"the model gives {len(values)} outputs; {len(names)} were named ({', '.join(names)}).")
    return dict(zip(names, values, strict=True))


def _array(value: torch.Tensor) -> NDArray[np.float32]:
    array = value.float().cpu().numpy()
    return array[:, 0] if array.ndim > 1 and array.shape[1] == 1 else array
