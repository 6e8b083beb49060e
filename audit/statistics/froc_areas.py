"""Areas that compare rated lesions with cases without the condition: influence of each case and replicates.

The wAFROC, AFROC and inferred ROC areas are one quantity on different units: the weighted share of pairs in which a
lesion (or a case with lesions) is rated above a case without, ties 1/2. Sources: Chakraborty & Zhai, Med Phys
2016;43:2548; Obuchowski, Biometrics 1997;53:567 (patients as the unit).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audit.records import BoolArray, FloatArray, IntArray
from audit.statistics.froc import Marks
from audit.statistics.resampling import BLOCK, Counts
from audit.statistics.roc_blocks import Ties, descending


@dataclass(frozen=True, slots=True)
class Units:
    """Rated units, each of one case: ``positive`` ones (lesions, or cases with lesions) have a ``weight``, others 1.

    A rating of minus infinity is a unit without a mark.
    """

    case: IntArray
    rating: FloatArray
    positive: BoolArray
    weight: FloatArray


def lesions_against_normals(data: Marks, weighted: bool) -> Units:
    """Lesions, with their weights or with 1 each, against the highest false mark of every case without lesions."""
    return _units(data, data.lesion_case, data.lesion_rating, data.lesion_weight if weighted else None)


def cases_against_normals(data: Marks) -> Units:
    """The highest mark of every case with lesions against that of every case without: the inferred ROC."""
    diseased = np.flatnonzero(data.diseased)
    return _units(data, diseased, data.highest[diseased], None)


def area(units: Units) -> float:
    """The area, 0 to 1; both kinds of units are needed."""
    below, _ = _placements(units)
    return float(np.average(below, weights=units.weight[units.positive]))


def area_influence(units: Units, n_cases: int) -> FloatArray:
    """Derivative of the area by the weight of each case: (n_cases,)."""
    below, above = _placements(units)
    weight = units.weight[units.positive]
    value = float(np.average(below, weights=weight))
    of_positive = np.bincount(units.case[units.positive], weight * (below - value), n_cases) / weight.sum()
    of_normal = np.bincount(units.case[~units.positive], above - value, n_cases) / above.size
    return np.asarray(of_positive + of_normal)


def area_replicates(counts: Counts, patient: IntArray, units: Units) -> FloatArray:
    """The area in every resample: (resamples,), NaN where one lacks a kind of unit.

    ``patient`` holds, per case, the column of ``counts``.
    """
    out = np.full(len(counts), np.nan)
    if not units.positive.any() or units.positive.all():
        return out
    ties, column = descending(units.rating), patient[units.case]
    weight = np.where(units.positive, units.weight, 0.0)
    for begin in range(0, len(counts), BLOCK):
        drawn = counts[begin : begin + BLOCK][:, column].astype(np.float64)
        out[begin : begin + BLOCK] = _areas(ties, drawn * weight, drawn * ~units.positive)
    return out


def _areas(ties: Ties, positive: FloatArray, normal: FloatArray) -> FloatArray:
    hits, rivals = ties.sums(positive), ties.sums(normal)
    through = np.cumsum(rivals, axis=1)
    total = through[:, -1:]
    wins = (hits * (total - through + rivals / 2)).sum(axis=1)
    pairs = hits.sum(axis=1) * total[:, 0]
    return np.asarray(np.divide(wins, pairs, out=np.full(len(wins), np.nan), where=pairs > 0))


def _units(data: Marks, case: IntArray, rating: FloatArray, weight: FloatArray | None) -> Units:
    normal = np.flatnonzero(~data.diseased)
    ones = np.ones(normal.size)
    return Units(
        np.concatenate([case, normal]),
        np.concatenate([rating, data.highest_false[normal]]),
        np.repeat([True, False], [case.size, normal.size]),
        np.concatenate([np.ones(case.size) if weight is None else weight, ones]),
    )


def _placements(units: Units) -> tuple[FloatArray, FloatArray]:
    """Share of normal units below each positive one, and weighted share of positive ones above each normal one."""
    positive, normal = units.rating[units.positive], units.rating[~units.positive]
    weight = units.weight[units.positive]
    below = _share_below(positive, normal, np.ones(normal.size))
    return below, 1.0 - _share_below(normal, positive, weight)


def _share_below(rating: FloatArray, others: FloatArray, weight: FloatArray) -> FloatArray:
    order = np.argsort(others, kind="stable")
    ordered, through = others[order], np.concatenate([[0.0], np.cumsum(weight[order])])
    left, right = np.searchsorted(ordered, rating, "left"), np.searchsorted(ordered, rating, "right")
    return np.asarray((through[left] + through[right]) / (2 * through[-1]))
