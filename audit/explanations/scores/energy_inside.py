"""Share of the absolute attribution inside the reference mask (Wang et al., Score-CAM, CVPR Workshops 2020)."""

import numpy as np

from audit.explanations.scores.score import ExaminedMap, ExplanationScore, Scored
from audit.records import BoolArray, Pixels


def energy_inside(attribution: Pixels, mask: BoolArray) -> float:
    """Between 0 and 1, for a map that is not zero everywhere."""
    weight = np.abs(attribution.astype(np.float64))
    return float(weight[mask].sum() / weight.sum())


def score(examined: ExaminedMap) -> Scored:
    """Share of the absolute attribution inside the mask."""
    assert examined.mask is not None
    return Scored(energy_inside(examined.attribution, examined.mask))


ENTRY = ExplanationScore("energy_inside", score, needs_mask=True)
