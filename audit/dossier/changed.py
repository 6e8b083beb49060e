"""Which cases two versions decided otherwise: found and ordered by rule alone, so that the list can be made again."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from audit.dossier.worst import analysed_rows
from audit.plan import Plan

LISTED = 20
LOST, GAINED = "lost", "gained"
SIDES = ("candidate", "comparator")
RULE = (
    "Lost (right to wrong) before gained (wrong to right); of each the larger difference of both scores first, cases "
    "without one last; of equal ones by case id."
)


def compared_targets(plan: Plan) -> list[str]:
    """Targets that both versions decide for or against; none without a comparator."""
    if plan.comparator is None:
        return []
    return [name for name, target in plan.targets.items() if target.binary and target.operating_point is not None]


def changed_cases(observations: pd.DataFrame, dispositions: pd.DataFrame, target: str) -> pd.DataFrame:
    """Analysed cases that exactly one of both versions decided as the reference, in the order of ``RULE``.

    Columns: ``case_id``, ``way`` (lost, gained), ``reference`` (0 or 1) and, for each version, the place of its row in
    ``observations``.
    """
    placed = observations.assign(place=np.arange(len(observations)))
    candidate, comparator = (_decided(placed, dispositions, side, target) for side in SIDES)
    both = candidate.merge(comparator, on="case_id", suffixes=("_candidate", "_comparator"))
    both = both[both["right_candidate"] != both["right_comparator"]]
    both = both.assign(
        way=np.where(both["right_candidate"], GAINED, LOST),
        change=-(both["score_candidate"] - both["score_comparator"]).abs().astype(float).fillna(-1.0),
        reference=both["reference_candidate"],
        candidate=both["place_candidate"],
        comparator=both["place_comparator"],
    )
    both["gained"] = both["way"] == GAINED
    ordered = both.sort_values(["gained", "change", "case_id"], kind="stable", ignore_index=True)
    return ordered[["case_id", "way", "reference", *SIDES]]


def _decided(placed: pd.DataFrame, dispositions: pd.DataFrame, version: str, target: str) -> pd.DataFrame:
    rows = analysed_rows(placed, dispositions, version, target)
    rows = rows[rows["reference"].notna() & rows["decision"].notna()]
    right = rows["reference"].astype(float) == rows["decision"].astype(float)
    return rows.assign(right=right)[["case_id", "right", "reference", "score", "place"]]


def listed_cases(observations: pd.DataFrame, dispositions: pd.DataFrame, plan: Plan) -> Iterator[str]:
    """Case ids that a document lists as decided otherwise."""
    for target in compared_targets(plan):
        yield from map(str, changed_cases(observations, dispositions, target)["case_id"][:LISTED])
