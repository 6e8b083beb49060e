"""The compiled inner loop of ``resampling.auroc_replicates``: cases outermost, resamples innermost."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from audit.records import BoolArray, IntArray


@njit(nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _count_pairs(
    drawn: NDArray[np.uint8], columns: IntArray, labels: BoolArray, negatives: IntArray, doubled: IntArray
) -> None:
    for case in range(columns.size):
        if labels[case]:
            weights = drawn[columns[case]]
            for resample in range(weights.size):
                doubled[resample] += weights[resample] * negatives[resample]


@njit(nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _count_cases(
    drawn: NDArray[np.uint8], columns: IntArray, labels: BoolArray, positives: IntArray, negatives: IntArray
) -> None:
    for case in range(columns.size):
        weights = drawn[columns[case]]
        into = positives if labels[case] else negatives
        for resample in range(weights.size):
            into[resample] += weights[resample]


@njit(nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def doubled_areas(
    drawn: NDArray[np.uint8], columns: IntArray, labels: BoolArray, starts: IntArray, ends: IntArray
) -> tuple[IntArray, IntArray, IntArray]:
    """Twice the Mann-Whitney count, the positives and the negatives drawn, one entry per resample.

    ``drawn`` is (patients, resamples); ``columns`` and ``labels`` hold the cases in ascending order of
    score; cases ``starts[g]`` to ``ends[g] - 1`` share one score.
    """
    width = drawn.shape[1]
    doubled = np.zeros(width, dtype=np.int64)
    positives = np.zeros(width, dtype=np.int64)
    negatives = np.zeros(width, dtype=np.int64)
    for group in range(starts.size):
        begin, end = starts[group], ends[group]
        _count_pairs(drawn, columns[begin:end], labels[begin:end], negatives, doubled)
        _count_cases(drawn, columns[begin:end], labels[begin:end], positives, negatives)
        _count_pairs(drawn, columns[begin:end], labels[begin:end], negatives, doubled)
    return doubled, positives, negatives
