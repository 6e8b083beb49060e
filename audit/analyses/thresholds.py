"""Youden's threshold of a set of cases, in resamples, and its sensitivity and specificity on other cases."""

from __future__ import annotations

import numpy as np

from audit.measures.measure import Counts
from audit.records import BoolArray, FloatArray, IntArray

BLOCK = 64


def youden_thresholds(score: FloatArray, positive: BoolArray, weights: FloatArray) -> FloatArray:
    """Score at which sensitivity + specificity - 1 of 'score >= threshold' is largest, for each row of ``weights``.

    ``weights`` is (resamples, cases); the lowest of equally good thresholds counts. NaN where a class has no weight.
    """
    order = np.argsort(-score, kind="stable")
    ordered, labels = score[order], positive[order]
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    drawn = weights[:, order]
    hits = np.cumsum(drawn * labels, axis=1)[:, last].astype(np.float64)
    alarms = np.cumsum(drawn, axis=1)[:, last].astype(np.float64) - hits
    with np.errstate(divide="ignore", invalid="ignore"):
        index = hits / hits[:, -1:] - alarms / alarms[:, -1:]
    best = last.size - 1 - np.argmax(np.round(index[:, ::-1], 12), axis=1)
    return np.where(np.isfinite(index).all(axis=1), ordered[last][best], np.nan)


def resampled_youden(score: FloatArray, positive: BoolArray, patient: IntArray, counts: Counts) -> FloatArray:
    """Youden's threshold in every resample of patients (rows of ``counts``)."""
    parts = [
        youden_thresholds(score, positive, counts[i : i + BLOCK][:, patient].astype(np.float32))
        for i in range(0, len(counts), BLOCK)
    ]
    return np.concatenate(parts)


def cross_fitted(score: FloatArray, positive: BoolArray, fold: IntArray) -> BoolArray | None:
    """Decisions at thresholds chosen on the other folds; ``fold`` by case. None where a fold cannot choose."""
    decision = np.zeros(score.size, dtype=np.bool_)
    for each in np.unique(fold):
        train, test = fold != each, fold == each
        chosen = youden_thresholds(score[train], positive[train], np.ones((1, int(train.sum()))))[0]
        if np.isnan(chosen):
            return None
        decision[test] = score[test] >= chosen
    return decision


def patient_folds(patient: IntArray, positive: BoolArray, folds: int, generator: np.random.Generator) -> IntArray:
    """Fold of each case: patients dealt out at random, those with and without a positive case separately."""
    patients, codes = np.unique(patient, return_inverse=True)
    has = np.bincount(codes, positive, patients.size) > 0
    of_patient = np.empty(patients.size, dtype=np.int64)
    for group in (np.flatnonzero(has), np.flatnonzero(~has)):
        of_patient[generator.permutation(group)] = np.arange(group.size) % folds
    return of_patient[codes]
