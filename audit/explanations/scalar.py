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
    image; that region stays fixed while the image is varied. Of several classes the scores of the target's labels are
    summed where one of them is the largest.
    """

    def __init__(self, network: torch.nn.Module, outputs: Sequence[str], target: Target, threshold: float = 0.5):
        super().__init__()
        self.network = network
        self.outputs = tuple(outputs)
        self.output = explained_output(outputs, target)
        self.segments = target.task == "segmentation"
        self.labels = target.label
        self.threshold = threshold
        self.baseline: str | None = None  # its name, once it has been chosen (``baselines``)

    def forward(self, batch: torch.Tensor, region: torch.Tensor | None = None) -> torch.Tensor:
        value = self.values(batch)
        return (value * region if region is not None else value).flatten(1).sum(1)

    def values(self, batch: torch.Tensor) -> torch.Tensor:
        """The output of the target, with the case as first axis and at least one more; of class scores the sum over
        the target's labels, of a label map 1 where it has one of them."""
        value = self._raw(batch)
        if not self.labels:
            return value if value.ndim > 1 else value[:, None]
        if self._by_class(value, batch):
            return value[:, list(self.labels)].sum(dim=1, keepdim=True)
        return self._labelled(value).to(batch.dtype)

    def _raw(self, batch: torch.Tensor) -> torch.Tensor:
        raw = self.network(batch)
        value: torch.Tensor = raw if isinstance(raw, torch.Tensor) else raw[self.key(raw)]
        return value

    def _by_class(self, value: torch.Tensor, batch: torch.Tensor) -> bool:
        return value.ndim == batch.ndim and value.shape[1] > 1

    def _labelled(self, value: torch.Tensor) -> torch.Tensor:
        return torch.isin(value, torch.tensor(self.labels, dtype=value.dtype, device=value.device))

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
            value = self._raw(batch)
            if not self.labels:
                positive = value >= self.threshold
            elif self._by_class(value, batch):
                positive = self._labelled(value.argmax(dim=1, keepdim=True))
            else:
                positive = self._labelled(value)
        return positive.to(batch.dtype)


def explained_output(outputs: Sequence[str], target: Target) -> str:
    """Name of the output that is explained for ``target``."""
    logit = f"{target.output}_logit"
    return logit if target.binary and logit in outputs else target.output
