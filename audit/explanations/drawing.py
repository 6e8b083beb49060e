"""Draws the cases to be explained by the plan's rule, before inference: it sees no prediction."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from audit.explanation_plan import ExplainedCases
from audit.records import BadInput
from audit.tables import ALL, OVERALL, stratum_column


def draw_cases(
    cases: pd.DataFrame, references: pd.DataFrame, rule: ExplainedCases, target: str, seed: int
) -> list[str]:
    """Case ids drawn by ``rule``: per level half reference-positive (the odd one positive), the rest negative.

    Where a level has too few of one kind the other kind fills up; a patient is drawn twice only when a level has no
    further patient. The draw of one level does not depend on the other levels or on the order of the rows.
    """
    positive = _positive(references, target)
    levels = levels_of(cases, rule.attribute)
    drawn: list[str] = []
    for level in sorted(levels.unique()):
        drawn += _draw_level(cases[levels == level], positive, rule.per_level, f"{seed}|{rule.attribute}|{level}")
    return drawn


def levels_of(cases: pd.DataFrame, attribute: str) -> pd.Series[str]:
    """The level of each case; raises ``BadInput`` for an attribute that is no stratum."""
    if attribute == OVERALL:
        return pd.Series(ALL, index=cases.index, dtype="str")
    column = stratum_column(attribute)
    if column not in cases:
        raise BadInput(f"explained cases are drawn by '{attribute}', which is no stratum of the cases.")
    return cases[column].astype("str")


def _positive(references: pd.DataFrame, target: str) -> set[str]:
    rows = references[(references["target"] == target) & (references["reader"] == "reference")]
    value = rows["value"].to_numpy(dtype=float, na_value=np.nan)
    masked = rows["artifact"].notna().to_numpy()
    return set(rows["case_id"][np.where(np.isnan(value), masked, value > 0)].astype(str))


def _draw_level(cases: pd.DataFrame, positive: set[str], size: int, key: str) -> list[str]:
    order = _shuffled(cases, key)
    with_finding = [case for case in order if case in positive]
    without = [case for case in order if case not in positive]
    first = with_finding[: (size + 1) // 2]
    second = without[: size - len(first)]
    first = with_finding[: size - len(second)]
    return [*first, *second]


def _shuffled(cases: pd.DataFrame, key: str) -> list[str]:
    """Case ids in random order, the first case of each patient before any second one."""
    rows = cases[["case_id", "patient_id"]].astype("str").sort_values("case_id")
    generator = np.random.default_rng(np.frombuffer(hashlib.sha256(key.encode()).digest(), dtype=np.uint32))
    rows = rows.iloc[generator.permutation(len(rows))]
    again = rows["patient_id"].duplicated()
    return [*rows["case_id"][~again], *rows["case_id"][again]]
