"""What several measures at the operating point share: their columns, rates of right and wrong calls, the table."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from audit.measures.counting import NEGATIVES, POSITIVES, one_case_per_patient
from audit.measures.ratio import Proportion
from audit.measures.totals import cells
from audit.records import FloatArray, Interval, Rows, Undefined
from audit.statistics.diagnostic_table import DiagnosticTable

COLUMNS = ("reference", "decision")
FromTable = Callable[[DiagnosticTable, float], Interval | Undefined]


def _of_class(cell: int, positive: bool) -> Callable[[Rows], tuple[FloatArray, FloatArray]]:
    def per_case(rows: Rows) -> tuple[FloatArray, FloatArray]:
        reference = rows.columns["reference"]
        return cells(rows)[:, cell], reference if positive else 1.0 - reference

    return per_case


HIT_RATE = Proportion(_of_class(0, True), POSITIVES)
MISS_RATE = Proportion(_of_class(1, True), POSITIVES)
FALSE_ALARM_RATE = Proportion(_of_class(2, False), NEGATIVES)
CLEARED_RATE = Proportion(_of_class(3, False), NEGATIVES)


def table_limits(quantity: FromTable) -> Callable[[Rows, float], Interval | Undefined | None]:
    """The interval of a quantity of the two-by-two table where every patient has one case.

    None where patients have several cases and the linearised interval answers; undefined where besides a cell is 0.
    """

    def limits(rows: Rows, confidence: float) -> Interval | Undefined | None:
        tp, fn, fp, tn = (round(total) for total in cells(rows).sum(axis=0))
        if not one_case_per_patient(rows):
            zero = min(tp, fn, fp, tn) == 0
            return Undefined("a cell of the table is 0 and patients have several cases") if zero else None
        return quantity(DiagnosticTable(tp, fp, fn, tn), confidence)

    return limits


def agreeing(rows: Rows) -> tuple[FloatArray, FloatArray]:
    """Of cases that are positive for device or reference, those positive for both (Jaccard)."""
    counts = cells(rows)
    return counts[:, 0], np.asarray(counts[:, :3].sum(axis=1))
