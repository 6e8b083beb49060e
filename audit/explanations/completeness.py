"""Whether attributions add up to the change of the output from the baseline."""

from __future__ import annotations

import numpy as np
import torch

from audit.explanations.scalar import ScalarOutput
from audit.records import FloatArray, Pixels

SMALLEST_CHANGE = 1e-6


def change_of_output(scalar: ScalarOutput, pixels: Pixels, baseline: Pixels) -> FloatArray:
    """F(image) - F(baseline) for images (N, 1, \\*spatial)."""
    batch = scalar.batch(pixels)
    region = scalar.region(batch)
    with torch.no_grad():
        return np.asarray((scalar(batch, region) - scalar(scalar.batch(baseline), region)).double().cpu().numpy())


def completeness_error(maps: Pixels | FloatArray, change: FloatArray) -> FloatArray:
    """|sum of attributions - change| over |change|, NaN where the output hardly changes. Source: Sundararajan 2017."""
    total = maps.astype(np.float64).reshape(len(maps), -1).sum(axis=1)
    return np.asarray(np.abs(total - change) / np.where(np.abs(change) < SMALLEST_CHANGE, np.nan, np.abs(change)))
