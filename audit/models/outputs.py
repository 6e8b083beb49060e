"""From the tensors a network gives to the outputs that a plan's targets name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from audit.records import BadInput


class OutputRule(BaseModel):
    """One named output: a tensor of the network (default: its only one), made a probability, one channel of it.

    ``sigmoid`` acts on each value; ``softmax`` over the channels, before ``channel`` is taken (counted from 0).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    tensor: str | None = None
    activation: Literal["sigmoid", "softmax"] | None = None
    channel: int | None = Field(default=None, ge=0)


def ruled(
    raw: Mapping[str, torch.Tensor], rules: Mapping[str, OutputRule] | None, size: torch.Size
) -> dict[str, torch.Tensor]:
    """Outputs by name: the rules' where there are any, else the network's own.

    Maps of another size than ``size`` (the image's own pixels) are interpolated linearly to it; scores (N,) or
    (N, classes) stay. Raises ``BadInput`` for a rule that names a tensor or channel which is not there.
    """
    chosen = {name: _apply(name, rule, raw) for name, rule in rules.items()} if rules else dict(raw)
    return {name: _on_pixels(value, size) for name, value in chosen.items()}


def _apply(name: str, rule: OutputRule, raw: Mapping[str, torch.Tensor]) -> torch.Tensor:
    tensor = rule.tensor or next(iter(raw))
    if tensor not in raw or (rule.tensor is None and len(raw) > 1):
        raise BadInput(f"output '{name}': say which 'tensor' it is; the network gives {', '.join(raw)}.")
    value = raw[tensor]
    if rule.activation == "sigmoid":
        value = torch.sigmoid(value)
    elif rule.activation == "softmax":
        value = torch.softmax(value, dim=1)
    if rule.channel is None:
        return value
    if value.ndim < 2 or rule.channel >= value.shape[1]:
        raise BadInput(f"output '{name}' is channel {rule.channel} of '{tensor}', which has shape {_shape(value)}.")
    return value[:, rule.channel : rule.channel + 1]


def _on_pixels(value: torch.Tensor, size: torch.Size) -> torch.Tensor:
    if value.ndim != len(size) + 2 or value.shape[2:] == size:
        return value
    mode = "bilinear" if len(size) == 2 else "trilinear"
    return torch.nn.functional.interpolate(value, size=tuple(size), mode=mode, align_corners=False)


def _shape(value: torch.Tensor) -> str:
    return " x ".join(map(str, value.shape))


def arrays(values: Mapping[str, torch.Tensor]) -> dict[str, NDArray[np.float32]]:
    """Tensors as float32 arrays; a single channel is no axis."""
    return {name: _array(value) for name, value in values.items()}


def _array(value: torch.Tensor) -> NDArray[np.float32]:
    array = value.float().cpu().numpy()
    return array[:, 0] if array.ndim > 1 and array.shape[1] == 1 else array
