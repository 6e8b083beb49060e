"""Case features as numbers for a surrogate: levels as indicators, numbers as ranks that may rise, fall or bend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from audit.records import FloatArray, IntArray
from audit.tables import UNKNOWN

MOST_LEVELS = 20
CLEARLY = 0.25


@dataclass(frozen=True, slots=True)
class Encoded:
    """Design matrix (n, columns), the feature of each column, each column's level (None for ranks).

    ``reasons`` says why a feature cannot enter (its columns are then zero), None where it does.
    """

    features: tuple[str, ...]
    matrix: FloatArray
    owner: IntArray
    levels: tuple[str | None, ...]
    reasons: tuple[str | None, ...]

    @property
    def varies(self) -> tuple[bool, ...]:
        """Whether each feature enters."""
        return tuple(reason is None for reason in self.reasons)

    def contributions(self, weights: FloatArray) -> FloatArray:
        """(n, features): what each feature adds to a linear predictor with ``weights``."""
        parts = self.matrix * weights
        return np.stack([parts[:, self.owner == k].sum(axis=1) for k in range(len(self.features))], axis=1)

    def direction(self, k: int, weights: FloatArray, outcome: str) -> str:
        """In words, which level, end or middle of feature ``k`` goes with more of ``outcome``."""
        name, own = self.features[k], np.flatnonzero(self.owner == k)
        more, fewest = ("higher score", "lowest") if outcome == "score" else (f"more {outcome}", "fewest")
        if self.levels[own[0]] is None:
            return f"{more} {_where(float(weights[own[0]]), float(weights[own[1]]))} {name}"
        order = sorted(own, key=lambda column: (-weights[column], str(self.levels[column])))
        return f"{more} with {name} {self.levels[order[0]]}, {fewest} with {self.levels[order[-1]]}"


def _where(slope: float, bend: float) -> str:
    """Where slope * r + bend * (3 r^2 - 1) / 2 is largest on -1 to 1: an end, both ends (nearly alike), the middle."""
    r = np.linspace(-1, 1, 201)
    curve = slope * r + bend * (3 * r**2 - 1) / 2
    extent = float(np.ptp(curve)) or 1.0
    if abs(r[int(curve.argmax())]) < 0.5:
        return "in the middle of"
    low_end = abs(float(r[int(curve.argmin())])) < 0.5
    if low_end and abs(float(curve[0] - curve[-1])) < CLEARLY * extent:
        return "at both ends of"
    return "at high" if curve[-1] > curve[0] else "at low"


def encode(cases: pd.DataFrame, features: Sequence[str], columns: Sequence[str]) -> Encoded:
    """The features of ``cases``; a missing number becomes the middle rank plus an indicator ``unknown``."""
    parts: list[FloatArray] = []
    owner: list[int] = []
    levels: list[str | None] = []
    reasons: list[str | None] = []
    for k, column in enumerate(columns):
        coded = _coded(cases[column])
        reasons.append(_reason(features[k], coded))
        for level, values in coded if reasons[-1] is None else [(coded[0][0], np.zeros(len(cases)))]:
            parts.append(values)
            owner.append(k)
            levels.append(level)
    matrix = np.stack(parts, axis=1) if parts else np.zeros((len(cases), 0))
    return Encoded(tuple(features), matrix, np.array(owner, dtype=np.int64), tuple(levels), tuple(reasons))


def _reason(name: str, coded: list[tuple[str | None, FloatArray]]) -> str | None:
    if coded[0][0] is not None and len(coded) > MOST_LEVELS:
        return f"{name} has {len(coded)} levels; at most {MOST_LEVELS} can be told apart"
    if not any(np.ptp(values) > 0 for _, values in coded if values.size):
        return f"{name} has one level among these cases"
    return None


def _coded(values: pd.Series) -> list[tuple[str | None, FloatArray]]:
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return _ranked(values.to_numpy(dtype=np.float64, na_value=np.nan))
    text = values.astype("string").fillna(UNKNOWN)
    return [(str(level), (text == level).to_numpy(dtype=np.float64)) for level in sorted(text.unique())] or [
        (UNKNOWN, np.ones(0))
    ]


def _ranked(numbers: FloatArray) -> list[tuple[str | None, FloatArray]]:
    """Ranks spread over -1 to 1, and their second Legendre polynomial for what bends: no outlier pulls."""
    missing = np.isnan(numbers)
    ranks, bends = np.zeros(len(numbers)), np.zeros(len(numbers))
    if (~missing).any():
        known = (2 * rankdata(numbers[~missing]) - 1) / (~missing).sum() - 1
        ranks[~missing], bends[~missing] = known, (3 * known**2 - 1) / 2
        bends[~missing] -= bends[~missing].mean()
    coded: list[tuple[str | None, FloatArray]] = [(None, ranks), (None, bends)]
    return [*coded, (UNKNOWN, missing.astype(np.float64))] if missing.any() else coded
