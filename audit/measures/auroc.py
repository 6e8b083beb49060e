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
from audit.statistics.roc_clustered import paired_auroc_difference
from audit.statistics.roc_score import auroc_difference_of_groups, auroc_over_patients, flat
from audit.statistics.roc_sums import PatientSums, patient_sums


@dataclass(frozen=True, slots=True)
class _Auroc:
    """Ties count 1/2. The interval: ``statistics.roc_score.auroc_over_patients``.

    The change between versions takes DeLong's paired variance (Obuchowski's where a patient has several cases), a
    contrast of groups is linearised over patients.
    """

    analytic: ClassVar[bool] = True
    analytic_differences: ClassVar[tuple[str, ...]] = ("separate", "contrast", "change")
    shortcut: ClassVar[str] = ""
    fewest_patients: ClassVar[int] = 0

    def point(self, rows: Rows) -> float | Undefined:
        return _named(auroc(rows.columns["score"], rows.columns["reference"]))

    def interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None:
        return self.both(rows, confidence)[1]

    def both(self, rows: Rows, confidence: float) -> Both:
        sums = _sums(rows)
        if isinstance(sums, Undefined):
            return self.point(rows), sums
        if sums.labels.size < 2:
            return float(sums.value[0]), Undefined("the variance over patients needs at least two patients with cases")
        return float(sums.value[0]), auroc_over_patients(sums, confidence)

    def goal_interval(self, rows: Rows, confidence: float) -> Interval | Undefined | None:
        return self.interval(rows, confidence)

    def difference(self, first: Rows, second: Rows, confidence: float, paired: bool) -> Interval | Undefined:
        """Of two versions on the same cases (``paired``), or of two groups, which may share patients."""
        return _change(first, second, confidence) if paired else _contrast(first, second, confidence)

    def varies(self, rows: Rows) -> bool:
        sums = _sums(rows)
        return isinstance(sums, Undefined) or not flat(sums)

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


def _sums(rows: Rows) -> PatientSums | Undefined:
    return patient_sums((rows.columns["score"],), rows.columns["reference"], rows.patient)


def _change(first: Rows, second: Rows, confidence: float) -> Interval | Undefined:
    scores = first.columns["score"], second.columns["score"]
    found = paired_auroc_difference(*scores, first.columns["reference"], first.patient, confidence)
    return found if isinstance(found, Undefined) else found.interval


def _contrast(first: Rows, second: Rows, confidence: float) -> Interval | Undefined:
    one, other = _sums(first), _sums(second)
    if isinstance(one, Undefined) or isinstance(other, Undefined):
        return one if isinstance(one, Undefined) else Undefined("a group lacks a class")
    n_patients = 1 + max(int(rows.patient.max()) for rows in (first, second))
    return auroc_difference_of_groups(one, other, n_patients, confidence)


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
    by_rank=True,
    dual="auroc",
)
