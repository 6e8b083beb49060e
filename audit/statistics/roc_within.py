"""AUROC within sites: positive and negative cases are compared only inside the same site.

The pooled AUROC also uses pairs across sites and so absorbs the correlation between a site's score offset and its
prevalence; print both. Sources: Janes & Pepe, Biometrika 2009;96:371. Therneau & Watson, Mayo Clinic 2017.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from audit.records import Interval, Undefined
from audit.statistics.checks import dense_codes, same_length, score_and_reference
from audit.statistics.roc import Placements, bounded_interval, delong


@dataclass(frozen=True, slots=True)
class WithinAuroc:
    """Mean AUROC of the sites weighted by their pairs, with two variances.

    ``variance`` holds the weights fixed and adds the sites' DeLong variances (undefined when one of them is);
    ``jackknife_variance`` treats the weights as random (R survival). ``sites`` were used, ``dropped_sites`` had one
    class only.
    """

    value: float
    variance: float | Undefined
    jackknife_variance: float
    interval: Interval | Undefined
    sites: int
    dropped_sites: int


def within_site_auroc(
    score: ArrayLike, positive: ArrayLike, site: ArrayLike, confidence: float = 0.95
) -> WithinAuroc | Undefined:
    """AUROC within sites (one label per case), logit interval; undefined when no site has both classes."""
    scores, reference = score_and_reference(score, positive)
    codes, labels = dense_codes(site)
    same_length(score=scores, site=codes)
    found = [delong(scores[codes == code], reference[codes == code]) for code in range(labels.size)]
    used = [one for one in found if isinstance(one, Placements)]
    if not used:
        return Undefined("no site has both positive and negative cases")
    pairs = np.array([one.by_positive.size * one.by_negative.size for one in used], dtype=np.float64)
    value = float(pairs @ [one.auroc for one in used]) / float(pairs.sum())
    variance = _fixed_weight_variance(used, pairs / pairs.sum())
    sizes = sum(one.by_positive.size for one in used), sum(one.by_negative.size for one in used)
    interval: Interval | Undefined = (
        variance
        if isinstance(variance, Undefined)
        else bounded_interval(value, variance, sizes, confidence, "logit", "within-site DeLong")
    )
    jackknife = _jackknife_variance(used, value, float(pairs.sum()))
    return WithinAuroc(value, variance, jackknife, interval, len(used), len(found) - len(used))


def _fixed_weight_variance(used: list[Placements], weight: np.ndarray) -> float | Undefined:
    total = 0.0
    for one, share in zip(used, weight.tolist(), strict=True):
        if isinstance(one.variance, Undefined):
            return Undefined("a site has fewer than two cases in a class")
        total += share**2 * one.variance
    return total


def _jackknife_variance(used: list[Placements], value: float, pairs: float) -> float:
    squares = 0.0
    for one in used:
        m, n = one.by_positive.size, one.by_negative.size
        squares += float(np.square(n * (one.by_positive - value)).sum())
        squares += float(np.square(m * (one.by_negative - value)).sum())
    return squares / math.pow(pairs, 2)
