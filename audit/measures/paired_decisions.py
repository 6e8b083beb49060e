"""Tango's interval for two versions that decide the same cases (Tango, Stat Med 1998;17:891)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from audit.measures.counting import one_case_per_patient
from audit.measures.measure import Measure
from audit.measures.ratio import Proportion
from audit.records import BoolArray, Interval, Rows, Undefined
from audit.statistics.differences_paired import PairedTable, tango

ON_PATIENTS = "Tango score on patients (no discordant case)"


def paired_decisions(measure: Measure, new: Rows, old: Rows, confidence: float) -> Interval | Undefined | None:
    """Interval of the change of a proportion, ``new`` and ``old`` holding the same cases in the same order.

    None where it does not apply: no proportion, another denominator in each version (predictive values), several
    lesions counted in a case, or several cases per patient of which some are discordant. With several cases and none
    discordant it is taken on patients.
    """
    if not isinstance(measure.estimator, Proportion):
        return None
    (hit, counted), (other, other_counted) = measure.estimator.per_case(new), measure.estimator.per_case(old)
    if not np.array_equal(counted, other_counted) or (counted > 1).any():
        return None
    rows = measure.contributing(new)
    table = _table(hit[counted > 0] > 0, other[counted > 0] > 0)
    if one_case_per_patient(rows):
        return tango(table, confidence)
    if table.discordant:
        return None
    found = tango(PairedTable(rows.n_patients, 0, 0, 0), confidence)
    return found if isinstance(found, Undefined) else replace(found, method=ON_PATIENTS)


def _table(hit: BoolArray, other: BoolArray) -> PairedTable:
    cells = hit & other, hit & ~other, ~hit & other, ~hit & ~other
    return PairedTable(*(int(cell.sum()) for cell in cells))
