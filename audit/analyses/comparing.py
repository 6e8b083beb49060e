"""Each level against the mean of the others, or against the declared baseline, on the shared resamples.

The others' mean is weighted by cases (for the AUROC by pairs of a positive and a negative case), so that no pair of
cases from different levels ever enters: an offset of the score between makers is not mistaken for discrimination.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audit.analyses.study import Level, Panel
from audit.records import FloatArray
from audit.statistics.multiplicity import versus_one, versus_rest

REST = "rest"


@dataclass(frozen=True, slots=True)
class Contrasts:
    """``matrix`` (contrasts, levels) with the contrasted levels and the name of what each is compared with."""

    levels: tuple[Level, ...]
    matrix: FloatArray
    contrasted: tuple[Level, ...]
    against: str

    @property
    def values(self) -> FloatArray:
        return np.asarray(self.matrix @ np.array([level.value for level in self.levels]))

    def replicates(self, panel: Panel) -> FloatArray:
        """(resamples, contrasts)."""
        return np.asarray(panel.draws(self.levels) @ self.matrix.T)

    def errors(self, panel: Panel) -> FloatArray:
        """Standard error of each contrast."""
        return np.sqrt(np.diag(self.matrix @ panel.covariance(self.levels) @ self.matrix.T))


def against_rest(levels: Sequence[Level]) -> Contrasts:
    """Every level minus the weighted mean of the others."""
    matrix = versus_rest([level.weight for level in levels])
    return Contrasts(tuple(levels), matrix, tuple(levels), REST)


def against_baseline(levels: Sequence[Level], baseline: str | None) -> Contrasts:
    """Every other level minus the baseline; minus the rest where no baseline is declared or it cannot be compared."""
    names = [level.name for level in levels]
    if baseline not in names:
        return against_rest(levels)
    at = names.index(baseline)
    others = tuple(level for level in levels if level.name != baseline)
    return Contrasts(tuple(levels), versus_one(len(levels), at), others, baseline)
