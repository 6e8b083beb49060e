"""Scores, decisions and groups for timing: rows of patients, one of 32 groups per patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audit.records import BoolArray, FloatArray, IntArray

PREVALENCE = 0.1
GROUPS = 32


@dataclass(frozen=True, slots=True)
class Decisions:
    """One entry per row; ``patient`` holds codes 0..n_patients - 1, ``group`` codes 0..groups - 1."""

    patient: IntArray
    group: IntArray
    score: FloatArray
    reference: BoolArray
    decision: BoolArray
    n_patients: int
    groups: int

    @property
    def rows(self) -> int:
        return int(self.patient.size)


def simulate(rows: int, most_patients: int, seed: int, groups: int = GROUPS) -> Decisions:
    """``rows`` cases of at most ``most_patients`` patients, drawn with replacement; only patients with a case count.

    63,212 of 100,000 patients are expected to have a case among 100,000 rows. Scores have 10,000 distinct values, so
    that ties occur.
    """
    generator = np.random.default_rng(seed)
    patient = np.unique(generator.integers(0, most_patients, rows), return_inverse=True)[1].astype(np.int64)
    n_patients = int(patient.max()) + 1
    group = generator.integers(0, groups, n_patients)[patient]
    reference = generator.random(rows) < PREVALENCE
    latent = generator.standard_normal(rows) + 1.8 * reference + generator.standard_normal(n_patients)[patient] / 2
    score = np.round(1 / (1 + np.exp(-latent)), 4)
    return Decisions(patient, group, score, reference, score >= 0.7, n_patients, groups)
