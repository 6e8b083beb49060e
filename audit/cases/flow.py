"""The fate of every case, and the flow that is printed from it (STARD 2015, item 19).

Fates, first that applies: *excluded* (by the plan's analysis population, or without a reference standard),
*rejected* (the device refused the input), *equivocal* (the device gave no definite result), *failed* (no usable
output, or a mask that does not lie on the reference mask's grid), *analysed*. A prediction's error text starting with
'rejected' or 'equivocal' names these fates; any other error is a failure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from audit.cases.matching import is_one_of
from audit.cases.references import combined_only
from audit.grids import Grid
from audit.plan import Exclusion, Plan, Target
from audit.records import BadInput, BoolArray, FloatArray
from audit.tables import DISPOSITIONS, FATES, NO_REFERENCE

_ORDER = (*(fate for fate in FATES if fate != "analysed"), "analysed")
NO_PREDICTION = "no prediction was made"
NO_SCORE = "the model's score is missing or not a finite number"
NO_GRADE = "the model's score is none of the plan's grades"
NO_WORDS = "an error without a stated reason"
NO_MASK = "the model produced no mask"
OTHER_GRID = "the predicted mask does not lie on the reference mask's grid"


def dispositions(cases: pd.DataFrame, references: pd.DataFrame, predictions: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """DISPOSITIONS: one fate with its reason for each version (arms included), target and case."""
    excluded = _excluded(cases, plan.analysis_population)
    versions = list(dict.fromkeys([*plan.versions, *predictions["version"].astype(str)]))
    parts = [
        _fates(cases, excluded, references, predictions, version, name, target)
        for version in versions
        for name, target in plan.targets.items()
    ]
    return DISPOSITIONS.conform(pd.concat(parts, ignore_index=True))


def _excluded(cases: pd.DataFrame, rules: Sequence[Exclusion]) -> pd.Series:
    """Reason of the first exclusion rule that holds, by case; missing where none does."""
    reasons = pd.Series(pd.NA, index=cases["case_id"], dtype="string")
    for rule in rules:
        if rule.column not in cases:
            raise BadInput(
                f"analysis_population: the manifest has no column '{rule.column}'; columns: "
                f"{', '.join(map(str, cases.columns[:25]))}."
            )
        holds = is_one_of(cases[rule.column], rule.equals).to_numpy(dtype=bool, na_value=False)
        reasons = reasons.mask(holds & reasons.isna().to_numpy(), rule.reason)
    return reasons


def _fates(
    cases: pd.DataFrame,
    excluded: pd.Series,
    references: pd.DataFrame,
    predictions: pd.DataFrame,
    version: str,
    name: str,
    target: Target,
) -> pd.DataFrame:
    ids = cases["case_id"].to_numpy(dtype=object)
    reason = excluded.copy()
    fate = pd.Series("analysed", index=ids, dtype="string").mask(excluded.notna().to_numpy(), "excluded")
    no_reference = _lacks_reference(references, ids, name, target) & (fate == "analysed").to_numpy()
    fate, reason = fate.mask(no_reference, "excluded"), reason.mask(no_reference, NO_REFERENCE)
    problem = _problems(predictions, ids, version, name, target)
    if target.task == "segmentation":
        problem = problem.fillna(_other_grids(references, predictions, ids, version, name, target.grid_tolerance_mm))
    open_ = problem.notna().to_numpy() & (fate == "analysed").to_numpy()
    fate, reason = fate.mask(open_, problem.map(_fate_of, na_action="ignore")), reason.mask(open_, problem)
    return pd.DataFrame(
        {"version": version, "case_id": ids, "target": name, "fate": fate.to_numpy(), "reason": reason.to_numpy()}
    )


def _fate_of(error: str) -> str:
    words = error.lower()
    return next((fate for fate in ("rejected", "equivocal") if words.startswith(fate)), "failed")


def _lacks_reference(references: pd.DataFrame, ids: np.ndarray, name: str, target: Target) -> BoolArray:
    column = "artifact" if target.task == "segmentation" else "value"
    read = combined_only(references)
    rows = read[(read["target"] == name) & read[column].notna()]
    return ~_among(ids, rows["case_id"])


def _problems(predictions: pd.DataFrame, ids: np.ndarray, version: str, name: str, target: Target) -> pd.Series:
    """Why a case has no usable output, by case; missing where it has one."""
    rows = predictions[(predictions["version"] == version) & (predictions["target"] == name)].set_index("case_id")
    made, rows = rows.index, rows.reindex(ids)
    error = rows["error"].astype("string")
    problem = error.mask((error.str.strip() == "").fillna(False), NO_WORDS).mask(~_among(ids, made), NO_PREDICTION)
    if target.task == "segmentation":
        return problem.mask(problem.isna() & rows["artifact"].isna(), NO_MASK)
    if target.task == "detection":
        return problem
    score = rows["score"].to_numpy(dtype=np.float64, na_value=np.nan)
    problem = problem.mask(problem.isna().to_numpy() & ~np.isfinite(score), NO_SCORE)
    return problem.mask(problem.isna().to_numpy() & _no_grade(score, target), NO_GRADE)


def _no_grade(score: FloatArray, target: Target) -> BoolArray:
    if target.task != "ordinal" or target.grade_cuts:
        return np.zeros(score.shape, dtype=np.bool_)
    return ~np.isin(score, target.grade_numbers)


def _other_grids(
    references: pd.DataFrame, predictions: pd.DataFrame, ids: np.ndarray, version: str, name: str, tolerance_mm: float
) -> pd.Series:
    """Why a predicted mask cannot be laid on its reference, by case; missing where it can or a grid is not known."""
    read = combined_only(references)
    read = read[read["target"] == name]
    made = predictions[(predictions["version"] == version) & (predictions["target"] == name)]
    grids = [frame.set_index("case_id")["grid"].dropna().reindex(ids) for frame in (made, read)]
    found = [
        None if pd.isna(mine) or pd.isna(theirs) else Grid.of_text(mine).mismatch(Grid.of_text(theirs), tolerance_mm)
        for mine, theirs in zip(*grids, strict=True)
    ]
    reasons = [None if each is None else f"{OTHER_GRID}: {each}" for each in found]
    return pd.Series(reasons, index=ids, dtype="string")


def _among(ids: np.ndarray, known: Iterable[str]) -> BoolArray:
    """Membership by hash: pandas' own test of Arrow strings and NumPy's of objects are slow at 14 targets."""
    members = set(known)
    return np.fromiter((case in members for case in ids), dtype=np.bool_, count=len(ids))


def flow_counts(dispositions: pd.DataFrame) -> pd.DataFrame:
    """One row per version and target: version, target, all, excluded, rejected, failed, equivocal, analysed (cases).

    ``all`` is counted apart from the fates, so that a table that does not add up is an error here, not in print.
    """
    keys = [dispositions["version"], dispositions["target"]]
    counts = pd.crosstab(keys, dispositions["fate"]).reindex(columns=list(_ORDER), fill_value=0)
    counts.insert(0, "all", dispositions.groupby(["version", "target"])["case_id"].nunique())
    if not bool((counts["all"] == counts[list(_ORDER)].sum(axis=1)).all()):
        raise ValueError("case flow does not add up: a case has no fate, an unknown fate or two fates")
    return _in_order(counts.rename_axis(columns=None).reset_index(), dispositions)


def flow_reasons(dispositions: pd.DataFrame) -> pd.DataFrame:
    """Lost cases only: one row per version, target, fate and reason, with n_cases."""
    lost = dispositions[dispositions["fate"] != "analysed"]
    keys = ["version", "target", "fate", "reason"]
    counts = lost.groupby(keys, sort=False, dropna=False).size().rename("n_cases").reset_index()
    return _in_order(counts, dispositions)


def _in_order(counts: pd.DataFrame, dispositions: pd.DataFrame) -> pd.DataFrame:
    """Versions and targets in the order in which the dispositions name them."""
    for key in ("target", "version"):
        rank = {value: i for i, value in enumerate(dict.fromkeys(dispositions[key]))}
        counts = counts.sort_values(key, key=lambda c, rank=rank: c.map(rank), kind="stable")
    return counts.reset_index(drop=True)
