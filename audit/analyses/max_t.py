"""Contrasts judged together by the largest standardised deviation over the shared patient resamples.

Standard errors are those of the estimate, not recomputed in each resample ('fixed'). Sources: Westfall & Young,
Resampling-Based Multiple Testing, 1993; Hothorn, Bretz & Westfall, Biom J 2008;50:346.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from audit.records import FloatArray, Undefined

Tail = Literal["two-sided", "lower"]
LARGEST_LOST_SHARE = 0.05
ROUNDING = 1e-10


@dataclass(frozen=True, slots=True)
class MaxT:
    """One entry per contrast: error, value over error, p alone (normal) and adjusted; ``critical`` is for all."""

    errors: FloatArray
    statistics: FloatArray
    raw_p: FloatArray
    adjusted_p: FloatArray
    critical: float
    resamples: int


def max_t(
    values: FloatArray, replicates: FloatArray, confidence: float = 0.95, tail: Tail = "two-sided"
) -> MaxT | Undefined:
    """Single-step max-T of contrasts (c,) from their replicates (resamples, c).

    An adjusted p is (1 + b) / (1 + B); where no resample reaches the statistic it is at most the Bonferroni bound of
    the normal tail, so that the number of resamples does not limit what further adjustment can show. Undefined when a
    contrast does not vary or more than 5 % of the resamples leave one undefined.
    """
    kept = replicates[np.isfinite(replicates).all(axis=1)]
    if len(kept) < 2 or len(kept) < (1 - LARGEST_LOST_SHARE) * len(replicates):
        lost = len(replicates) - len(kept)
        return Undefined(f"a contrast is undefined in {lost} of {len(replicates)} resamples")
    errors = kept.std(axis=0, ddof=1)
    if (errors <= 1e-12).any():
        return Undefined("a contrast does not vary over the resamples")
    statistics = values / errors
    extremes = _extremes((kept - values) / errors, tail)
    observed = np.abs(statistics) if tail == "two-sided" else -statistics
    raw = (2.0 if tail == "two-sided" else 1.0) * stats.norm.sf(observed)
    reached = (extremes[:, None] >= observed - ROUNDING).sum(axis=0)
    adjusted = (1 + reached) / (1 + extremes.size)
    bound = np.minimum(raw * values.size, adjusted)
    adjusted = np.where(reached == 0, bound, adjusted)
    critical = float(np.quantile(extremes, confidence))
    return MaxT(errors, statistics, raw, np.maximum(adjusted, raw), critical, extremes.size)


def _extremes(deviations: FloatArray, tail: Tail) -> FloatArray:
    return np.asarray(np.abs(deviations).max(axis=1) if tail == "two-sided" else (-deviations).max(axis=1))
