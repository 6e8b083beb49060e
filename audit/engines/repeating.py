"""The pass done again on a few cases: does the version give the same answer twice?

Sources: FDA, Artificial Intelligence-Enabled Device Software Functions (draft, January 2025), on repeatability;
Regulation (EU) 2024/1689, Art. 15(1), (4).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from audit.engines.shards import Shard, cited
from audit.records import FloatArray


def drawn_to_repeat(cases: Sequence[str], number: int, seed: int) -> list[str]:
    """The cases to repeat: the first ``number`` by the hash of seed and case id, whatever the order of ``cases``."""
    return sorted(cases, key=lambda case: (hashlib.sha256(f"{seed}\nrepeat\n{case}".encode()).digest(), case))[:number]


def repeated(first: Shard, second: Shard, tolerance: float) -> list[dict[str, Any]]:
    """One record per version and target: cases, the largest difference between both passes, and whether it is within.

    A case that has an output in one pass only counts as ``unequal``; a case without output in either has nothing to
    compare. ``largest_difference`` is None where no case could be compared.
    """
    keys = ["version", "target"]
    if not first.rows[[*keys, "case_id"]].equals(second.rows[[*keys, "case_id"]]):
        raise ValueError("the two passes are not over the same cases, versions and targets")
    values, again = ([_value(row, shard) for row in shard.rows.itertuples(index=False)] for shard in (first, second))
    pairs = list(zip(values, again, strict=True))
    arms = list(zip(first.rows["version"], first.rows["target"], strict=True))
    return [
        {"version": arm[0], "target": arm[1]}
        | _compared([pair for own, pair in zip(arms, pairs, strict=True) if own == arm], tolerance)
        for arm in dict.fromkeys(arms)
    ]


@dataclass(frozen=True, slots=True)
class CaseDifference:
    """One output in two passes: its size of difference (None: only one side has it, or the shapes differ), both in
    words, and for a score both numbers."""

    version: str
    case_id: str
    target: str
    size: float | None
    stored: str
    now: str
    scores: tuple[float, float] | None

    def beyond(self, tolerance: float) -> bool:
        """Whether the two differ by more than ``tolerance``."""
        return self.size is None or self.size > tolerance


def case_differences(stored: Shard, now: Shard) -> Iterator[CaseDifference]:
    """Every output of two shards over the same cases, compared; a case without output on both sides is left out."""
    keys = ["version", "case_id", "target"]
    again = {tuple(getattr(row, key) for key in keys): row for row in now.rows.itertuples(index=False)}
    for row in stored.rows.itertuples(index=False):
        key = tuple(getattr(row, name) for name in keys)
        one, other = _value(row, stored), _value(again[key], now) if key in again else None
        if one is None and other is None:
            continue
        size = None if one is None or other is None else _difference(one, other)
        words = _in_words(one, row), _in_words(other, again.get(key))
        version, case, target = map(str, key)
        yield CaseDifference(version, case, target, size, *words, _scores(one, other))


def _scores(one: FloatArray | None, other: FloatArray | None) -> tuple[float, float] | None:
    if one is None or other is None or one.ndim or other.ndim:
        return None
    return float(one), float(other)


def _in_words(value: FloatArray | None, row: Any) -> str:
    if value is None:
        return f"no output ({row.error})" if row is not None else "no row"
    return repr(float(value)) if value.ndim == 0 else f"an output of shape {value.shape}"


def _compared(pairs: Sequence[tuple[FloatArray | None, FloatArray | None]], tolerance: float) -> dict[str, Any]:
    both = [_difference(one, other) for one, other in pairs if one is not None and other is not None]
    unequal = sum((one is None) != (other is None) for one, other in pairs) + sum(gap is None for gap in both)
    gaps = [gap for gap in both if gap is not None]
    largest = max(gaps, default=None)
    within = unequal == 0 and (largest is None or largest <= tolerance)
    return {"cases": len(pairs), "compared": len(gaps), "unequal": unequal, "largest_difference": largest,
            "tolerance": tolerance, "within": within}  # fmt: skip


def _value(row: Any, shard: Shard) -> FloatArray | None:
    """A case's mask, score, or marks (n, numbers of a mark); None where there is no output."""
    if not pd.isna(row.error):
        return None
    if not pd.isna(row.artifact):
        _, key, place = cited(str(row.artifact))
        return np.asarray(shard.masks[key][place], dtype=np.float64)
    if not pd.isna(row.score):
        return np.asarray(float(row.score))
    marks = shard.marks
    own = (marks["version"] == row.version) & (marks["target"] == row.target) & (marks["case_id"] == row.case_id)
    return np.asarray(marks[own].select_dtypes("number").to_numpy(dtype=np.float64, na_value=np.nan))


def _difference(one: FloatArray, other: FloatArray) -> float | None:
    """The largest difference; None where the shapes differ (another number of marks)."""
    if one.shape != other.shape:
        return None
    return float(np.max(np.abs(np.nan_to_num(one) - np.nan_to_num(other)), initial=0.0))
