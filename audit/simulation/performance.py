"""What a version gives on arrays of images, and the few figures its training record and its check need.

The audit's own measures, with intervals, live elsewhere; these stand here because this room may import none of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from audit.records import BoolArray, FloatArray
from audit.simulation.network import LesionNetwork

BATCH = 16
MASK_THRESHOLDS = tuple(round(0.1 + 0.05 * step, 2) for step in range(17))


@dataclass(frozen=True, slots=True)
class OperatingPoints:
    """Thresholds (positive at or above) on the lesion probability and on the mask probability."""

    lesion: float
    lesion_mask: float


@dataclass(frozen=True, slots=True)
class Performance:
    """One group's figures; NaN where there is nothing to count. ``dice`` is the mean over cases with lesions."""

    images: int
    auroc: float
    sensitivity: float
    specificity: float
    dice: float


def predict(network: LesionNetwork, images: torch.Tensor) -> tuple[FloatArray, NDArray[np.float32]]:
    """Lesion probabilities (N,) and mask probabilities (N, H, W) of images (N, 1, H, W)."""
    with torch.inference_mode():
        parts = [network(batch.contiguous(memory_format=torch.channels_last)) for batch in torch.split(images, BATCH)]
    scores = torch.cat([part["lesion"] for part in parts]).double().numpy()
    return scores, torch.cat([part["lesion_mask"] for part in parts])[:, 0].contiguous().numpy()


def choose(scores: FloatArray, masks: NDArray[np.float32], references: BoolArray) -> OperatingPoints:
    """Largest sensitivity + specificity - 1 (Youden, Cancer 1950;3:32), in the middle of the gap between the scores on
    either side; the mask threshold with the largest Dice pooled over the set."""
    labels = references.any(axis=(1, 2))
    known = np.unique(scores)
    cuts = np.concatenate([[known[0]], (known[1:] + known[:-1]) / 2.0])
    lesion = max(cuts, key=lambda cut: (scores[labels] >= cut).mean() + (scores[~labels] < cut).mean())
    lesion_mask = max(MASK_THRESHOLDS, key=lambda cut: _dice(masks >= cut, references))
    return OperatingPoints(round(float(lesion), 6), lesion_mask)


def measure(scores: FloatArray, masks: NDArray[np.float32], references: BoolArray, at: OperatingPoints) -> Performance:
    """AUROC, sensitivity, specificity and mean Dice at locked thresholds; ``references`` (N, H, W)."""
    labels = np.asarray(references.any(axis=(1, 2)), dtype=bool)
    dice = [_dice(mask >= at.lesion_mask, ref) for mask, ref in zip(masks[labels], references[labels], strict=True)]
    return Performance(
        images=len(scores),
        auroc=auroc(scores, labels),
        sensitivity=_mean(scores[labels] >= at.lesion),
        specificity=_mean(scores[~labels] < at.lesion),
        dice=_mean(np.array(dice)),
    )


def auroc(scores: FloatArray, labels: BoolArray) -> float:
    """Share of positive-negative pairs in the right order, ties half (Mann-Whitney); NaN without both kinds."""
    positive, negative = scores[labels][:, None], scores[~labels][None, :]
    return _mean((positive > negative) + 0.5 * (positive == negative))


def _dice(predicted: NDArray[np.bool_], reference: NDArray[np.bool_]) -> float:
    return float(2 * (predicted & reference).sum() / max(1, predicted.sum() + reference.sum()))


def _mean(values: NDArray[np.bool_] | NDArray[np.float64]) -> float:
    return float(values.mean()) if values.size else float("nan")
