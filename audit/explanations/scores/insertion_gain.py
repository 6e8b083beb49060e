"""How far the map's order beats random order when cells are put back into the baseline; see ``faithfulness``."""

from audit.explanations.scores.faithfulness import gain
from audit.explanations.scores.score import ExaminedMap, ExplanationScore, Scored


def score(examined: ExaminedMap) -> Scored:
    """Area between the two curves, -1 to 1; 0 is chance."""
    return gain(examined, insert=True)


ENTRY = ExplanationScore("insertion_gain", score)
