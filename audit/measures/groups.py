"""The groups that a plan declares: everything, every level of every stratum, every cell of every intersection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.measures.samples import Order
from audit.plan import Plan, Stratum
from audit.records import BoolArray
from audit.tables import ALL, OVERALL, UNKNOWN, stratum_column

JOIN = " & "


@dataclass(frozen=True, slots=True)
class Group:
    """A level of an attribute: ``members`` (bool, one entry per case of the order), ``baseline`` level where
    declared.
    """

    attribute: str
    level: str
    baseline: str | None
    members: BoolArray

    @property
    def intersection(self) -> bool:
        return JOIN in self.attribute


def declared_groups(plan: Plan, cases: pd.DataFrame, order: Order) -> list[Group]:
    """Overall first, then strata and intersections in the plan's order; groups without cases are kept.

    Cells that involve 'unknown' appear only where they hold cases. A cell's baseline is the cell of the baselines.
    """
    every = {name: _levels_by_case(cases, name) for name in plan.strata}
    orders = {name: level_order(every[name].unique(), stratum) for name, stratum in plan.strata.items()}
    levels = {name: found.reindex(order.case_ids).to_numpy(dtype=object) for name, found in every.items()}
    groups = [Group(OVERALL, ALL, None, np.ones(order.patient.size, dtype=np.bool_))]
    for name, stratum in plan.strata.items():
        groups += [Group(name, level, stratum.baseline, levels[name] == level) for level in orders[name]]
    for names in plan.intersections:
        groups += _cells(plan, names, [levels[name] for name in names], [orders[name] for name in names])
    return groups


def level_order(levels: Iterable[Any], stratum: Stratum) -> list[str]:
    """Declared bands from low to high, other levels by name, 'unknown' last where it occurs."""
    present = {str(level) for level in levels}
    bands = list(stratum.bands)
    others = sorted(present - set(bands) - {UNKNOWN})
    return [*bands, *others, *([UNKNOWN] if UNKNOWN in present else [])]


def _levels_by_case(cases: pd.DataFrame, name: str) -> pd.Series:
    return cases.set_index(cases["case_id"].astype(str))[stratum_column(name)].astype("string").fillna(UNKNOWN)


def _cells(
    plan: Plan, names: Sequence[str], levels: Sequence[NDArray[Any]], orders: Sequence[list[str]]
) -> list[Group]:
    baselines = [plan.strata[name].baseline for name in names]
    baseline = JOIN.join(b for b in baselines if b is not None) if None not in baselines else None
    cells = []
    for combination in product(*orders):
        members = np.logical_and.reduce([found == level for found, level in zip(levels, combination, strict=True)])
        if members.any() or UNKNOWN not in combination:
            cells.append(Group(JOIN.join(names), JOIN.join(combination), baseline, members))
    return cells
