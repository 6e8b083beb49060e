"""Overlap of the reference with the strongest pixels, as many as it has: no threshold has to be chosen.

As the relevance rank accuracy of Arras, Osman and Samek (Information Fusion 2022;81:14), given as intersection over
union.
"""

import numpy as np

from audit.explanations.scores.score import ExaminedMap, ExplanationScore, Scored
from audit.records import BoolArray, Pixels


def iou_equal_area(attribution: Pixels, mask: BoolArray) -> float:
    """Equal pixels at the limit count in part, so that the order in which they are stored does not matter."""
    size = int(mask.sum())
    limit = np.partition(attribution, attribution.size - size, axis=None)[attribution.size - size]
    above, level = attribution > limit, attribution == limit
    share = (size - int(above.sum())) / int(level.sum())
    hits = int((above & mask).sum()) + share * int((level & mask).sum())
    return hits / (2 * size - hits)


def score(examined: ExaminedMap) -> Scored:
    """Intersection over union, 0 to 1."""
    assert examined.mask is not None
    return Scored(iou_equal_area(examined.attribution, examined.mask))


ENTRY = ExplanationScore("iou_equal_area", score, needs_mask=True)
