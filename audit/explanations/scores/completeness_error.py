"""How far the attributions miss the change of the output that they should add up to (Sundararajan et al. 2017)."""

from audit.explanations.scores.score import ExaminedMap, ExplanationScore, Scored
from audit.records import Undefined


def score(examined: ExaminedMap) -> Scored:
    """As the method found it, relative to |F(x) - F(baseline)|."""
    found = examined.completeness_error
    return Scored(Undefined("the output hardly differs from that of the baseline") if found is None else found)


ENTRY = ExplanationScore("completeness_error", score, offered=lambda method: method.complete, of_zero_map=True)
