"""The reference standard of each case and target, as REFERENCES."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from audit.cases.manifest import digest_column
from audit.cases.matching import is_one_of
from audit.plan import Target
from audit.records import BadInput
from audit.tables import REFERENCES

READER = "reference"


def references_table(cases: pd.DataFrame, targets: Mapping[str, Target]) -> pd.DataFrame:
    """One row per target and case: ``value`` 0 or 1 for classification, ``artifact`` (mask file) for segmentation.

    A blank cell is a missing reference. Without ``positive`` in the plan only 0 and 1 are accepted, so that a third
    level can never become negative unnoticed; with it, every level not named is negative.
    """
    parts = [_of_target(cases, name, target) for name, target in targets.items()]
    return REFERENCES.conform(pd.concat(parts, ignore_index=True))


def _of_target(cases: pd.DataFrame, name: str, target: Target) -> pd.DataFrame:
    if target.reference not in cases:
        known = [str(column) for column in cases.columns if not str(column).startswith("stratum:")]
        raise BadInput(
            f"target '{name}': the manifest has no column '{target.reference}' for its reference standard; columns: "
            f"{', '.join(known[:25])}{', ...' if len(known) > 25 else ''}. Correct 'reference' in the plan."
        )
    rows = pd.DataFrame({"case_id": cases["case_id"], "target": name, "reader": READER})
    if target.task == "segmentation":
        rows["value"], rows["artifact"] = pd.NA, _mask_files(cases, name, target)
    else:
        rows["value"], rows["artifact"] = _flags(cases, name, target), pd.NA
    return rows


def _mask_files(cases: pd.DataFrame, name: str, target: Target) -> pd.Series:
    beside = digest_column(target.reference)
    if beside not in cases:
        raise BadInput(
            f"target '{name}': column '{target.reference}' names reference masks, but the manifest has no column "
            f"'{beside}' with their SHA-256; add it."
        )
    return cases[target.reference].astype("string")


def _flags(cases: pd.DataFrame, name: str, target: Target) -> pd.Series:
    values = cases[target.reference]
    if "positive" in target.model_fields_set:
        return is_one_of(values, target.positive).astype("Int64").astype("Float64")
    known = (is_one_of(values, (0, 1, False, True)) | values.isna()).to_numpy(dtype=bool, na_value=True)
    if not known.all():
        row = int((~known).argmax())
        raise BadInput(
            f"target '{name}': column '{target.reference}' holds '{values.iloc[row]}' in row {row + 1} (case "
            f"{cases['case_id'].iloc[row]}); expected 0 or 1, or name the positive levels under 'positive' in the plan."
        )
    return is_one_of(values, (1, True)).astype("Int64").astype("Float64")
