"""A network whose file fixes the sizes it takes, fed with batches of any number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from audit.records import BadInput


@dataclass(frozen=True, slots=True)
class InputShape:
    """What the file takes: batch sizes ``low`` to ``high`` and (channels, \\*spatial); None = any size."""

    low: int
    high: int
    rest: tuple[int | None, ...]

    def refuse_other(self, batch: torch.Tensor) -> None:
        """Raises ``BadInput`` where the batch's channels or spatial size are not the file's."""
        given = batch.shape[1:]
        if len(given) == len(self.rest) and all(b is None or a == b for a, b in zip(given, self.rest, strict=True)):
            return
        if len(given) == len(self.rest) and given[1:] == tuple(b or a for a, b in zip(given, self.rest))[1:]:  # noqa: B905
            raise BadInput(f"the image has {given[0]} channels; the model takes {self.rest[0]}.")
        want = " x ".join("any" if size is None else str(size) for size in self.rest[1:])
        raise BadInput(f"the image is {' x '.join(map(str, given[1:]))} pixels; the model takes {want}.")


def in_batches(
    call: Callable[[torch.Tensor], Mapping[str, torch.Tensor]], batch: torch.Tensor, shape: InputShape
) -> dict[str, torch.Tensor]:
    """Outputs of ``call`` for the batch, split and padded to the batch sizes that the file allows.

    Padding repeats the last image and is cut off again; no image's answer depends on its neighbours because a frozen
    network normalises with stored statistics.
    """
    shape.refuse_other(batch)
    step = min(len(batch), shape.high)
    parts = [_padded(call, batch[i : i + step], shape.low) for i in range(0, len(batch), step)]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _padded(
    call: Callable[[torch.Tensor], Mapping[str, torch.Tensor]], batch: torch.Tensor, low: int
) -> dict[str, torch.Tensor]:
    n = len(batch)
    if n < low:
        batch = torch.cat([batch, batch[-1:].expand(low - n, *batch.shape[1:])])
    return {name: value[:n] for name, value in call(batch).items()}
