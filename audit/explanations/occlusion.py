"""Occlusion: how far the output falls when a window of the image shows its baseline."""

from __future__ import annotations

from math import prod

import numpy as np
import torch
from captum.attr import Occlusion

from audit.explanations.baselines import baseline_images
from audit.explanations.method import USUAL, Attribution, Terms, VisualMethod
from audit.explanations.scalar import ScalarOutput
from audit.records import Pixels

PARTS, MOST_POSITIONS, TOGETHER = 8, 400, 16


def explain(scalar: ScalarOutput, pixels: Pixels, terms: Terms = USUAL) -> Attribution:  # noqa: ARG001
    """Windows of an eighth of each side, moved by half of their size (by all of it where that would be more than 400
    positions); overlapping windows are averaged."""
    name, baseline = baseline_images(scalar, pixels)
    window = tuple(max(1, side // PARTS) for side in pixels.shape[2:])
    stride = tuple(max(1, side // 2) for side in window)
    if prod(-(-(side - w) // s) + 1 for side, w, s in zip(pixels.shape[2:], window, stride, strict=True)) > (
        MOST_POSITIONS
    ):
        stride = window
    maps = [_one(scalar, pixels[i : i + 1], baseline[i : i + 1], window, stride) for i in range(len(pixels))]
    notes = tuple("" if one.any() else "no covered window changes the output: the map is zero" for one in maps)
    return Attribution(np.stack(maps), None, None, notes, name)


def _one(
    scalar: ScalarOutput, image: Pixels, baseline: Pixels, window: tuple[int, ...], stride: tuple[int, ...]
) -> Pixels:
    batch = scalar.batch(image)
    region = scalar.region(batch)
    with torch.no_grad():
        raw = Occlusion(scalar).attribute(
            batch,
            sliding_window_shapes=(1, *window),
            strides=(1, *stride),
            baselines=scalar.batch(baseline),
            additional_forward_args=None if region is None else (region,),
            perturbations_per_eval=TOGETHER if image.ndim == 4 else 1,
        )
    return np.asarray(raw[0, 0].float().cpu().numpy())


ENTRY = VisualMethod(
    name="occlusion",
    title="Occlusion",
    source="Zeiler and Fergus, ECCV 2014, arXiv:1311.2901",
    signed=True,
    unit="fall when the window is covered,",
    explain=explain,
    needs_gradients=False,
)
