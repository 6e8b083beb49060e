"""Share of the image that the reference covers: what a map without any relation to it would put there."""

from audit.explanations.scores.score import ExaminedMap, ExplanationScore, Scored


def score(examined: ExaminedMap) -> Scored:
    """Share of the image inside the mask."""
    assert examined.mask is not None
    return Scored(float(examined.mask.mean()))


ENTRY = ExplanationScore("area_inside", score, needs_mask=True, of_zero_map=True)
