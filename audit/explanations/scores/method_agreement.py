"""Rank correlation of the map's size with those of the other methods (Krishna et al., TMLR 2024, arXiv:2202.01602)."""

import numpy as np

from audit.explanations.scores.score import ExaminedMap, ExplanationScore, Scored
from audit.explanations.similarity import rank_correlation
from audit.records import Undefined


def score(examined: ExaminedMap) -> Scored:
    """Mean over the other methods of Spearman's correlation of absolute maps."""
    own = np.abs(examined.attribution)
    found = {name: rank_correlation(own, np.abs(other)) for name, other in examined.others.items()}
    values = {name: each for name, each in found.items() if not isinstance(each, Undefined)}
    if not values:
        return Scored(Undefined("no other method has a map that is not the same everywhere"))
    detail = ", ".join(f"{name} {value:.3f}" for name, value in values.items())
    return Scored(float(np.mean(list(values.values()))), detail)


ENTRY = ExplanationScore("method_agreement", score)
