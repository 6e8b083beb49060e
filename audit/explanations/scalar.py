"""The one number per case that gradient methods explain, as a module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from audit.plan import Target
from audit.records import Pixels


class ScalarOutput(torch.nn.Module):
    """One output of a network, one number per case.

    Classification: the output itself, or ``<output>_logit`` where the network gives it (log-odds do not saturate).
    Segmentation: the sum of the mask's probabilities over the pixels that were predicted positive on the unaltered
    image; that region stays fixed while the image is varied.
    """

    def __init__(self, network: torch.nn.Module, outputs: Sequence[str], target: Target, threshold: float = 0.5):
        super().__init__()
        self.network = network
        self.outputs = tuple(outputs)
        self.output = explained_output(outputs, target)
        self.segments = target.task == "segmentation"
        self.threshold = threshold

    def forward(self, batch: torch.Tensor, region: torch.Tensor | None = None) -> torch.Tensor:
        value = self.values(batch)
        return (value * region if region is not None else value).flatten(1).sum(1)

    def values(self, batch: torch.Tensor) -> torch.Tensor:
        """The output as the network gives it, with the case as first axis and at least one more."""
        raw = self.network(batch)
        value: torch.Tensor = raw if isinstance(raw, torch.Tensor) else raw[self.key(raw)]
        return value if value.ndim > 1 else value[:, None]

    def key(self, raw: Any) -> Any:
        """Where the explained output stands in what the network returns: its name, or its place in a tuple."""
        return self.output if isinstance(raw, Mapping) else self.outputs.index(self.output)

    def batch(self, pixels: Pixels) -> torch.Tensor:
        """(N, 1, \*spatial) pixels where the network lies, channels last where that is faster."""
        place = next((weight.device for weight in self.network.parameters()), torch.device("cpu"))
        batch = torch.from_numpy(np.ascontiguousarray(pixels, dtype=np.float32)).to(place)
        return batch.contiguous(memory_format=torch.channels_last) if batch.ndim == 4 else batch

    def region(self, batch: torch.Tensor) -> torch.Tensor | None:
        """Predicted positive pixels of a segmentation, as 0 and 1; None for a score."""
        if not self.segments:
            return None
        with torch.no_grad():
            value = self.values(batch)
        return (value >= self.threshold).to(value.dtype)


def explained_output(outputs: Sequence[str], target: Target) -> str:
    """Name of the output that is explained for ``target``."""
    logit = f"{target.output}_logit"
    return logit if target.binary and logit in outputs else target.output
