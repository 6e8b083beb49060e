"""Which cases the plan's rule explains: drawn before inference, and afterwards by decision where the plan asks so."""

from __future__ import annotations

from typing import Any

import pandas as pd

from audit.cases.flow import dispositions
from audit.explanations.drawing import draw_cases
from audit.explanations.drawing_decisions import draw_by_decision
from audit.plan import Plan
from audit.tasks.observations import CANDIDATE, observe

DRAWN_AS = "drawn_as"


def drawn_cases(
    plan: Plan, cases: pd.DataFrame, references: pd.DataFrame, predictions: pd.DataFrame
) -> dict[str, str | None]:
    """Case id -> None where drawn before inference, else the candidate's outcome for which it was drawn.

    ``predictions`` are those of the finished pass; without ``per_decision`` they have no part in the draw.
    """
    asked = plan.explanations
    assert asked is not None
    before = draw_cases(cases, references, asked.cases, asked.target, plan.seed)
    found: dict[str, str | None] = dict.fromkeys(before)
    if asked.cases.per_decision:
        observed = _analysed(plan, asked.target, cases, references, predictions)
        found |= draw_by_decision(cases, observed, asked.cases, plan.seed, set(before))
    return found


def _analysed(
    plan: Plan, target: str, cases: pd.DataFrame, references: pd.DataFrame, predictions: pd.DataFrame
) -> pd.DataFrame:
    """OBSERVATIONS of the candidate's analysed cases; a target with decisions by score needs no masks."""
    fates = dispositions(cases, references, predictions, plan)
    mine = fates[(fates["version"] == CANDIDATE) & (fates["target"] == target) & (fates["fate"] == "analysed")]
    observed = observe(CANDIDATE, target, plan.targets[target], cases, references, predictions, _no_mask, _no_mask)
    return observed[observed["case_id"].isin(mine["case_id"])]


def _no_mask(_: str) -> Any:
    raise LookupError("cases are drawn by decision for targets with a score alone")


def before_inference(table: pd.DataFrame, explanations: pd.DataFrame) -> pd.DataFrame:
    """The rows of ``table`` about cases that were drawn before inference: what means and verdicts are made of."""
    after = explanations.loc[explanations[DRAWN_AS].notna(), "case_id"]
    return table[~table["case_id"].isin(set(after))] if len(after) else table
