"""Recorded case features as numbers for the surrogate: levels as indicators, numbers as ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from audit.records import FloatArray, IntArray
from audit.tables import UNKNOWN


@dataclass(frozen=True, slots=True)
class Encoded:
    """Design matrix (n, columns), the feature of each column, each column's level (None for ranks)."""

    features: tuple[str, ...]
    matrix: FloatArray
    owner: IntArray
    levels: tuple[str | None, ...]
    varies: tuple[bool, ...]

    def contributions(self, weights: FloatArray) -> FloatArray:
        """(n, features): what each feature adds to a linear predictor with ``weights``."""
        parts = self.matrix * weights
        return np.stack([parts[:, self.owner == k].sum(axis=1) for k in range(len(self.features))], axis=1)

    def direction(self, k: int, weights: FloatArray, outcome: str) -> str:
        """In words, which level or end of feature ``k`` goes with more of ``outcome``."""
        name, own = self.features[k], np.flatnonzero(self.owner == k)
        if self.levels[own[0]] is None:
            end = "high" if weights[own[0]] > 0 else "low"
            return f"more {outcome} at {end} {name}"
        order = sorted(own, key=lambda column: (-weights[column], str(self.levels[column])))
        return f"more {outcome} with {name} {self.levels[order[0]]}, fewest with {self.levels[order[-1]]}"


def encode(cases: pd.DataFrame, features: Sequence[str], columns: Sequence[str]) -> Encoded:
    """The features of ``cases``; a missing number becomes the middle rank plus an indicator ``unknown``."""
    parts: list[FloatArray] = []
    owner: list[int] = []
    levels: list[str | None] = []
    for k, column in enumerate(columns):
        for level, values in _coded(cases[column]):
            parts.append(values)
            owner.append(k)
            levels.append(level)
    matrix = np.stack(parts, axis=1) if parts else np.zeros((len(cases), 0))
    places = np.array(owner, dtype=np.int64)
    varies = tuple(
        bool(np.ptp(matrix[:, places == k], axis=0).any()) if len(cases) else False for k in range(len(columns))
    )
    return Encoded(tuple(features), matrix, places, tuple(levels), varies)


def _coded(values: pd.Series) -> list[tuple[str | None, FloatArray]]:
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return _ranked(values.to_numpy(dtype=np.float64, na_value=np.nan))
    text = values.astype("string").fillna(UNKNOWN)
    return [(str(level), (text == level).to_numpy(dtype=np.float64)) for level in sorted(text.unique())] or [
        (UNKNOWN, np.ones(0))
    ]


def _ranked(numbers: FloatArray) -> list[tuple[str | None, FloatArray]]:
    """Ranks spread over -1 to 1: any rising relation is a straight line for them, and no outlier pulls."""
    missing = np.isnan(numbers)
    ranks = np.zeros(len(numbers))
    if (~missing).any():
        ranks[~missing] = (2 * rankdata(numbers[~missing]) - 1) / (~missing).sum() - 1
    coded: list[tuple[str | None, FloatArray]] = [(None, ranks)]
    return [*coded, (UNKNOWN, missing.astype(np.float64))] if missing.any() else coded
