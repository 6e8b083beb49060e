"""Sums of DeLong's components within patients, and the covariance of AUROCs that follows from them.

Source: Obuchowski, Biometrics 1997;53:567; equal to DeLong's covariance when every patient has one case.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audit.records import FloatArray, IntArray, Undefined
from audit.statistics.checks import dense_codes, same_length, score_and_reference
from audit.statistics.roc import delong

FEWEST_FOR_NORMAL = 30


@dataclass(frozen=True, slots=True)
class PatientSums:
    """Centred components summed within patients: rows are scores, columns patients in the order of their labels.

    ``of_cases`` is DeLong's variance of each score, as if cases were independent; NaN below two cases in a class.
    ``labels`` are the patients' own.
    """

    labels: NDArray[Any]

    value: FloatArray
    of_cases: FloatArray
    positive: FloatArray
    negative: FloatArray
    m: int
    n: int
    with_positive: int
    with_negative: int

    @property
    def clustered(self) -> bool:
        return self.m > self.with_positive or self.n > self.with_negative or self.both > 0

    @property
    def both(self) -> int:
        return self.with_positive + self.with_negative - int(self.positive.shape[1])

    @property
    def fewest(self) -> int:
        return min(self.with_positive, self.with_negative)

    @property
    def df(self) -> float:
        return self.fewest - 1 if self.clustered and self.fewest < FEWEST_FOR_NORMAL else math.inf

    @property
    def name(self) -> str:
        return "Obuchowski" if self.clustered else "DeLong"


def patient_sums(
    scores: tuple[ArrayLike, ...], positive: ArrayLike, patient: ArrayLike | None
) -> PatientSums | Undefined:
    """Components of every score on the same cases; ``patient`` None: every case is its own patient.

    Undefined when a class is empty.
    """
    checked = [score_and_reference(score, positive) for score in scores]
    reference = checked[0][1]
    codes, labels = _patient_codes(patient, reference.size)
    same_length(positive=reference, patient=codes)
    count = int(codes.max()) + 1 if codes.size else 0
    rows = [delong(values, reference) for values, _ in checked]
    found = [row for row in rows if not isinstance(row, Undefined)]
    if len(found) < len(rows):
        return next(row for row in rows if isinstance(row, Undefined))
    by_class = codes[reference], codes[~reference]
    return PatientSums(
        labels=labels,
        value=np.array([row.auroc for row in found]),
        of_cases=np.array([_or_nan(row.variance) for row in found]),
        positive=np.array([np.bincount(by_class[0], row.by_positive - row.auroc, count) for row in found]),
        negative=np.array([np.bincount(by_class[1], row.by_negative - row.auroc, count) for row in found]),
        m=int(reference.sum()),
        n=int((~reference).sum()),
        with_positive=int(np.unique(by_class[0]).size),
        with_negative=int(np.unique(by_class[1]).size),
    )


def _or_nan(variance: float | Undefined) -> float:
    return math.nan if isinstance(variance, Undefined) else variance


def _patient_codes(patient: ArrayLike | None, n_cases: int) -> tuple[IntArray, NDArray[Any]]:
    alone = np.arange(n_cases, dtype=np.int64)
    return (alone, alone) if patient is None else dense_codes(patient)


def contributions_of(sums: PatientSums, n_patients: int) -> FloatArray:
    """What each of the patients 0 to ``n_patients`` - 1 adds to the error of the first AUROC, to first order.

    Scaled to the variance of ``covariance_of``, with its factors for few patients; 0 for patients without cases.
    """
    found = np.zeros(n_patients)
    found[sums.labels] = (
        math.sqrt(_factor(sums.with_positive)) * sums.positive[0] / sums.m
        + math.sqrt(_factor(sums.with_negative)) * sums.negative[0] / sums.n
    )
    return found


def covariance_of(sums: PatientSums) -> FloatArray | Undefined:
    """Covariance matrix (scores x scores); undefined below two patients in a class."""
    if sums.fewest < 2:
        return Undefined("the variance needs at least two patients with positive and two with negative cases")
    patients = sums.positive.shape[1]
    a, b = sums.positive / sums.m, sums.negative / sums.n
    cross = a @ b.T
    return np.asarray(
        _factor(sums.with_positive) * (a @ a.T)
        + _factor(sums.with_negative) * (b @ b.T)
        + _factor(patients) * (cross + cross.T)
    )


def _factor(count: int) -> float:
    return count / (count - 1)
