"""Attribution inside the reference beyond its share of the image: 0 for a map without any relation to the finding."""

from audit.explanations.scores.energy_inside import energy_inside
from audit.explanations.scores.score import ExaminedMap, ExplanationScore, Scored


def score(examined: ExaminedMap) -> Scored:
    """Attribution inside the mask minus its share of the image, -1 to 1."""
    assert examined.mask is not None
    return Scored(energy_inside(examined.attribution, examined.mask) - float(examined.mask.mean()))


ENTRY = ExplanationScore("localisation_gain", score, needs_mask=True)
