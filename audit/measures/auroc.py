"""Area under the ROC curve: the probability that a reference-positive case scores above a reference-negative one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from audit.measures.counting import class_sizes
from audit.measures.measure import Both, Counts, Measure
from audit.measures.worst_cases import wrong_order
from audit.records import BoolArray, FloatArray, Interval, Rows, Undefined
from audit.statistics.resampling import COMPILE_FROM, auroc_replicates
from audit.statistics.roc import auroc
from audit.statistics.roc_clustered import auroc_covariance, clustered_auroc, paired_auroc_difference

SMALLEST_VARIANCE = 1e-15


@dataclass(frozen=True, slots=True)
class _Auroc:
    """DeLong's interval on the logit scale; Obuchowski's where a patient has several cases. Ties count 1/2.

    The change between versions takes their paired variance, a contrast of groups that share patients the resamples.
    """

    analytic: ClassVar[bool] = True
    analytic_differences: ClassVar[tuple[str, ...]] = ("change",)
    shortcut: ClassVar[str] = ""
    fewest_patients: ClassVar[int] = 0

    def point(self, rows: Rows) -> float | Undefined:
        return _named(auroc(rows.columns["score"], rows.columns["reference"]))

    def interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None:
        return self.both(rows, confidence)[1]

    def both(self, rows: Rows, confidence: float) -> Both:
        found = clustered_auroc(rows.columns["score"], rows.columns["reference"], rows.patient, confidence)
        if isinstance(found, Undefined):
            return self.point(rows), found
        return found.value, found.interval

    def goal_interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None:
        return self.interval(rows, confidence)

    def difference(self, first: Rows, second: Rows, confidence: float, paired: bool) -> Interval | Undefined:  # noqa: ARG002
        """Of two versions on the same cases."""
        scores = first.columns["score"], second.columns["score"]
        found = paired_auroc_difference(*scores, first.columns["reference"], first.patient, confidence)
        return found if isinstance(found, Undefined) else found.interval

    def varies(self, rows: Rows) -> bool:
        found = auroc_covariance((rows.columns["score"],), rows.columns["reference"], rows.patient)
        return isinstance(found, Undefined) or bool(found[0, 0] > SMALLEST_VARIANCE)

    def replicates_of_many(self, asked: Sequence[Rows], counts: Counts) -> list[FloatArray]:
        compiled = sum(map(len, asked)) * len(counts) >= COMPILE_FROM
        return [
            auroc_replicates(counts, rows.patient, rows.columns["score"], rows.columns["reference"], compiled)
            for rows in asked
        ]

    def denominators(self, rows: Rows) -> dict[str, int]:
        return class_sizes(rows)

    def contributes(self, rows: Rows) -> BoolArray:
        return np.ones(len(rows), dtype=np.bool_)


def _named(value: float | Undefined) -> float | Undefined:
    if isinstance(value, Undefined):
        return Undefined(
            value.reason.replace("no positive", "no reference-positive").replace("no neg", "no reference-neg")
        )
    return value


ENTRY = Measure(
    name="auroc",
    title="AUROC",
    unit="probability",
    low=0.0,
    high=1.0,
    direction="higher",
    tasks=("classification",),
    columns=("score", "reference"),
    source="DeLong et al., Biometrics 1988;44:837; Obuchowski, Biometrics 1997;53:567",
    estimator=_Auroc(),
    worst_case=wrong_order,
)
