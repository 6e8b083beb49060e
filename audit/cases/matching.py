"""When a cell of a manifest equals a level written in YAML.

A number in YAML matches cells that are that number (1 matches '1', '1.0' and '01'); text matches the same text only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from audit.plan import Level
from audit.records import BoolArray, FloatArray


def is_one_of(values: pd.Series, levels: Sequence[Level]) -> pd.Series:
    """Boolean per cell, missing where the cell is missing."""
    text = values.astype("string").str.strip().fillna("").to_numpy(dtype=str)
    numbers = pd.to_numeric(pd.Series(text), errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    hit = np.zeros(len(values), dtype=np.bool_)
    for level in levels:
        hit |= _equals(text, numbers, level)
    return pd.Series(hit, index=values.index).astype("boolean").mask(values.isna(), pd.NA)


def _equals(text: np.ndarray, numbers: FloatArray, level: Level) -> BoolArray:
    if isinstance(level, str):
        return np.asarray(text == level.strip())
    if isinstance(level, bool):
        return np.asarray((numbers == float(level)) | (np.char.lower(text) == str(level).lower()))
    return np.asarray(numbers == float(level))
