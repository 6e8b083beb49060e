"""Which cases a segmentation did worst on: chosen by the score alone, so that the choice can be redone."""

from __future__ import annotations

import pandas as pd

from audit.plan import Plan

WORST = 5
BY = "dice"


def analysed_rows(observations: pd.DataFrame, dispositions: pd.DataFrame, version: str, target: str) -> pd.DataFrame:
    """Observations of the analysed cases of one version and target, under their own row numbers."""
    analysed = dispositions[(dispositions["version"] == version) & (dispositions["target"] == target)]
    kept = set(analysed.loc[analysed["fate"] == "analysed", "case_id"])
    rows = observations[(observations["version"] == version) & (observations["target"] == target)]
    return rows[rows["case_id"].isin(kept)]


def worst_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """The ``WORST`` rows of lowest Dice, lowest first, of equal ones the larger error of volume first; those without
    a Dice are none."""
    scored = rows[rows[BY].notna()]
    error = (scored["volume_predicted_ml"] - scored["volume_reference_ml"]).abs().fillna(0.0)
    order = scored.assign(error=-error).sort_values([BY, "error", "case_id"], kind="stable")
    return scored.loc[order.index[:WORST]]


def worst_cases(observations: pd.DataFrame, dispositions: pd.DataFrame, plan: Plan) -> list[str]:
    """Case ids that a document names one by one."""
    found: dict[str, None] = {}
    for name, target in plan.targets.items():
        for version in plan.versions if target.task == "segmentation" else ():
            rows = worst_rows(analysed_rows(observations, dispositions, version, name))
            found |= dict.fromkeys(map(str, rows["case_id"]))
    return list(found)
