"""The sanity check: a map that stays the same when the weights are random does not show what the network learned.

Similarity is the absolute rank correlation of both maps as they are printed, with their signs where they have any.
Source: Adebayo et al., NeurIPS 2018, arXiv:1810.03292.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch

from audit.explanations.method import Terms
from audit.explanations.randomising import randomised, weight_blocks
from audit.explanations.scores.score import ExaminedMap, Scored
from audit.explanations.similarity import rank_correlation
from audit.records import Undefined

DRAWS = 3
NO_WEIGHTS = "this format's weights cannot be reached"
ALWAYS_FLAT = f"the map of the network with random weights was the same everywhere in {DRAWS} draws"


def cascading(examined: ExaminedMap) -> Scored:
    """Similarity when all weights are random; the way there, block by block from the output, is the detail."""
    blocks = weight_blocks(examined.scalar.network, examined.examination.randomised_blocks)
    if not blocks:
        return Scored(Undefined(NO_WEIGHTS))
    found = [_similarity(examined, [w for block in blocks[: n + 1] for w in block]) for n in range(len(blocks))]
    return Scored(found[-1], f"from the output on: {_listed(found)}")


def independent(examined: ExaminedMap) -> Scored:
    """Mean similarity when one block alone is random."""
    blocks = weight_blocks(examined.scalar.network, examined.examination.randomised_blocks)
    if not blocks:
        return Scored(Undefined(NO_WEIGHTS))
    found = [_similarity(examined, block) for block in blocks]
    values = [each for each in found if not isinstance(each, Undefined)]
    return Scored(float(np.mean(values)) if values else Undefined(ALWAYS_FLAT), f"from the output on: {_listed(found)}")


def _listed(found: list[float | Undefined]) -> str:
    return ", ".join("flat" if isinstance(each, Undefined) else f"{each:.3f}" for each in found)


def _coarse(examined: ExaminedMap) -> Terms:
    """The map's own terms, save that no steps are added: where a path through random weights converges to is nothing
    that a rank correlation could tell."""
    return replace(examined.terms, completeness=math.inf)


def _similarity(examined: ExaminedMap, weights: list[torch.Tensor]) -> float | Undefined:
    """A map that is the same everywhere can be compared with nothing: the weights are drawn again, three times at
    most."""
    for draw in range(DRAWS):
        with randomised(weights, examined.terms.seed(0) + draw):
            other = examined.method.explain(examined.scalar, examined.pixels, _coarse(examined)).maps[0]
        found = rank_correlation(examined.attribution, other)
        if not isinstance(found, Undefined):
            return abs(found)
    return Undefined(ALWAYS_FLAT)
