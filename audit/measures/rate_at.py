"""One rate where the other is fixed by the plan: read off the empirical ROC curve of these very cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audit.measures.counting import class_sizes
from audit.measures.measure import Counts, Measure
from audit.measures.resampled_only import ResampledOnly
from audit.measures.smooth import lacking_class
from audit.measures.worst_cases import wrong_order
from audit.records import FloatArray, Rows, Undefined
from audit.statistics.roc_at import rate_replicates
from audit.statistics.roc_partial import (
    Focus,
    roc_curve,
    sensitivity_at_specificity,
    specificity_at_sensitivity,
)

READ_OFF = {"specificity": sensitivity_at_specificity, "sensitivity": specificity_at_sensitivity}
SOURCE = "Platt et al., Stat Med 2000;19:313"


@dataclass(frozen=True, slots=True)
class RateAt(ResampledOnly):
    """The rate beside ``focus``, which is fixed at ``at``: linear interpolation between observed operating points.

    The threshold comes from the cases themselves, so that no interval of a proportion holds; the patient bootstrap
    carries that variance. Undefined when a class is empty.
    """

    focus: Focus
    at: float

    def point(self, rows: Rows) -> float | Undefined:
        missing = lacking_class(rows)
        if missing is not None:
            return missing
        curve = roc_curve(rows.columns["score"], rows.columns["reference"])
        return curve if isinstance(curve, Undefined) else READ_OFF[self.focus](curve, self.at)

    def replicates_of_many(self, asked: Sequence[Rows], counts: Counts) -> list[FloatArray]:
        return [
            rate_replicates(counts, rows.patient, rows.columns["score"], rows.columns["reference"], self.at, self.focus)
            for rows in asked
        ]

    def denominators(self, rows: Rows) -> dict[str, int]:
        return class_sizes(rows)


def rate_at(name: str, title: str, agreement: str, focus: Focus, at: float) -> Measure:
    """The measure of one rate with the other fixed at ``at``."""
    return Measure(
        name=name,
        title=title,
        unit="proportion",
        low=0.0,
        high=1.0,
        direction="higher",
        tasks=("classification",),
        columns=("score", "reference"),
        source=SOURCE,
        estimator=RateAt(focus, at),
        worst_case=wrong_order,
        by_rank=True,
        agreement_title=agreement,
    )
