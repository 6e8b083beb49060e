"""Measures that are a sum over cases divided by a sum over cases: rates and means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from audit.measures.counting import class_sizes, one_case_per_patient, sizes
from audit.measures.measure import Both, Counts
from audit.records import BoolArray, FloatArray, Interval, Rows, Undefined
from audit.statistics.bootstrap_t import ratio_pivots
from audit.statistics.checks import t_quantile
from audit.statistics.clusters import clustered_proportion
from audit.statistics.linearised import Sums, linearised_difference, ratio_error
from audit.statistics.proportions import clopper_pearson
from audit.statistics.resampling import ratio_replicates, sums_by_patient

PerCase = Callable[[Rows], tuple[FloatArray, FloatArray]]
OfResamples = Callable[[Counts, FloatArray, FloatArray], FloatArray]


def _nothing_wrong(_rows: Rows) -> Undefined | None:
    return None


FEWEST_FOR_A_MEAN = 30


@dataclass(frozen=True, slots=True)
class Mean:
    """Sum of numerators over sum of denominators; ``per_case`` gives both, one entry per case.

    ``counted`` names the denominator ('reference-positive cases'). ``problem`` may refuse rows for which the quantity
    has no meaning. ``by_class`` says that the rarer class of the reference carries the information, so that both
    classes are denominators too. ``fewest_patients``: below it no interval, since a mean of scores that hangs on rare
    failures cannot be bounded from so few. Undefined when the denominator is 0; the interval is a bootstrap-t over
    patients, that of a difference linearised.
    """

    per_case: PerCase
    counted: str
    problem: Callable[[Rows], Undefined | None] = _nothing_wrong
    by_class: bool = False
    fewest_patients: int = FEWEST_FOR_A_MEAN
    analytic: ClassVar[bool] = False
    analytic_differences: ClassVar[tuple[str, ...]] = ("contrast", "change")
    shortcut: ClassVar[str] = ""

    def point(self, rows: Rows) -> float | Undefined:
        return self.problem(rows) or _ratio(*self.per_case(rows), self.counted)

    def interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None:  # noqa: ARG002
        return None

    def both(self, rows: Rows, confidence: float) -> Both:
        return self.point(rows), self.interval(rows, confidence)

    def goal_interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None:
        return self.interval(rows, confidence)

    def difference(self, first: Rows, second: Rows, confidence: float, paired: bool) -> Interval | Undefined:
        """Interval of first minus second ratio over the patients of both.

        Student's df are those of the rarer class for a change of a mean ``by_class``: its patients carry the change,
        and without a second group there is nothing that their skewness cancels against.
        """
        n_patients = 1 + max(int(rows.patient.max()) for rows in (first, second))
        sums = [self.sums(rows, n_patients) for rows in (first, second)]
        return linearised_difference(sums[0], sums[1], confidence, self._df(first) if paired else None)

    def _df(self, rows: Rows) -> int | None:
        return max(min(class_sizes(rows).values()) - 1, 1) if self.by_class else None

    def error(self, rows: Rows) -> float | Undefined:
        """Linearised standard error over patients; 0 where all patients have the same ratio."""
        return ratio_error(*self.sums(rows, 1 + int(rows.patient.max())))

    def varies(self, rows: Rows) -> bool:
        return self.error(rows) != 0

    def sums(self, rows: Rows, n_patients: int) -> Sums:
        """Numerators and denominators summed within patients 0 to ``n_patients`` - 1."""
        both = sums_by_patient(np.column_stack(self.per_case(rows)), rows.patient, n_patients)
        return both[:, 0], both[:, 1]

    def replicates_of_many(self, asked: Sequence[Rows], counts: Counts) -> list[FloatArray]:
        """Replicates for several sets of rows from one product with the resample counts."""
        return self._of_many(ratio_replicates, asked, counts)

    def pivots_of_many(self, asked: Sequence[Rows], counts: Counts) -> list[FloatArray]:
        """Studentised replicates, likewise (``statistics.bootstrap_t``)."""
        return self._of_many(ratio_pivots, asked, counts)

    def _of_many(self, statistic: OfResamples, asked: Sequence[Rows], counts: Counts) -> list[FloatArray]:
        sums = [self.sums(rows, counts.shape[1]) for rows in asked]
        top, bottom = (np.column_stack([each[i] for each in sums]) for i in (0, 1))
        refused = [self.problem(rows) is not None for rows in asked]
        found = np.where(refused, np.nan, statistic(counts, top, bottom))
        return [np.ascontiguousarray(column) for column in found.T]

    def denominators(self, rows: Rows) -> dict[str, int]:
        own = sizes(rows, self.contributes(rows), self.counted)
        return {**own, **class_sizes(rows)} if self.by_class else own

    def contributes(self, rows: Rows) -> BoolArray:
        return np.asarray(self.per_case(rows)[1] > 0)


@dataclass(frozen=True, slots=True)
class TMean(Mean):
    """A ``Mean`` of quantities that may lie on both sides of zero, with Student's t interval over patients.

    With one case per patient that of Bland & Altman 1986; else the linearised error over patients.
    """

    analytic: ClassVar[bool] = True

    def interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None:
        point, error = self.point(rows), self.error(rows)
        for found in (point, error):
            if isinstance(found, Undefined):
                return found
        if error == 0:
            return Undefined("no patient differs from the others, so the uncertainty cannot be shown")
        assert isinstance(point, float)
        assert isinstance(error, float)
        half = t_quantile(confidence, rows.where(self.contributes(rows)).n_patients - 1) * error
        return Interval(point - half, point + half, "t over patients", confidence)


@dataclass(frozen=True, slots=True)
class Proportion(Mean):
    """A ``Mean`` of events (0 or 1 per counted case) with an interval over patients.

    Wilson where every patient has one counted case, else the ratio estimator on the logit scale with Student's t
    (``statistics.clusters``). Against a pass mark Clopper-Pearson, whose coverage never falls below the nominal one,
    where every patient has one counted case.
    """

    fewest_patients: int = 0
    analytic: ClassVar[bool] = True

    def interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None:
        found = clustered_proportion(*self.sums(rows, 1 + int(rows.patient.max())), confidence)
        return found if isinstance(found, Undefined) else found.interval

    def _df(self, rows: Rows) -> int | None:  # noqa: ARG002
        return None

    def goal_interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None:
        counted = rows.where(self.contributes(rows))
        events, cases = self.per_case(counted)
        if not one_case_per_patient(counted) or (cases > 1).any():
            return self.interval(rows, confidence)
        return clopper_pearson(round(float(events.sum())), round(float(cases.sum())), confidence)


def _ratio(numerator: FloatArray, denominator: FloatArray, counted: str) -> float | Undefined:
    total = float(denominator.sum())
    return float(numerator.sum()) / total if total > 0 else Undefined(f"no {counted}")
