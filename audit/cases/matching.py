"""When a cell of a manifest equals a level written in YAML.

A number in YAML matches cells that are that number (1 matches '1', '1.0' and '01'); text matches the same text only.
"""

from __future__ import annotations

import pandas as pd

from audit.plan import Level


def is_one_of(values: pd.Series, levels: tuple[Level, ...]) -> pd.Series:
    """Boolean per cell, missing where the cell is missing."""
    text = values.astype("string").str.strip()
    numbers = pd.to_numeric(text, errors="coerce")
    hit = pd.Series(False, index=values.index)
    for level in levels:
        hit |= _equals(text, numbers, level).fillna(False).astype(bool)
    return hit.astype("boolean").mask(values.isna(), pd.NA)


def _equals(text: pd.Series, numbers: pd.Series, level: Level) -> pd.Series:
    if isinstance(level, str):
        return text == level.strip()
    if isinstance(level, bool):
        return (numbers == int(level)) | (text.str.lower() == str(level).lower())
    return numbers == float(level)
