"""How alike two maps of one image are."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from audit.records import Pixels, Undefined


def rank_correlation(first: Pixels, second: Pixels) -> float | Undefined:
    """Spearman's correlation over pixels, ties at their mean rank; undefined where a map is the same everywhere."""
    a, b = (rankdata(each.ravel()) for each in (first, second))
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    if size == 0:
        return Undefined("one of the maps is the same everywhere")
    return float(np.clip((a @ b) / size, -1.0, 1.0))
