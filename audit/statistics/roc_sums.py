"""Sums of DeLong's components within patients, and the covariance of AUROCs that follows from them.

Source: Obuchowski, Biometrics 1997;53:567; equal to DeLong's covariance when every patient has one case.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from audit.records import FloatArray, IntArray, Undefined
from audit.statistics.checks import dense_codes, same_length, score_and_reference
from audit.statistics.roc import delong

FEWEST_FOR_NORMAL = 30


@dataclass(frozen=True, slots=True)
class PatientSums:
    """Centred components summed within patients: rows are scores, columns patients."""

    value: FloatArray
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
    codes = _patient_codes(patient, reference.size)
    same_length(positive=reference, patient=codes)
    count = int(codes.max()) + 1 if codes.size else 0
    rows = [delong(values, reference) for values, _ in checked]
    found = [row for row in rows if not isinstance(row, Undefined)]
    if len(found) < len(rows):
        return next(row for row in rows if isinstance(row, Undefined))
    by_class = codes[reference], codes[~reference]
    return PatientSums(
        value=np.array([row.auroc for row in found]),
        positive=np.array([np.bincount(by_class[0], row.by_positive - row.auroc, count) for row in found]),
        negative=np.array([np.bincount(by_class[1], row.by_negative - row.auroc, count) for row in found]),
        m=int(reference.sum()),
        n=int((~reference).sum()),
        with_positive=int(np.unique(by_class[0]).size),
        with_negative=int(np.unique(by_class[1]).size),
    )


def _patient_codes(patient: ArrayLike | None, n_cases: int) -> IntArray:
    return np.arange(n_cases, dtype=np.int64) if patient is None else dense_codes(patient)[0]


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
