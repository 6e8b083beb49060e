"""Predictions and references of one version and one target -> OBSERVATIONS, one row per case of the set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from audit.catalogue import entry
from audit.plan import Target
from audit.records import BadInput, BoolArray
from audit.tables import LOCALISATIONS, OBSERVATIONS
from audit.tasks.task import Readings, Task

GEOMETRY = ("spacing_mm", "slice_thickness_mm")
CANDIDATE, COMPARATOR = "candidate", "comparator"


def observe(
    version: str,
    target_name: str,
    target: Target,
    cases: pd.DataFrame,
    references: pd.DataFrame,
    predictions: pd.DataFrame,
    load_mask: Callable[[str], NDArray[Any]],
    load_reference_mask: Callable[[str], BoolArray],
    localised: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """One row per case, in the order of ``cases``; what a case lacks is missing, no case is dropped.

    ``load_mask`` takes the prediction's artifact and returns a bool mask or float probabilities;
    ``load_reference_mask`` takes the case id; ``localised`` are LOCALISATIONS of a detection target. Arms
    ('candidate + noise') are observed at the candidate's operating point. Raises ``BadInput`` for two predictions or
    references of one case.
    """
    task: Task = entry("tasks", target.task, f"target '{target_name}'")
    rows = _joined(version, target_name, cases, references, predictions)
    point = target.operating_point_of(COMPARATOR if version.startswith(COMPARATOR) else CANDIDATE)
    found = _mine(localised, version, target_name)
    observed = task.observe(Readings(target_name, rows, point, load_mask, load_reference_mask, target, found))
    table = pd.DataFrame(
        {"version": version, "case_id": rows["case_id"], "patient_id": rows["patient_id"], "target": target_name}
    )
    for name in OBSERVATIONS.columns:
        if name not in table:
            table[name] = observed[name].to_numpy() if name in observed else float("nan")
    return OBSERVATIONS.conform(table)


def _mine(localised: pd.DataFrame | None, version: str, target: str) -> pd.DataFrame:
    if localised is None:
        return pd.DataFrame(columns=list(LOCALISATIONS.columns))
    return localised[(localised["version"] == version) & (localised["target"] == target)]


def _joined(
    version: str, target: str, cases: pd.DataFrame, references: pd.DataFrame, predictions: pd.DataFrame
) -> pd.DataFrame:
    rows = cases[["case_id", "patient_id", *(c for c in GEOMETRY if c in cases)]].reset_index(drop=True)
    made = predictions[(predictions["version"] == version) & (predictions["target"] == target)]
    read = references[(references["target"] == target) & (references["reader"] == "reference")]
    read = read.rename(columns={"artifact": "reference_artifact", "grid": "reference_grid"})
    for frame, columns, what in (
        (made, ["score", "artifact", "seconds", "error", "grid"], "predictions"),
        (read, ["value", "reference_artifact", "reference_grid"], "references"),
    ):
        _refuse_twice(frame, f"target '{target}', {version}: {what}")
        rows = rows.merge(frame[["case_id", *columns]], on="case_id", how="left")
    rows["predicted"] = rows["case_id"].isin(made["case_id"])
    return rows


def _refuse_twice(frame: pd.DataFrame, where: str) -> None:
    twice = frame["case_id"][frame["case_id"].duplicated()]
    if len(twice):
        raise BadInput(f"{where} name case {twice.iloc[0]} more than once; each case may have one.")
