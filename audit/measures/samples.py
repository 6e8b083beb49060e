"""OBSERVATIONS and DISPOSITIONS -> arrays in one fixed order of cases, shared by every version, group and measure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from audit.records import BadInput, BoolArray, FloatArray, IntArray, Rows
from audit.tables import OBSERVATIONS, REAL

UNUSABLE = ("failed", "rejected", "equivocal")
CASE = "case"
COLUMNS = tuple(name for name, column in OBSERVATIONS.columns.items() if column.dtype == REAL)
LESION_RATING, LESION_WEIGHT, FALSE_RATING = "lesion_rating", "lesion_weight", "false_rating"
SEVERAL = (LESION_RATING, LESION_WEIGHT, FALSE_RATING)
"""Columns with a second axis: ratings and weights of a case's lesions (minus infinity: not hit), of its false marks."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One version and target over all cases: ``rows`` in case order, which are ``analysed``, which had no usable
    output.

    The column ``CASE`` of ``rows`` holds each case's place in the order.
    """

    rows: Rows
    analysed: BoolArray
    failed: BoolArray


@dataclass(frozen=True, slots=True)
class Order:
    """Cases sorted by patient and case id, with dense patient indices 0..P-1; results do not depend on the
    manifest's order.
    """

    case_ids: pd.Index
    patient: IntArray
    patient_ids: pd.Index

    @property
    def n_patients(self) -> int:
        return int(self.patient.max()) + 1 if self.patient.size else 0


def case_order(cases: pd.DataFrame, dispositions: pd.DataFrame) -> Order:
    """The order of all cases that are not excluded everywhere."""
    kept = dispositions.loc[dispositions["fate"] != "excluded", "case_id"].unique()
    found = cases.loc[cases["case_id"].isin(kept), ["patient_id", "case_id"]].astype(str)
    found = found.sort_values(["patient_id", "case_id"], kind="stable")
    return order_of(found)


def order_of(cases: pd.DataFrame) -> Order:
    """The order of cases that are sorted by patient and case id already."""
    ids, patient = np.unique(cases["patient_id"].astype(str).to_numpy(dtype=object), return_inverse=True)
    return Order(pd.Index(cases["case_id"].astype(str)), patient.astype(np.int64), pd.Index(ids))


def samples(
    order: Order,
    observations: pd.DataFrame,
    dispositions: pd.DataFrame,
    localisations: pd.DataFrame | None = None,
) -> Mapping[tuple[str, str], Sample]:
    """(version, target) -> sample. Without ``localisations`` no case has lesions or marks.

    Raises ``BadInput`` where an observation has no disposition or a case occurs twice.
    """
    marked = {} if localisations is None else _by_version(order, localisations)
    fates = {key: part for key, part in dispositions.groupby(["version", "target"], sort=False)}
    out: dict[tuple[str, str], Sample] = {}
    for key, part in OBSERVATIONS.conform(observations).groupby(["version", "target"], sort=False):
        if key not in fates:
            raise BadInput(
                f"observations of '{key[0]}', target '{key[1]}' have no dispositions; write both tables in one run."
            )
        several = marked.get(key) or _no_marks(order)
        out[str(key[0]), str(key[1])] = _sample(order, part, fates[key], several, f"'{key[0]}', target '{key[1]}'")
    return out


def no_sample(order: Order) -> Sample:
    """A version that observed nothing."""
    nothing = np.zeros(order.patient.size, dtype=np.bool_)
    empty = {name: np.full(order.patient.size, np.nan) for name in COLUMNS}
    return Sample(Rows(order.patient, {**empty, **_no_marks(order), CASE: _places(order)}), nothing, nothing)


def _sample(
    order: Order, observed: pd.DataFrame, fates: pd.DataFrame, several: Mapping[str, FloatArray], where: str
) -> Sample:
    rows, fate = _indexed(observed, order, where), _indexed(fates, order, where)["fate"].astype("string")
    absent = np.full(order.patient.size, np.nan)
    read = {name: _numbers(rows[name]) if name in rows else absent for name in COLUMNS}
    columns = {**read, **several, CASE: _places(order)}
    analysed = (fate == "analysed").to_numpy(dtype=bool, na_value=False)
    failed = fate.isin(UNUSABLE).to_numpy(dtype=bool, na_value=False)
    return Sample(Rows(order.patient, columns), analysed, failed)


def _by_version(order: Order, localisations: pd.DataFrame) -> dict[Any, dict[str, FloatArray]]:
    groups = localisations.groupby(["version", "target"], sort=False)
    return {key: _several(order, part) for key, part in groups}


def _several(order: Order, found: pd.DataFrame) -> dict[str, FloatArray]:
    """Lesions in the order of their numbers, false marks by falling rating."""
    lesions = found[found["outcome"].isin(("hit", "missed", "unprocessed"))].sort_values(["case_id", "lesion"])
    false = found[found["outcome"] == "false"].sort_values(["case_id", "rating"], ascending=[True, False])
    rating = lesions["rating"].to_numpy(dtype=np.float64, na_value=-np.inf)
    return {
        LESION_RATING: _padded(order, lesions["case_id"], rating),
        LESION_WEIGHT: _padded(order, lesions["case_id"], _numbers(lesions["weight"])),
        FALSE_RATING: _padded(order, false["case_id"], _numbers(false["rating"])),
    }


def _padded(order: Order, case_ids: pd.Series, values: FloatArray) -> FloatArray:
    """Values of sorted cases, one row per case of the order; cases that are not in the order are left out."""
    rows = order.case_ids.get_indexer(pd.Index(case_ids.astype(str)))
    rank = case_ids.groupby(case_ids, sort=False).cumcount().to_numpy(dtype=np.int64)
    out = np.full((order.patient.size, int(rank.max(initial=-1)) + 1), np.nan)
    known = rows >= 0
    out[rows[known], rank[known]] = values[known]
    return out


def _no_marks(order: Order) -> dict[str, FloatArray]:
    return {name: np.full((order.patient.size, 0), np.nan) for name in SEVERAL}


def _indexed(frame: pd.DataFrame, order: Order, where: str) -> pd.DataFrame:
    indexed = frame.set_index(frame["case_id"].astype(str))
    if indexed.index.has_duplicates:
        twice = indexed.index[indexed.index.duplicated()][0]
        raise BadInput(f"{where}: case {twice} occurs more than once; each case may have one row.")
    return indexed.reindex(order.case_ids)


def _places(order: Order) -> FloatArray:
    return np.arange(order.patient.size, dtype=np.float64)


def _numbers(values: pd.Series) -> FloatArray:
    return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))
