"""The reference standard of a detection target: lesions as boxes or points, by case.

The manifest's column names the file that holds a case's lesions, its SHA-256 beside it; one file may serve all cases.
A case whose cell is blank has no reference standard; one whose file has no lesion of the target was read and has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from audit.cases.images import read_checked
from audit.cases.loading import declared_files
from audit.cases.manifest import ValidationSet
from audit.cases.matching import is_one_of
from audit.places import GEOMETRY, Places, is_places_file, read_places
from audit.plan import Target
from audit.records import BadInput
from audit.tables import LESIONS

WEIGHT_ERROR = 1e-6


def lesions_table(cases: ValidationSet, targets: Mapping[str, Target]) -> pd.DataFrame:
    """LESIONS of every detection target.

    Lesions are numbered as their file lists them; without weights those of a case share its weight equally. Raises
    ``BadInput`` where a case's file does not speak of it, where boxes are needed and points given, where a distance
    in mm is asked for and the manifest has no spacing, and for weights that do not add up to 1.
    """
    parts = [_of_target(cases, name, target) for name, target in targets.items() if target.task == "detection"]
    found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(LESIONS.columns))
    return LESIONS.conform(found)


def lesion_counts(lesions: pd.DataFrame, target: str) -> dict[str, int]:
    """Number of lesions of ``target`` by case, for cases that have any."""
    mine = lesions[lesions["target"] == target]
    return {str(case): int(n) for case, n in mine["case_id"].value_counts().items()}


def _of_target(cases: ValidationSet, name: str, target: Target) -> pd.DataFrame:
    known = frozenset(cases.cases["case_id"].astype(str))

    @lru_cache(maxsize=64)
    def stored(path: Path, digest: str) -> Places:
        if not is_places_file(path.name):
            raise BadInput(
                f"target '{name}': column '{target.reference}' names {path.name}; lesions are read from .csv, "
                ".parquet or COCO .json files."
            )
        return read_places(read_checked(path, digest), path.name, known)

    parts = list(_by_case(declared_files(cases, target.reference), stored, target, name))
    found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["case_id", "weight", *GEOMETRY])
    _refuse_unfit(found, target, name)
    _refuse_unspaced(cases.cases, target, name)
    return found.assign(target=name)


def _by_case(
    files: Mapping[str, tuple[Path, str]], stored: Callable[[Path, str], Places], target: Target, name: str
) -> Iterator[pd.DataFrame]:
    groups: dict[tuple[Path, str], dict[str, pd.DataFrame]] = {}
    for case, file in files.items():
        places = stored(*file)
        if case not in places.cases:
            raise BadInput(
                f"target '{name}': {file[0].name} does not speak of case {case}, whose lesions it should hold; add a "
                "row (for a case without lesions its case_id alone), or leave the manifest's cell blank if it was "
                "not read."
            )
        if file not in groups:
            rows = _wanted(places, target)
            groups[file] = {str(key): part for key, part in rows.groupby("case_id")}
        if case in groups[file]:
            yield _numbered(groups[file][case], f"target '{name}', {file[0].name}, case {case}")


def _wanted(places: Places, target: Target) -> pd.DataFrame:
    if "positive" not in target.model_fields_set:
        return places.rows
    return places.rows[is_one_of(places.rows["label"], target.positive).to_numpy(dtype=bool, na_value=False)]


def _numbered(rows: pd.DataFrame, where: str) -> pd.DataFrame:
    weight = rows["weight"].to_numpy(dtype=np.float64)
    if np.isnan(weight).all():
        weight = np.full(len(rows), 1.0 / len(rows))
    if not abs(float(weight.sum()) - 1) <= WEIGHT_ERROR:
        raise BadInput(f"{where}: the weights of its lesions add up to {weight.sum():g}; they must add up to 1.")
    return rows[["case_id", *GEOMETRY]].assign(lesion=np.arange(1, len(rows) + 1), weight=weight)


def _refuse_unfit(lesions: pd.DataFrame, target: Target, name: str) -> None:
    assert target.localisation is not None
    points = lesions["width"].isna()
    if target.localisation.rule != "distance" and bool(points.any()):
        case = lesions["case_id"][points].iloc[0]
        raise BadInput(
            f"target '{name}': localisation rule '{target.localisation.rule}' needs boxes, and case {case} has a "
            "lesion given as a point; use rule 'distance'."
        )


def _refuse_unspaced(cases: pd.DataFrame, target: Target, name: str) -> None:
    assert target.localisation is not None
    if target.localisation.rule != "distance" or target.localisation.unit != "mm":
        return
    lacking = cases["case_id"] if "spacing_mm" not in cases else cases["case_id"][cases["spacing_mm"].isna()]
    if len(lacking):
        raise BadInput(
            f"target '{name}': a distance in mm needs the manifest's 'spacing_mm', which case {lacking.iloc[0]} lacks "
            f"({len(lacking)} in all); add it or give the distance in pixels ('unit: pixels')."
        )
