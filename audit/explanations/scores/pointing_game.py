"""Does the strongest pixel lie in the reference? (Zhang et al., Int J Comput Vis 2018;126:1084, without tolerance)."""

import numpy as np

from audit.explanations.scores.score import ExaminedMap, ExplanationScore, Scored
from audit.records import BoolArray, Pixels


def pointing_game(attribution: Pixels, mask: BoolArray) -> float:
    """Share of the pixels with the largest attribution that lie inside: 1 or 0 unless several are equally large."""
    strongest = attribution == attribution.max()
    return float(np.mean(mask[strongest]))


def score(examined: ExaminedMap) -> Scored:
    """1 where the strongest pixel lies inside the mask, else 0."""
    assert examined.mask is not None
    return Scored(pointing_game(examined.attribution, examined.mask))


ENTRY = ExplanationScore("pointing_game", score, needs_mask=True)
