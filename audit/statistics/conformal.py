"""Split conformal prediction sets of a binary decision.

Of n calibration cases the (n + 1)(1 - error rate) th smallest non-conformity, rounded up, bounds that of a new case
with probability of at least 1 - error rate, if all are exchangeable. Sources: Vovk, Gammerman and Shafer, Algorithmic
Learning in a Random World, 2005; Papadopoulos et al., ECML 2002 (split); Vovk, ACML 2012 (per class); Angelopoulos and
Bates, arXiv:2107.07511.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from audit.records import BadInput, BoolArray, FloatArray, Undefined
from audit.statistics.checks import score_and_reference

ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Bounds:
    """Largest non-conformity of a label that enters the set, for 'negative' and 'positive'."""

    negative: float
    positive: float

    def sets(self, score: ArrayLike) -> tuple[BoolArray, BoolArray]:
        """Whether each case's set holds 'negative', and whether it holds 'positive'."""
        scores = np.asarray(score, dtype=np.float64)
        return scores <= self.negative, -scores <= self.positive


def quantile_index(n: int, error_rate: float) -> int | Undefined:
    """Which of n sorted non-conformities is the bound, from 1; undefined where n cases cannot promise so much."""
    if not 0 < error_rate < 1:
        raise BadInput(f"the error rate of a conformal set must lie between 0 and 1, got {error_rate:g}.")
    k = math.ceil((n + 1) * (1 - error_rate) - ROUNDING)
    if k > n:
        fewest = math.ceil(1 / error_rate - ROUNDING) - 1
        return Undefined(f"{n} calibration cases, fewer than the {fewest} that an error rate of {error_rate:g} needs")
    return k


def conformal_bounds(score: ArrayLike, positive: ArrayLike, error_rate: float, per_class: bool) -> Bounds | Undefined:
    """Bounds from calibration cases: score and reference (0, 1) of each.

    Non-conformity is the score for 'negative' and minus the score for 'positive'. With ``per_class`` each class has a
    quantile of its own; without, both share one, which needs probabilities: 1 - p of the label is then compared.
    Undefined where a class (or the whole) has too few cases, or scores are no probabilities.
    """
    scores, reference = score_and_reference(score, positive)
    if per_class:
        low, high = (_bound(each, error_rate) for each in (scores[~reference], -scores[reference]))
        if isinstance(low, Undefined):
            return Undefined(f"reference-negative: {low.reason}")
        return Undefined(f"reference-positive: {high.reason}") if isinstance(high, Undefined) else Bounds(low, high)
    if scores.size and (scores.min() < 0 or scores.max() > 1):
        return Undefined("one quantile for both classes needs scores that are probabilities; ask for per_class")
    shared = _bound(np.where(reference, 1 - scores, scores), error_rate)
    return shared if isinstance(shared, Undefined) else Bounds(shared, shared - 1)


def _bound(values: FloatArray, error_rate: float) -> float | Undefined:
    k = quantile_index(values.size, error_rate)
    return k if isinstance(k, Undefined) else float(np.sort(values)[k - 1])
