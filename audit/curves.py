"""Curves of an audit as a table: one row per operating point, for the versions on the whole set.

Single quantities read off a curve, with their intervals, stand in ESTIMATES.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from audit.measures.marked import COLUMNS, marks_of
from audit.measures.measure import complete_cases
from audit.measures.samples import Sample, case_order, samples
from audit.plan import Plan
from audit.records import Undefined
from audit.statistics.froc import froc_curve
from audit.tables import CURVES

FROC = "froc"


def curves(
    plan: Plan,
    cases: pd.DataFrame,
    observations: pd.DataFrame,
    dispositions: pd.DataFrame,
    localisations: pd.DataFrame,
) -> pd.DataFrame:
    """CURVES: the FROC curve of every version and detection target; none where the set has no lesion."""
    found = samples(case_order(cases, dispositions), observations, dispositions, localisations)
    rows: list[dict[str, Any]] = []
    for version in plan.versions:
        for name, target in plan.targets.items():
            if target.task == "detection" and (version, name) in found:
                rows += [{"version": version, "target": name, **point} for point in _froc(found[version, name])]
    return CURVES.conform(pd.DataFrame(rows, columns=list(CURVES.columns)))


def _froc(sample: Sample) -> Iterator[dict[str, Any]]:
    rows = sample.rows
    curve = froc_curve(marks_of(rows.where(sample.analysed & complete_cases(rows, COLUMNS))))
    if isinstance(curve, Undefined):
        return
    points = zip(curve.rating, curve.false_positives_per_case, curve.lesion_sensitivity, strict=True)
    for number, (rating, false, found) in enumerate(points):
        threshold = rating if np.isfinite(rating) else None
        yield {"curve": FROC, "point": number, "threshold": threshold, "x": false, "y": found}
