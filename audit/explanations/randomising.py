"""Networks of which some weights are random: what a map must not look like (Adebayo et al., NeurIPS 2018)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch


def weight_blocks(network: torch.nn.Module, blocks: int) -> list[list[torch.Tensor]]:
    """Weights with two or more axes in the order in which the network declares them, in up to ``blocks`` blocks of
    equal number, those nearest to the output first. Biases and the factors of normalisation are left alone."""
    weights: list[torch.Tensor] = [weight for weight in network.parameters() if weight.ndim >= 2]
    parts = np.array_split(np.arange(len(weights)), min(blocks, len(weights))) if weights else []
    return [[weights[i] for i in part] for part in parts[::-1]]


@contextmanager
def randomised(weights: Sequence[torch.Tensor], seed: int) -> Iterator[None]:
    """Inside, ``weights`` hold normal random numbers with mean 0 and the mean square that they had."""
    kept = [weight.detach().clone() for weight in weights]
    generator = torch.Generator().manual_seed(seed)
    try:
        with torch.no_grad():
            for weight in weights:
                size = weight.pow(2).mean().sqrt()
                drawn = torch.randn(weight.shape, generator=generator).to(weight)
                weight.copy_(drawn * size)
        yield
    finally:
        with torch.no_grad():
            for weight, before in zip(weights, kept, strict=True):
                weight.copy_(before)
