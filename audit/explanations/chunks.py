"""How many images go through a network at once: as many as memory allows, few enough for the cache."""

from __future__ import annotations

from typing import Any

import torch

from audit.explanations.scalar import ScalarOutput

BUDGET_BYTES = 2**30
MOST = 16


def chunk_size(scalar: ScalarOutput, image: torch.Tensor) -> int:
    """Images (1, 1, \\*spatial) like ``image`` per pass: what one of them keeps for its backward pass, counted once,
    into 1 GiB; at most 16, above which a CPU gains nothing. 1 at least."""
    kept = 0

    def count(tensor: torch.Tensor) -> Any:
        nonlocal kept
        kept += tensor.nelement() * tensor.element_size()
        return tensor

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        scalar(image[:1].detach().clone().requires_grad_())
    return max(1, min(MOST, BUDGET_BYTES // max(kept, image[:1].nelement() * image.element_size())))
