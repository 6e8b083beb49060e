"""Values that single cases have outside OBSERVATIONS (spread of a score, turned decisions), over the plan's groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from audit.analyses.analysis import About, Row, missing, stated
from audit.analyses.study import Study
from audit.measures.groups import Group
from audit.records import BoolArray, FloatArray, Interval, Undefined
from audit.statistics.bootstrap_t import bootstrap_t_interval, ratio_pivots
from audit.statistics.clusters import clustered_proportion
from audit.statistics.differences_paired import PairedTable, tango
from audit.statistics.linearised import linearised_difference, ratio_error
from audit.statistics.resampling import sums_by_patient
from audit.tables import Table

FEWEST_FOR_A_MEAN = 30


@dataclass(frozen=True, slots=True)
class CaseValues:
    """One number per case of the study's order, NaN where a case has none."""

    study: Study
    version: str
    target: str
    values: FloatArray

    @property
    def known(self) -> BoolArray:
        return np.isfinite(self.values)

    def in_group(self, group: Group) -> CaseValues:
        """The same values, NaN outside the group."""
        return CaseValues(self.study, self.version, self.target, np.where(group.members, self.values, np.nan))

    def sums(self) -> tuple[FloatArray, FloatArray]:
        """Sums of the values and numbers of cases with one, by patient."""
        both = np.column_stack([np.where(self.known, self.values, 0.0), self.known])
        found = sums_by_patient(both, self.study.order.patient, self.study.order.n_patients)
        return found[:, 0], found[:, 1]

    def about(self, measure: str, group: Group) -> About:
        """What a row on these values in ``group`` is about."""
        patients = int(np.unique(self.study.order.patient[self.known]).size)
        return About(self.version, self.target, measure, group.attribute, group.level, patients, int(self.known.sum()))


def case_values(study: Study, version: str, target: str, frame: pd.DataFrame, column: str) -> CaseValues:
    """``column`` of ``frame`` (one row per case at most) in the study's order."""
    known = frame[frame[column].notna()]
    found = pd.Series(known[column].to_numpy(dtype=np.float64), index=known["case_id"].astype(str))
    return CaseValues(study, version, target, found.reindex(study.order.case_ids).to_numpy(dtype=np.float64))


def decision_table(study: Study, table: Table) -> pd.DataFrame:
    """A table about single decisions, empty where the audit has none."""
    found = study.decisions.get(table.name)
    return table.conform(pd.DataFrame(columns=list(table.columns))) if found is None else found


def plain_groups(study: Study) -> Iterator[Group]:
    """Everything and every level of every stratum; no intersections."""
    return (group for group in study.groups if not group.intersection)


def share_row(values: CaseValues, measure: str, quantity: str, group: Group, verdict: str | None = None) -> Row:
    """The share of cases with the value 1, with the interval of a proportion over patients.

    Undefined with fewer cases or patients than the plan's ``too_few``.
    """
    mine = values.in_group(group)
    about = mine.about(measure, group)
    few = too_few(mine, about)
    if few is not None:
        return missing(about, quantity, few)
    found = clustered_proportion(*mine.sums(), values.study.plan.confidence)
    if isinstance(found, Undefined):
        return missing(about, quantity, found.reason)
    return stated(about, quantity, found.value, found.interval, verdict=verdict)


def too_few(values: CaseValues, about: About, least: int | None = None) -> str | None:
    """Why so few cases or patients give no value, or None."""
    limit = values.study.plan.too_few if least is None else least
    if about.n_cases < limit:
        return f"fewer than {limit} cases ({about.n_cases})"
    return f"fewer than {limit} patients ({about.n_patients})" if about.n_patients < limit else None


def mean_row(values: CaseValues, measure: str, quantity: str, group: Group, least: int | None = None) -> Row:
    """The mean over cases, bootstrap-t over patients; no interval from fewer than 30 patients.

    Undefined with fewer cases or patients than ``least``, the plan's ``too_few`` where it is not given.
    """
    mine = values.in_group(group)
    about = mine.about(measure, group)
    few = too_few(mine, about, least)
    if few is not None:
        return missing(about, quantity, few)
    top, bottom = mine.sums()
    value = float(top.sum() / bottom.sum())
    if about.n_patients < FEWEST_FOR_A_MEAN:
        return stated(about, quantity, value, undefined=f"no interval from fewer than {FEWEST_FOR_A_MEAN} patients")
    error = ratio_error(top, bottom)
    if isinstance(error, Undefined) or error == 0:
        return stated(about, quantity, value, undefined="no interval: the patients do not vary")
    pivots = ratio_pivots(values.study.counts, top, bottom)[:, 0]
    return stated(about, quantity, value, bootstrap_t_interval(value, error, pivots, values.study.plan.confidence))


def paired_difference(first: CaseValues, second: CaseValues) -> tuple[float, Interval | Undefined]:
    """First minus second mean over the cases that have both, with its interval over patients.

    Of 0 and 1 with one case per patient Tango's score interval, else linearised over patients. Without a difference in
    any case the values do not vary, and the interval is Tango's on patients.
    """
    both = first.known & second.known
    one, other = first.values[both], second.values[both]
    patients = first.study.order.patient[both]
    value = float(one.mean() - other.mean())
    single = np.unique(patients).size == patients.size
    if set(np.unique([one, other])) <= {0.0, 1.0} and (single or np.array_equal(one, other)):
        n = int(np.unique(patients).size)
        cells = [int(((one == a) & (other == b)).sum()) for a, b in ((1, 1), (1, 0), (0, 1), (0, 0))]
        table = PairedTable(*cells) if single else PairedTable(n, 0, 0, 0)
        return value, tango(table, first.study.plan.confidence)
    sums = [replace(each, values=np.where(both, each.values, np.nan)).sums() for each in (first, second)]
    return value, linearised_difference(sums[0], sums[1], first.study.plan.confidence)
