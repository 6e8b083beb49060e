"""Stored against recomputed tables of an audit from which rows were erased. Pure.

What follows from one case at a time must come out exactly as before. Estimates were made with the rows that are gone:
of them only what the erasure cannot explain is a difference, namely counts that fell by more than was erased, or rose,
or a value that changed although no case of its group is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from audit.evidence.comparison import compare_tables
from audit.evidence.difference import Difference
from audit.evidence.erasures import Erasure

PER_CASE = ("predictions", "marks", "localisations", "dispositions", "observations", "map_agreement")
OVER_CASES_OF_A_PATIENT = ["repeat_square", "repeat_df"]
COUNTS = ("n_patients", "n_cases", "n_events", "n_failed")
WHY = "The erasure does not explain it."


def compare_after(
    name: str, stored: pd.DataFrame, recomputed: pd.DataFrame, erased: Sequence[Erasure]
) -> list[Difference]:
    """What differs although only ``erased`` rows are missing; tables over all cases are held by their digests alone."""
    if name in PER_CASE:
        partly = any(one.partly for one in erased) and name == "observations"
        left_out = OVER_CASES_OF_A_PATIENT if partly else []
        return compare_tables(name, *(frame.drop(columns=left_out) for frame in (stored, recomputed)))
    if name == "estimates":
        return list(_estimates(stored, recomputed, erased))
    return []


def _estimates(stored: pd.DataFrame, recomputed: pd.DataFrame, erased: Sequence[Erasure]) -> Iterator[Difference]:
    before, now = (frame.set_index("estimate_id") for frame in (stored, recomputed))
    patients, cases = sum(one.patients for one in erased), sum(one.cases for one in erased)
    for key in now.index.difference(before.index, sort=False):
        yield Difference(f"estimates: row {key}", "present", "missing", WHY)
    values = before[before["kind"] == "value"]
    lone = values.loc[values.index.difference(now.index, sort=False)]
    for key in lone.index[(lone["n_cases"] > cases).fillna(False)]:
        yield Difference(f"estimates: row {key}", "absent", "present", WHY)
    shared = values.index.intersection(now.index, sort=False)
    one, other = values.loc[shared], now.loc[shared]
    for column in COUNTS:
        yield from _counts(column, one[column], other[column], patients if column == "n_patients" else cases)
    yield from _unmoved(one, other)


def _counts(column: str, stored: pd.Series, now: pd.Series, most: int) -> Iterator[Difference]:
    """Counts that did not fall by 0 to ``most``."""
    fell = (stored - now).fillna(0)
    for key, expected, found in zip(stored.index, now, stored, strict=True):
        if not 0 <= fell[key] <= most:
            thing = f"estimates: row {key}, column {column}"
            yield Difference(thing, f"{expected} and at most {most} more", str(found), WHY)


def _unmoved(one: pd.DataFrame, other: pd.DataFrame) -> Iterator[Difference]:
    """Values of groups that lost no case and changed all the same."""
    same = np.logical_and.reduce([(one[name].fillna(-1) == other[name].fillna(-1)).to_numpy() for name in COUNTS])
    columns = ["value"]
    found = compare_tables("estimates", *(frame.loc[same, columns].reset_index() for frame in (one, other)))
    yield from found
