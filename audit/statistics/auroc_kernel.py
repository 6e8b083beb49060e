"""The compiled inner loop of ``resampling.auroc_replicates``: cases outermost, resamples innermost."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from audit.records import BoolArray, IntArray


@njit(nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def doubled_areas(
    drawn: NDArray[np.uint8], columns: IntArray, labels: BoolArray, starts: IntArray, ends: IntArray
) -> tuple[IntArray, IntArray, IntArray]:
    """Twice the Mann-Whitney count, the positives and the negatives drawn, one entry per resample.

    ``drawn`` is (patients, resamples); ``columns`` and ``labels`` hold the cases in ascending order of score; cases
    ``starts[g]`` to ``ends[g] - 1`` share one score.
    """
    width = drawn.shape[1]
    doubled = np.zeros(width, dtype=np.int64)
    positives = np.zeros(width, dtype=np.int64)
    negatives = np.zeros(width, dtype=np.int64)
    for group in range(starts.size):
        for case in range(starts[group], ends[group]):
            if labels[case]:
                weights = drawn[columns[case]]
                for r in range(width):
                    doubled[r] += weights[r] * negatives[r]
                    positives[r] += weights[r]
        for case in range(starts[group], ends[group]):
            if not labels[case]:
                weights = drawn[columns[case]]
                for r in range(width):
                    negatives[r] += weights[r]
        for case in range(starts[group], ends[group]):
            if labels[case]:
                weights = drawn[columns[case]]
                for r in range(width):
                    doubled[r] += weights[r] * negatives[r]
    return doubled, positives, negatives
