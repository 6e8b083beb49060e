"""The pass done again on a few cases: does the version give the same answer twice?

Sources: FDA, Artificial Intelligence-Enabled Device Software Functions (draft, January 2025), on repeatability;
Regulation (EU) 2024/1689, Art. 15(1), (4).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
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
