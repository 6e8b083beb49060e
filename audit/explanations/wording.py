"""Numbers and regions of a map in words, as rationales and agreement of maps print them."""

from __future__ import annotations

import numpy as np

from audit.records import Pixels


def number(value: float) -> str:
    """A score with three decimals, never rounded to 0 or 1 unless it is."""
    if 0 < value < 0.001:
        return "below 0.001"
    return "above 0.999" if 0.999 < value < 1 else f"{value:.3f}"


def share(value: float) -> str:
    """A share in percent: whole numbers from 10 % on, one decimal from 1 % on, two below."""
    decimals = 0 if value >= 0.1 else 1 if value >= 0.01 else 2
    return f"{100 * value:.{decimals}f} %"


def strongest_region(attribution: Pixels) -> tuple[str, float] | None:
    """The image quadrant with most absolute attribution and its share; None where the map is zero.

    Quadrants are of the image as displayed (last two axes), not of the anatomy.
    """
    weight = np.abs(attribution.astype(np.float64)).reshape(-1, *attribution.shape[-2:]).sum(axis=0)
    if weight.sum() <= 0:
        return None
    rows, columns = weight.shape[0] // 2, weight.shape[1] // 2
    parts = {
        "upper left quadrant": weight[:rows, :columns].sum(),
        "upper right quadrant": weight[:rows, columns:].sum(),
        "lower left quadrant": weight[rows:, :columns].sum(),
        "lower right quadrant": weight[rows:, columns:].sum(),
    }
    name = max(parts, key=lambda part: float(parts[part]))
    return name, float(parts[name] / weight.sum())
