"""The checks that every calculation on a score and a reference shares."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from audit.records import BadInput, BoolArray, FloatArray, IntArray


def finite_vector(values: ArrayLike, name: str) -> FloatArray:
    """``values`` as a one-dimensional float64 array; NaN or infinity raises ``BadInput`` naming the entry."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise BadInput(f"'{name}' must be one-dimensional, got an array of shape {array.shape}.")
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        raise BadInput(
            f"'{name}' holds {bad.size} value(s) that are not finite (first at entry {int(bad[0])}); "
            "remove these cases or give them a disposition before computing."
        )
    return array


def binary_vector(values: ArrayLike, name: str) -> BoolArray:
    """``values`` as a one-dimensional bool array; anything but 0, 1, True or False raises ``BadInput``."""
    array = np.asarray(values)
    if array.dtype == np.bool_:
        return array.astype(np.bool_)
    numbers = finite_vector(array, name)
    if not np.isin(numbers, (0.0, 1.0)).all():
        raise BadInput(f"'{name}' must hold only 0 and 1, got values such as {np.unique(numbers)[:5].tolist()}.")
    return numbers.astype(np.bool_)


def score_and_reference(score: ArrayLike, positive: ArrayLike) -> tuple[FloatArray, BoolArray]:
    """Both vectors checked and of equal length."""
    scores, reference = finite_vector(score, "score"), binary_vector(positive, "positive")
    same_length(score=scores, positive=reference)
    return scores, reference


def same_length(**vectors: NDArray[Any]) -> None:
    """Raises ``BadInput`` when the named vectors differ in length."""
    lengths = {name: int(vector.shape[0]) for name, vector in vectors.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise BadInput(f"vectors of one entry per case differ in length: {listed}.")


def dense_codes(labels: ArrayLike) -> tuple[IntArray, NDArray[Any]]:
    """Labels of any type as codes 0..k-1 (sorted label order) and the distinct labels."""
    distinct, codes = np.unique(np.asarray(labels), return_inverse=True)
    return codes.astype(np.int64).reshape(-1), distinct


@lru_cache(maxsize=4096)
def normal_quantile(confidence: float) -> float:
    """Two-sided standard normal quantile, 1.96 for 0.95; outside (0, 1) raises ``BadInput``."""
    _check_confidence(confidence)
    return float(stats.norm.ppf(0.5 + confidence / 2))


@lru_cache(maxsize=4096)
def t_quantile(confidence: float, df: float) -> float:
    """Two-sided Student t quantile with ``df`` degrees of freedom (infinite: the normal one)."""
    _check_confidence(confidence)
    return float(stats.t.ppf(0.5 + confidence / 2, df)) if np.isfinite(df) else normal_quantile(confidence)


def two_sided_p(z: float, df: float = float("inf")) -> float:
    """Two-sided p value of a standard normal or, with finite ``df``, Student t statistic."""
    tail = stats.t.sf(abs(z), df) if np.isfinite(df) else stats.norm.sf(abs(z))
    return float(2 * tail)


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise BadInput(f"confidence must lie strictly between 0 and 1 (0.95 for 95 %), got {confidence}.")
