"""The image without what is to be explained: where paths start and what covered pixels show."""

from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import median_filter

from audit.explanations.scalar import ScalarOutput
from audit.records import Pixels

IGNORED, WINDOWS = 0.01, 10
BLACK, MEDIAN = "black", "median-filtered image"


def baseline_images(scalar: ScalarOutput, pixels: Pixels) -> tuple[str, Pixels]:
    """Name and images of the baseline: black (each image's minimum), unless the network ignores brightness.

    A network that normalises each image answers the same all along the path from black and jumps at its very start,
    so that the gradients there say nothing; then the baseline is the image after a median filter of a tenth of its
    shorter side, which lacks small detail but keeps the edges by which images are normalised. Which of the two is
    decided once for a network, on the first images that it is asked for. On choosing baselines: Sturmfels, Lundberg and
    Lee, Distill 2020, doi:10.23915/distill.00022.
    """
    black = np.broadcast_to(_minimum(pixels), pixels.shape).astype(np.float32)
    if scalar.baseline is None:
        scalar.baseline = MEDIAN if _ignores_brightness(scalar, pixels, black) else BLACK
    return scalar.baseline, black if scalar.baseline == BLACK else _smooth(pixels)


def _ignores_brightness(scalar: ScalarOutput, pixels: Pixels, black: Pixels) -> bool:
    region = scalar.region(scalar.batch(pixels))
    with torch.no_grad():
        whole, half, none = (
            scalar(scalar.batch(part), region).double().cpu().numpy()
            for part in (pixels, np.float32(0.5) * (pixels + black), black)
        )
    answers = np.median(np.abs(whole - half)) > IGNORED * np.median(np.abs(whole - none))
    return not answers  # also where black has no answer, as it has no contrast


def _smooth(pixels: Pixels) -> Pixels:
    window = 2 * round(min(pixels.shape[2:]) / WINDOWS / 2) + 1
    return np.asarray(median_filter(pixels, (1, 1, *[window] * (pixels.ndim - 2)), mode="nearest"), dtype=np.float32)


def _minimum(pixels: Pixels) -> Pixels:
    return np.asarray(pixels.min(axis=tuple(range(1, pixels.ndim)), keepdims=True))
