"""Resampled ROC curves in blocks: the weights of each class at every distinct score, highest first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from audit.records import BoolArray, FloatArray, IntArray
from audit.statistics.resampling import BLOCK, Counts

OfRows = Callable[[FloatArray, FloatArray], FloatArray]


@dataclass(frozen=True, slots=True)
class Ties:
    """Cases sorted by falling score: ``order`` of the cases, ``starts`` of each distinct score in it, ``group`` of
    every case in the original order.
    """

    order: IntArray
    starts: IntArray
    group: IntArray

    def sums(self, weight: FloatArray) -> FloatArray:
        """Sums of ``weight`` (..., cases) over equal scores: (..., distinct scores)."""
        return np.asarray(np.add.reduceat(weight[..., self.order], self.starts, axis=-1))


def descending(score: FloatArray) -> Ties:
    """Groups of equal scores, highest first; ``score`` (cases,) holds at least one case."""
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    group = np.empty(score.size, dtype=np.int64)
    group[order] = np.cumsum(np.isin(np.arange(score.size), starts)) - 1
    return Ties(order, starts, group)


def cumulated(counts: Counts, patient: IntArray, score: FloatArray, positive: BoolArray, of: OfRows) -> FloatArray:
    """``of`` the weights of positive and negative cases by distinct score, in every resample: (resamples,).

    ``of`` takes two arrays (rows, distinct scores) and gives one number per row. NaN where a resample lacks a class.
    """
    out = np.full(len(counts), np.nan)
    if not positive.any() or positive.all():
        return out
    ties = descending(score)
    for begin in range(0, len(counts), BLOCK):
        drawn = counts[begin : begin + BLOCK][:, patient].astype(np.float64)
        hits, alarms = ties.sums(np.where(positive, drawn, 0.0)), ties.sums(np.where(positive, 0.0, drawn))
        whole = (hits.sum(axis=1) > 0) & (alarms.sum(axis=1) > 0)
        out[begin : begin + BLOCK][whole] = of(hits[whole], alarms[whole])
    return out
