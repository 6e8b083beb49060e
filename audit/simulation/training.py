"""Trains a version of the example network on simulated images that are made on the fly.

Version 1 saw two of the four manufacturers, version 2 all four; version 1's images are part of version 2's. Patients of
the training, tuning and validation sets are drawn from different seeds and carry different ids.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from audit.simulation.cohort import SimulatedCase, draw_cohort
from audit.simulation.network import LesionNetwork, build_network
from audit.simulation.scanners import SCANNERS, SEEN_BY_V1, Scanner

TRAINING_SEED, TUNING_SEED = 20250101, 20250202
TRAINING_PATIENTS, TUNING_PATIENTS = 1200, 320
LESION_PIXEL_WEIGHT = 20.0
Progress = Callable[[int, float], None]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a version is trained: one-cycle Adam, left-right flips, batch Dice plus weighted cross-entropy."""

    version: str
    scanners: tuple[Scanner, ...]
    epochs: int = 9
    batch_size: int = 16
    learning_rate: float = 4e-3
    seed: int = 11


RECIPES = {"v1": Recipe("v1", SEEN_BY_V1), "v2": Recipe("v2", SCANNERS)}


@dataclass(frozen=True)
class Examples:
    """Images (N, 1, H, W) float32 of stored values, masks (N, 1, H, W) float32 of 0 and 1, labels (N,) of 0 and 1."""

    images: torch.Tensor
    masks: torch.Tensor
    labels: torch.Tensor


def training_cohort(scanners: Sequence[Scanner]) -> list[SimulatedCase]:
    """The training patients that lay on one of ``scanners``, one image each."""
    return _on(draw_cohort("SIM-T", TRAINING_PATIENTS, SCANNERS, TRAINING_SEED, 0.0), scanners)


def tuning_cohort(scanners: Sequence[Scanner]) -> list[SimulatedCase]:
    """The tuning patients that lay on one of ``scanners``, one image each."""
    return _on(draw_cohort("SIM-U", TUNING_PATIENTS, SCANNERS, TUNING_SEED, 0.0), scanners)


def _on(cases: Sequence[SimulatedCase], scanners: Sequence[Scanner]) -> list[SimulatedCase]:
    return [case for case in cases if case.scanner in scanners]


def examples(images: NDArray[np.uint16], masks: NDArray[np.bool_]) -> Examples:
    """Arrays (N, H, W) as tensors in the layout that trains fastest on a CPU."""
    pixels = torch.from_numpy(images.astype(np.float32))[:, None].contiguous(memory_format=torch.channels_last)
    reference = torch.from_numpy(masks.astype(np.float32))[:, None]
    return Examples(pixels, reference, reference.flatten(1).amax(dim=1))


def fit(recipe: Recipe, data: Examples, progress: Progress) -> LesionNetwork:
    """The trained network in evaluation mode; ``progress`` gets each epoch's number and mean loss."""
    torch.manual_seed(recipe.seed)
    network = build_network()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network.train()
    optimizer = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate)
    steps = recipe.epochs * (len(data.labels) // recipe.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, total_steps=steps)
    generator = torch.Generator().manual_seed(recipe.seed)
    for epoch in range(1, recipe.epochs + 1):
        losses = []
        for rows in _batches(len(data.labels), recipe.batch_size, generator):
            losses.append(_step(network, optimizer, data, rows, generator))
            schedule.step()
        progress(epoch, sum(losses) / len(losses))
    network.eval()
    return network


def _batches(count: int, size: int, generator: torch.Generator) -> list[torch.Tensor]:
    order = torch.randperm(count, generator=generator)
    return [rows for rows in torch.split(order, size) if len(rows) == size]


def _step(
    network: LesionNetwork,
    optimizer: torch.optim.Optimizer,
    data: Examples,
    rows: torch.Tensor,
    generator: torch.Generator,
) -> float:
    images, masks = data.images[rows], data.masks[rows]
    if torch.rand(1, generator=generator).item() < 0.5:
        images, masks = images.flip(-1), masks.flip(-1)
    mask, logit = network.logits(images.contiguous(memory_format=torch.channels_last))
    loss = mask_loss(mask, masks) + 0.5 * torch.nn.functional.binary_cross_entropy_with_logits(logit, data.labels[rows])
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return float(loss.detach())


def mask_loss(logits: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """Dice over the whole batch (empty masks then have a gradient) plus cross-entropy in which a lesion pixel weighs 20
    times; both arguments (N, 1, H, W)."""
    probability = torch.sigmoid(logits)
    overlap = 2.0 * (probability * reference).sum() + 1.0
    dice = 1.0 - overlap / (probability.sum() + reference.sum() + 1.0)
    weight = 1.0 + (LESION_PIXEL_WEIGHT - 1.0) * reference
    return dice + 2.0 * torch.nn.functional.binary_cross_entropy_with_logits(logits, reference, weight)
