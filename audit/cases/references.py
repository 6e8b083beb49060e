"""The reference standard of each case and target, as REFERENCES."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from audit.cases.facts import ReferenceReadings
from audit.cases.lesions import lesion_counts
from audit.cases.manifest import digest_column
from audit.cases.matching import is_one_of
from audit.plan import Target
from audit.records import BadInput, BoolArray
from audit.tables import REFERENCES

READER = "reference"


def references_table(
    cases: pd.DataFrame,
    targets: Mapping[str, Target],
    readings: Mapping[str, ReferenceReadings] = MappingProxyType({}),
    lesions: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """One row per target and case: ``value`` 0 or 1 for classification and triage, the number for measurement, the
    grade for ordinal; ``artifact`` (mask file) for segmentation; both for detection: the number of ``lesions``
    (LESIONS) and the file they stand in.

    A blank cell is a missing reference. Without ``positive`` in the plan only 0 and 1 are accepted, so that a third
    level can never become negative unnoticed; with it, every level not named is negative. Where the target's reference
    is one of ``readings``, each reader's own reading follows as a row under that reader's name.
    """
    parts = [part for name, target in targets.items() for part in _of_target(cases, name, target, readings, lesions)]
    return REFERENCES.conform(pd.concat(parts, ignore_index=True))


def combined_only(references: pd.DataFrame) -> pd.DataFrame:
    """The rows of the combined reading, which results are computed from."""
    return references[references["reader"] == READER]


def _of_target(
    cases: pd.DataFrame,
    name: str,
    target: Target,
    readings: Mapping[str, ReferenceReadings],
    lesions: pd.DataFrame | None,
) -> Iterator[pd.DataFrame]:
    if target.reference not in cases:
        known = [str(column) for column in cases.columns if not str(column).startswith("stratum:")]
        raise BadInput(
            f"target '{name}': the manifest has no column '{target.reference}' for its reference standard; columns: "
            f"{', '.join(known[:25])}{', ...' if len(known) > 25 else ''}. Correct 'reference' in the plan."
        )
    rows = pd.DataFrame({"case_id": cases["case_id"], "target": name, "reader": READER, "value": pd.NA})
    rows["artifact"] = pd.NA
    if target.task == "segmentation":
        yield rows.assign(artifact=_files(cases, name, target, "reference masks"))
        return
    if target.task == "detection":
        files = _files(cases, name, target, "files of lesions")
        counted = _counts(rows["case_id"], files, {} if lesions is None else lesion_counts(lesions, name))
        yield rows.assign(artifact=files, value=counted)
        return
    yield rows.assign(value=_values(cases, target.reference, name, target))
    if target.reference in readings:
        for reader, column in readings[target.reference].readers.items():
            yield rows.assign(reader=reader, value=_values(cases, column, name, target))


def _values(cases: pd.DataFrame, column: str, name: str, target: Target) -> pd.Series:
    if target.task == "measurement":
        return _numbers(cases, column, name)
    if target.task == "ordinal":
        return _grades(cases, column, name, target)
    return _flags(cases, column, name, target)


def _counts(case_ids: pd.Series, files: pd.Series, lesions: Mapping[str, int]) -> pd.Series:
    counted = case_ids.astype(str).map(lambda case: lesions.get(case, 0)).astype("Float64")
    return counted.mask(files.isna(), pd.NA)


def _files(cases: pd.DataFrame, name: str, target: Target, what: str) -> pd.Series:
    beside = digest_column(target.reference)
    if beside not in cases:
        raise BadInput(
            f"target '{name}': column '{target.reference}' names {what}, but the manifest has no column "
            f"'{beside}' with their SHA-256; add it."
        )
    return cases[target.reference].astype("string")


def _numbers(cases: pd.DataFrame, column: str, name: str) -> pd.Series:
    text = cases[column].astype("string").str.strip()
    values = pd.to_numeric(text, errors="coerce").astype("Float64")
    finite = np.isfinite(values.to_numpy(dtype=np.float64, na_value=np.nan))
    _refuse_first(cases, column, name, ~finite & text.fillna("").ne("").to_numpy(dtype=bool), "a number")
    return values.where(finite, pd.NA)


def _grades(cases: pd.DataFrame, column: str, name: str, target: Target) -> pd.Series:
    found = pd.Series(pd.NA, index=cases.index, dtype="Float64")
    for grade, number in zip(target.grades, target.grade_numbers, strict=True):
        found = found.mask(is_one_of(cases[column], (grade,)).fillna(False).astype(bool), number)
    filled = cases[column].astype("string").str.strip().fillna("").ne("")
    listed = ", ".join(map(str, target.grades))
    _refuse_first(cases, column, name, (found.isna() & filled).to_numpy(dtype=bool), f"one of the grades {listed}")
    return found


def _refuse_first(cases: pd.DataFrame, column: str, name: str, bad: BoolArray, expected: str) -> None:
    if bad.any():
        row = int(bad.argmax())
        raise BadInput(
            f"target '{name}': column '{column}' holds '{cases[column].iloc[row]}' in row {row + 1} (case "
            f"{cases['case_id'].iloc[row]}); expected {expected}; leave the cell empty where nothing was read."
        )


def _flags(cases: pd.DataFrame, column: str, name: str, target: Target) -> pd.Series:
    values = cases[column]
    if "positive" in target.model_fields_set:
        return is_one_of(values, target.positive).astype("Int64").astype("Float64")
    known = (is_one_of(values, (0, 1, False, True)) | values.isna()).to_numpy(dtype=bool, na_value=True)
    if not known.all():
        row = int((~known).argmax())
        raise BadInput(
            f"target '{name}': column '{column}' holds '{values.iloc[row]}' in row {row + 1} (case "
            f"{cases['case_id'].iloc[row]}); expected 0 or 1, or name the positive levels under 'positive' in the plan."
        )
    return is_one_of(values, (1, True)).astype("Int64").astype("Float64")
