"""Measures that are a sum over cases divided by a sum over cases: rates and means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from audit.measures.counting import one_case_per_patient, sizes
from audit.measures.measure import Both, Counts
from audit.records import BoolArray, FloatArray, Interval, Rows, Undefined
from audit.statistics.clusters import clustered_proportion
from audit.statistics.proportions import clopper_pearson
from audit.statistics.resampling import ratio_replicates, sums_by_patient

PerCase = Callable[[Rows], tuple[FloatArray, FloatArray]]


def _nothing_wrong(_rows: Rows) -> Undefined | None:
    return None


@dataclass(frozen=True, slots=True)
class Mean:
    """Sum of numerators over sum of denominators; ``per_case`` gives both, one entry per case.

    ``counted`` names the denominator ('reference-positive cases'). ``problem`` may refuse rows for which the quantity
    has no meaning. Undefined when the denominator is 0; the interval comes from the patient bootstrap.
    """

    per_case: PerCase
    counted: str
    problem: Callable[[Rows], Undefined | None] = _nothing_wrong
    analytic: ClassVar[bool] = False
    shortcut: ClassVar[str] = ""

    def point(self, rows: Rows) -> float | Undefined:
        return self.problem(rows) or _ratio(*self.per_case(rows), self.counted)

    def interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None:  # noqa: ARG002
        return None

    def both(self, rows: Rows, confidence: float) -> Both:
        return self.point(rows), self.interval(rows, confidence)

    def goal_interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None:
        return self.interval(rows, confidence)

    def replicates_of_many(self, asked: Sequence[Rows], counts: Counts) -> list[FloatArray]:
        """Replicates for several sets of rows from one product with the resample counts."""
        sums = [sums_by_patient(np.column_stack(self.per_case(rows)), rows.patient, counts.shape[1]) for rows in asked]
        top, bottom = (np.column_stack([each[:, i] for each in sums]) for i in (0, 1))
        refused = [self.problem(rows) is not None for rows in asked]
        found = np.where(refused, np.nan, ratio_replicates(counts, top, bottom))
        return [np.ascontiguousarray(column) for column in found.T]

    def denominators(self, rows: Rows) -> dict[str, int]:
        return sizes(rows, self.contributes(rows), self.counted)

    def contributes(self, rows: Rows) -> BoolArray:
        return np.asarray(self.per_case(rows)[1] > 0)


@dataclass(frozen=True, slots=True)
class Proportion(Mean):
    """A ``Mean`` of events (0 or 1 per counted case) with an interval over patients.

    Wilson where every patient has one counted case, else the ratio estimator on the logit scale with Student's t
    (``statistics.clusters``). Against a pass mark Clopper-Pearson, whose coverage never falls below the nominal one,
    where every patient has one counted case.
    """

    analytic: ClassVar[bool] = True

    def interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None:
        patients = np.unique(rows.patient, return_inverse=True)[1]
        sums = sums_by_patient(np.column_stack(self.per_case(rows)), patients, rows.n_patients)
        found = clustered_proportion(sums[:, 0], sums[:, 1], confidence)
        return found if isinstance(found, Undefined) else found.interval

    def goal_interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None:
        counted = rows.where(self.contributes(rows))
        if not one_case_per_patient(counted):
            return self.interval(rows, confidence)
        events, cases = self.per_case(counted)
        return clopper_pearson(round(float(events.sum())), round(float(cases.sum())), confidence)


def _ratio(numerator: FloatArray, denominator: FloatArray, counted: str) -> float | Undefined:
    total = float(denominator.sum())
    return float(numerator.sum()) / total if total > 0 else Undefined(f"no {counted}")
