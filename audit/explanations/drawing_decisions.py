"""Draws further cases by the plan's rule after inference, to show right and wrong decisions of every level.

Which they are follows from the plan, its seed, and the candidate's decisions: nobody picks a case. What results had a
part in says nothing of the whole, so that these maps are shown and enter no score, no mean and no verdict.
"""

from __future__ import annotations

import hashlib
from collections.abc import Set

import pandas as pd

from audit.decision_tables import outcome
from audit.explanation_plan import ExplainedCases
from audit.explanations.drawing import levels_of


def draw_by_decision(
    cases: pd.DataFrame, observed: pd.DataFrame, rule: ExplainedCases, seed: int, drawn: Set[str]
) -> dict[str, str]:
    """Case id -> outcome: of each level and outcome the first ``per_decision`` by the hash of seed and case.

    ``observed`` are OBSERVATIONS of the candidate's analysed cases for one target; those without reference or decision
    and those in ``drawn`` (drawn before inference) are left out. A patient is drawn twice for one level and outcome
    only when there is no further patient. The draw of one level does not depend on other levels or the order of rows.
    """
    known = observed[observed["reference"].notna() & observed["decision"].notna()]
    known = known[~known["case_id"].isin(drawn)]
    pairs = zip(known["reference"].astype(float), known["decision"].astype(float), strict=True)
    table = known[["case_id", "patient_id"]].astype("str").assign(outcome=[outcome(*pair) for pair in pairs])
    level = pd.Series(levels_of(cases, rule.attribute).to_numpy(), index=cases["case_id"].astype("str"))
    table["level"] = level.reindex(table["case_id"]).to_numpy()
    found: dict[str, str] = {}
    for (_, name), part in table.groupby(["level", "outcome"], sort=True):
        found |= dict.fromkeys(_first(part, rule.per_decision, seed), str(name))
    return found


def _first(part: pd.DataFrame, size: int, seed: int) -> list[str]:
    rows = part.assign(rank=[_rank(seed, case) for case in part["case_id"]]).sort_values(["rank", "case_id"])
    again = rows["patient_id"].duplicated()
    return [*rows["case_id"][~again], *rows["case_id"][again]][:size]


def _rank(seed: int, case: str) -> str:
    return hashlib.sha256(f"{seed}|decision|{case}".encode()).hexdigest()
