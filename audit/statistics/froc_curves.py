"""Free-response curves over resampled patients: sensitivity at a rate of false marks, average precision.

Both are read off the same cumulated counts: lesions found and false marks at every distinct rating, highest first.
Sources: Bunch et al., Proc SPIE 1977;127:124 (FROC); Everingham et al., Int J Comput Vis 2015;111:98 (PASCAL VOC from
2010 on, all points); Lin et al., COCO, ECCV 2014 (101 points).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from audit.records import FloatArray, IntArray, Undefined
from audit.statistics.froc import UNMARKED, Marks
from audit.statistics.resampling import BLOCK, Counts
from audit.statistics.roc_blocks import Ties, descending

PrecisionRule = Literal["voc", "coco"]
RECALLS = np.linspace(0.0, 1.0, 101)
EDGE = 1e-12
Read = Callable[[FloatArray, FloatArray, FloatArray, FloatArray], FloatArray]
"""Lesions found and false marks so far (rows, ratings), lesions and cases in all (rows,) -> one number per row."""


def average_precision(data: Marks, rule: PrecisionRule) -> float | Undefined:
    """Area under precision over lesion sensitivity, each precision raised to the highest one further right.

    ``voc``: over all points; ``coco``: mean over 101 sensitivities 0, 0.01, ..., 1, 0 where one is not reached. Equal
    ratings share one threshold. Undefined without lesions; 0 without marks.
    """
    if not data.lesion_case.size:
        return Undefined("no lesions")
    once = np.ones((1, data.n_cases), dtype=np.uint8)
    return float(precision_replicates(once, np.arange(data.n_cases), data, rule)[0])


def precision_influence(data: Marks) -> FloatArray:
    """Derivative of the average precision (all points) by the weight of each case: (n_cases,); lesions needed.

    Where an envelope's highest precision stands is taken as fixed; the 101-point rule differs by its grid only.
    """
    lesions, hit = data.lesion_case.size, data.lesion_rating > UNMARKED
    per_lesion = np.bincount(data.lesion_case, minlength=data.n_cases)
    if not hit.any():
        return np.zeros(data.n_cases)
    ties = descending(np.concatenate([data.lesion_rating[hit], data.false_rating]))
    is_hit = np.repeat([1.0, 0.0], [int(hit.sum()), data.false_case.size])
    hits, found = ties.sums(is_hit), np.cumsum(ties.sums(is_hit))
    called = found + np.cumsum(ties.sums(1.0 - is_hit))
    precision = found / called
    at = _highest_further_right(precision)
    mass = np.bincount(at, hits / lesions, precision.size)
    raised, lowered = _from_here_on(mass * (called - found) / called**2), _from_here_on(mass * found / called**2)
    value = float((mass * precision).sum())
    of_mark = np.where(is_hit > 0, (precision[at] / lesions + raised)[ties.group], -lowered[ties.group])
    case = np.concatenate([data.lesion_case[hit], data.false_case])
    return np.asarray(np.bincount(case, of_mark, data.n_cases) - value * per_lesion / lesions)


def precision_replicates(counts: Counts, patient: IntArray, data: Marks, rule: PrecisionRule) -> FloatArray:
    """Average precision in every resample: (resamples,), NaN where one has no lesions."""
    summary = _all_points if rule == "voc" else _at_recalls

    def read(found: FloatArray, false: FloatArray, lesions: FloatArray, _cases: FloatArray) -> FloatArray:
        called = found + false
        precision = np.divide(found, called, out=np.zeros_like(found), where=called > 0)
        envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        return summary(found / lesions[:, None], envelope)

    return _read(counts, patient, data, read)


def sensitivity_replicates(counts: Counts, patient: IntArray, data: Marks, rate: float) -> FloatArray:
    """Lesion sensitivity at ``rate`` false marks per case, interpolated, in every resample (NaN without lesions).

    Straight lines between points, the upper end of a vertical rise, flat after the last point.
    """

    def read(found: FloatArray, false: FloatArray, lesions: FloatArray, cases: FloatArray) -> FloatArray:
        x, y = _from_origin(false / cases[:, None]), _from_origin(found / lesions[:, None])
        left = (x <= rate + EDGE).sum(axis=1) - 1
        right, rows = np.minimum(left + 1, x.shape[1] - 1), np.arange(len(x))
        width = x[rows, right] - x[rows, left]
        share = np.divide(rate - x[rows, left], width, out=np.zeros(len(x)), where=width > 0)
        return np.asarray(y[rows, left] + np.clip(share, 0.0, 1.0) * (y[rows, right] - y[rows, left]))

    return _read(counts, patient, data, read)


def _read(counts: Counts, patient: IntArray, data: Marks, read: Read) -> FloatArray:
    out = np.full(len(counts), np.nan)
    per_case = np.bincount(data.lesion_case, minlength=data.n_cases).astype(np.float64)
    hit = data.lesion_rating > UNMARKED
    case = np.concatenate([data.lesion_case[hit], data.false_case])
    is_hit = np.repeat([1.0, 0.0], [int(hit.sum()), data.false_case.size])
    ties = descending(np.concatenate([data.lesion_rating[hit], data.false_rating])) if case.size else None
    for begin in range(0, len(counts), BLOCK):
        drawn = counts[begin : begin + BLOCK][:, patient].astype(np.float64)
        lesions, cases = drawn @ per_case, drawn.sum(axis=1)
        some = lesions > 0
        if not some.any():
            continue
        units = drawn[some][:, case]
        found, false = _so_far(ties, units * is_hit), _so_far(ties, units * (1.0 - is_hit))
        out[begin : begin + BLOCK][some] = read(found, false, lesions[some], cases[some])
    return out


def _so_far(ties: Ties | None, units: FloatArray) -> FloatArray:
    return np.zeros((len(units), 1)) if ties is None else np.cumsum(ties.sums(units), axis=1)


def _from_origin(values: FloatArray) -> FloatArray:
    return np.concatenate([np.zeros((len(values), 1)), values], axis=1)


def _all_points(recall: FloatArray, envelope: FloatArray) -> FloatArray:
    return np.asarray((np.diff(recall, axis=1, prepend=0.0) * envelope).sum(axis=1))


def _at_recalls(recall: FloatArray, envelope: FloatArray) -> FloatArray:
    padded = np.concatenate([envelope, np.zeros((len(envelope), 1))], axis=1)
    first = np.stack([np.searchsorted(row, RECALLS, "left") for row in recall])
    return np.asarray(np.take_along_axis(padded, first, axis=1).mean(axis=1))


def _highest_further_right(precision: FloatArray) -> IntArray:
    """For each point the place of the highest precision there or further right, the nearest of equals."""
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.where(precision == envelope, np.arange(precision.size), precision.size)
    return np.asarray(np.minimum.accumulate(places[::-1])[::-1])


def _from_here_on(values: FloatArray) -> FloatArray:
    """Sums over this and all lower ratings."""
    return np.asarray(np.cumsum(values[::-1])[::-1])
