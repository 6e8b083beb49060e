"""Repeat acquisitions: which cases of a patient belong together, what each adds to the within-subject variance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from audit.plan import RepeatAcquisitions
from audit.records import FloatArray
from audit.tables import UNKNOWN, stratum_column

COLUMNS = ("repeat_square", "repeat_df")


def labels(cases: pd.DataFrame, names: Sequence[str]) -> pd.Series:
    """One label per case from strata or manifest columns; blanks are a level of their own."""
    label = pd.Series("", index=cases.index, dtype="string")
    for name in names:
        column = stratum_column(name) if stratum_column(name) in cases else name
        label = label + "\x1f" + cases[column].astype("string").fillna(UNKNOWN)
    return label


def with_repeats(table: pd.DataFrame, cases: pd.DataFrame, output: str, asked: RepeatAcquisitions) -> pd.DataFrame:
    """OBSERVATIONS (rows in the order of ``cases``) with each case's squared deviation from the mean of its repeats.

    ``repeat_df`` shares the m - 1 degrees of freedom of m repeats evenly among them, so that both columns add up over
    any cases; a case without repeat, or without the output, has 0 and 0.
    """
    values = table[output].to_numpy(dtype=np.float64, na_value=np.nan)
    cell = cases["patient_id"].astype("string").str.cat(labels(cases, asked.within), sep="\x1f").to_numpy(dtype=str)
    square, df = repeat_terms(values, cell)
    return table.assign(repeat_square=square, repeat_df=df)


def repeat_terms(values: FloatArray, cell: np.ndarray) -> tuple[FloatArray, FloatArray]:
    """Squared deviation from the cell's mean, and the case's share of its degrees of freedom; NaN is no repeat."""
    known = np.isfinite(values)
    codes = np.unique(cell, return_inverse=True)[1]
    size = np.bincount(codes[known], minlength=codes.max() + 1)[codes]
    total = np.bincount(codes[known], values[known], minlength=codes.max() + 1)[codes]
    repeated = known & (size > 1)
    mean = total / np.maximum(size, 1)
    square = np.where(repeated, np.square(np.where(known, values, 0.0) - mean), 0.0)
    return square, np.where(repeated, (size - 1) / np.maximum(size, 1), 0.0)
