"""Marks recorded by somebody else: one file of boxes or points with ratings, for every detection target of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from audit.model_refs import RecordedPredictions
from audit.models.recorded import NO_PREDICTION, recorded_bytes
from audit.places import GEOMETRY, Places, read_places
from audit.plan import Target
from audit.records import BadInput
from audit.tables import MARKS, PREDICTIONS


def read_recorded_marks(
    ref: RecordedPredictions, path: Path, targets: Mapping[str, Target], cases: pd.DataFrame, version: str = "candidate"
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """PREDICTIONS (one row per case and detection target, without a score) and MARKS of ``version``.

    With labels in the file a target takes the marks whose label is its ``output``. A case that the file names without
    a mark was processed and nothing found; one that it does not name has the error 'no recorded prediction'. Raises
    ``BadInput`` for an unreadable file, an unknown case, a mark without rating, a point where boxes are needed, and
    an output that no mark is labelled with.
    """
    ids = cases["case_id"].astype(str).tolist()
    places = read_places(recorded_bytes(path), path.name, frozenset(ids), ref.case_id)
    _refuse_unknown(places, frozenset(ids), path)
    _refuse_unrated(places.rows, path)
    error = [None if case in places.cases else NO_PREDICTION for case in ids]
    made, marks = [], []
    for name, target in targets.items():
        if target.task == "detection":
            made.append(pd.DataFrame({"case_id": ids, "target": name, "error": error}))
            marks.append(_of_target(places, name, target, path))
    predictions = pd.concat(made, ignore_index=True).assign(
        version=version, score=np.nan, artifact=None, grid=None, seconds=np.nan
    )
    found = pd.concat(marks, ignore_index=True).assign(version=version)
    return PREDICTIONS.conform(predictions[list(PREDICTIONS.columns)]), MARKS.conform(found)


def _of_target(places: Places, name: str, target: Target, path: Path) -> pd.DataFrame:
    rows = places.rows
    if places.labels:
        if target.output not in places.labels:
            raise BadInput(
                f"target '{name}': {path.name} has no label '{target.output}' (labels: "
                f"{', '.join(sorted(places.labels))}); correct 'output' in the plan."
            )
        rows = rows[(rows["label"] == target.output).to_numpy(dtype=bool, na_value=False)]
    _refuse_points(rows, name, target, path)
    number = rows.groupby("case_id", sort=False).cumcount() + 1
    return rows[["case_id", "rating", *GEOMETRY]].assign(target=name, mark=number)


def _refuse_points(rows: pd.DataFrame, name: str, target: Target, path: Path) -> None:
    points = rows["width"].isna()
    if target.localisation is not None and target.localisation.rule == "iou" and bool(points.any()):
        raise BadInput(
            f"target '{name}': localisation rule 'iou' needs boxes, and data row {rows['row'][points].iloc[0]} of "
            f"{path.name} is a point; use rule 'distance' or 'centre_inside'."
        )


def _refuse_unknown(places: Places, known: frozenset[str], path: Path) -> None:
    unknown = sorted(places.cases - known)
    if unknown:
        raise BadInput(
            f"{path.name}: {len(unknown)} cases are not in the validation set (first: '{unknown[0]}'); remove their "
            "rows or add the cases to the manifest."
        )


def _refuse_unrated(rows: pd.DataFrame, path: Path) -> None:
    unrated = rows["rating"].isna()
    if bool(unrated.any()):
        raise BadInput(
            f"{path.name}: data row {rows['row'][unrated].iloc[0]} is a mark without a rating; give every mark one "
            "(COCO: 'score'), or leave all cells but the case id empty for a case without marks."
        )
