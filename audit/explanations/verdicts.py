"""May the maps of a method be used? The plan's criteria against the estimates: usable, with care, not usable.

To be usable a method's confidence limits must meet every criterion; to be not usable its mean only has to miss a
decisive one, or its version must not decide better than chance and than its copies with random weights, for a map
cannot explain what is not there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from audit.explanation_plan import ScoreCriterion
from audit.plan import Plan, Target
from audit.tables import EXPLANATION_VERDICTS, OVERALL

USABLE, CARE, NOT = "usable", "with care", "not usable"
MET, SHORT, MISSED, UNKNOWN = "met", "not shown", "missed", "not assessed"
SANITY = "randomisation_cascading"
SANITY_WORDS = {MET: "passed", SHORT: "not shown", MISSED: "not passed", UNKNOWN: "not assessed"}
CHANCE = {"auroc": 0.5, "balanced_accuracy": 0.5}
RANDOM_WEIGHTS = "random_weights"  # the analysis; its p value must not exceed LEVEL
LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class _Found:
    """One thing that was asked: what came out, in one word and in a clause, and whether it decides alone."""

    state: str
    words: str
    decisive: bool = False


def verdicts(plan: Plan, estimates: pd.DataFrame, analyses: pd.DataFrame, explanations: pd.DataFrame) -> pd.DataFrame:
    """EXPLANATION_VERDICTS: one row for every version, target and method that was explained."""
    rows: list[dict[str, Any]] = []
    values = estimates[estimates["kind"] == "value"]
    copies = analyses[analyses["analysis"] == RANDOM_WEIGHTS]
    for (version, target, method), part in explanations.groupby(["version", "target", "method"], sort=True):
        key = {"version": str(version), "target": str(target), "method": str(method)}
        rows.append({**key, **_verdict(plan, values, copies, key, part)})
    return EXPLANATION_VERDICTS.conform(pd.DataFrame(rows, columns=list(EXPLANATION_VERDICTS.columns)))


def _verdict(
    plan: Plan, values: pd.DataFrame, copies: pd.DataFrame, key: dict[str, str], explained: pd.DataFrame
) -> dict[str, str]:
    assert plan.explanations is not None
    own = values[(values["version"] == key["version"]) & (values["target"] == f"{key['target']}: {key['method']}")]
    if not explained["attribution"].notna().any():
        return {"verdict": NOT, "sanity": SANITY_WORDS[UNKNOWN], "reasons": _without_maps(explained)}
    found = [each for criterion in plan.explanations.examine.criteria for each in _judged(criterion, own)]
    sanity = _sanity(plan, own)
    found += [*_decides(plan.targets[key["target"]], values, key), *_learned(copies, key)]
    return {"verdict": _summed(found, own), "sanity": SANITY_WORDS[sanity], "reasons": _words(found, own)}


def _without_maps(explained: pd.DataFrame) -> str:
    reasons = explained["error"].dropna().astype(str).mode()
    return f"no case has a map: {reasons.iloc[0]}" if len(reasons) else "no case has a map"


def _summed(found: list[_Found], own: pd.DataFrame) -> str:
    if _without_values(own) or any(each.decisive and each.state == MISSED for each in found):
        return NOT
    return USABLE if found and all(each.state == MET for each in found) else CARE


def _words(found: list[_Found], own: pd.DataFrame) -> str:
    words = ["no map has a score: every one is zero or failed"] if _without_values(own) else []
    return "; ".join(words + [f"{each.words}: {each.state}" for each in found]) or "no criterion applies"


def _without_values(own: pd.DataFrame) -> bool:
    """Whether no score of the maps themselves has a value; the area of the reference is not one of them."""
    scores = own[(own["attribute"] == OVERALL) & ~own["measure"].isin(["area_inside"])]
    return bool(len(scores)) and bool(scores["value"].isna().all())


def _judged(criterion: ScoreCriterion, own: pd.DataFrame) -> Iterator[_Found]:
    """The criterion on all explained cases, and the levels of strata in which it is missed beyond doubt."""
    rows = own[own["measure"] == criterion.score]
    for row in rows[rows["attribute"] == OVERALL].to_dict("records"):
        yield _Found(_state(criterion, row), f"{criterion.text} ({_number(row)})", criterion.decisive)
    for row in rows[rows["attribute"] != OVERALL].to_dict("records"):
        if _beyond(criterion, row):
            yield _Found(MISSED, f"{criterion.text} for {row['attribute']} {row['level']} ({_number(row)})")


def _state(criterion: ScoreCriterion, row: dict[Any, Any]) -> str:
    if pd.isna(row["value"]):
        return UNKNOWN
    sign = 1.0 if criterion.kind == "minimum" else -1.0
    if sign * (row["value"] - criterion.value) < 0:
        return MISSED
    limit = row["low"] if criterion.kind == "minimum" else row["high"]
    return MET if not pd.isna(limit) and sign * (limit - criterion.value) >= 0 else SHORT


def _beyond(criterion: ScoreCriterion, row: dict[Any, Any]) -> bool:
    """Whether the whole interval misses the criterion."""
    limit = row["high"] if criterion.kind == "minimum" else row["low"]
    sign = 1.0 if criterion.kind == "minimum" else -1.0
    return not pd.isna(limit) and sign * (limit - criterion.value) < 0


def _sanity(plan: Plan, own: pd.DataFrame) -> str:
    """The randomisation check on all explained cases, by the plan's own criterion."""
    assert plan.explanations is not None
    asked = [each for each in plan.explanations.examine.criteria if each.score == SANITY]
    rows = own[(own["measure"] == SANITY) & (own["attribute"] == OVERALL)].to_dict("records")
    states = [_state(criterion, row) for criterion in asked for row in rows]
    return next((state for state in (MISSED, UNKNOWN, SHORT, MET) if state in states), UNKNOWN)


def _decides(target: Target, values: pd.DataFrame, key: dict[str, str]) -> Iterator[_Found]:
    """A score must order cases, and an operating point divide them, better than chance."""
    if not target.binary:
        return
    rows = values[(values["version"] == key["version"]) & (values["target"] == key["target"])]
    rows = rows[rows["attribute"] == OVERALL]
    for name, chance in CHANCE.items():
        for row in rows[rows["measure"] == name].to_dict("records"):
            if pd.isna(row["value"]) or pd.isna(row["low"]):
                yield _Found(UNKNOWN, f"{name} above {chance:g} ({_number(row)})")
            else:
                state = MET if row["low"] > chance else MISSED
                yield _Found(state, f"{name} above {chance:g} ({_number(row)})", decisive=True)


def _learned(copies: pd.DataFrame, key: dict[str, str]) -> Iterator[_Found]:
    """The version must decide better than its copies with random weights: what it learned is what a map explains."""
    mine = copies[(copies["version"] == key["version"]) & (copies["target"] == key["target"])]
    for row in mine.to_dict("records"):
        if pd.isna(row["p"]):
            yield _Found(UNKNOWN, f"{row['quantity']} (undefined: {row['undefined']})")
        else:
            state = MET if row["p"] <= LEVEL else MISSED
            yield _Found(state, f"{row['quantity']} (p {row['p']:.3f}, {row['method']})", decisive=True)


def _number(row: dict[Any, Any]) -> str:
    if pd.isna(row["value"]):
        return f"undefined: {row['undefined']}"
    limits = "" if pd.isna(row["low"]) else f", {row['low']:.3f} to {row['high']:.3f}"
    return f"{row['value']:.3f}{limits}, {int(row['n_patients'])} patients"
