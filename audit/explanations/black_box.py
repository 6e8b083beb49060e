"""A version without gradients as a module, so that methods that only need outputs see every version alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from audit.records import Pixels


class BlackBox(torch.nn.Module):
    """``predict`` (pixels float32 (N, 1, \\*spatial) -> arrays by output, case first) as a module without weights."""

    def __init__(self, predict: Callable[[Pixels], Mapping[str, NDArray[Any]]]) -> None:
        super().__init__()
        self._predict = predict

    def forward(self, batch: torch.Tensor) -> dict[str, torch.Tensor]:
        found = self._predict(np.ascontiguousarray(batch.detach().cpu().numpy(), dtype=np.float32))
        return {name: torch.from_numpy(np.array(value, dtype=np.float32)) for name, value in found.items()}
