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
from audit.records import IntArray, Undefined
from audit.statistics.froc import froc_curve
from audit.statistics.roc_partial import RocCurve, roc_curve
from audit.tables import CURVES

FROC, ROC = "froc", "roc"
SCORED = ("score", "reference")
STRAIGHT = 1e-15
"""Two steps of one case each in sets of thirty million cases still turn by more than this."""


def has_curves(plan: Plan) -> bool:
    """Whether any target has a curve: scores of a yes-or-no question, or rated marks."""
    return plan.detects or any(target.binary for target in plan.targets.values())


def curves(
    plan: Plan,
    cases: pd.DataFrame,
    observations: pd.DataFrame,
    dispositions: pd.DataFrame,
    localisations: pd.DataFrame | None,
) -> pd.DataFrame:
    """CURVES: the ROC curve of every version and binary target, the FROC curve of every detection target.

    A target has none where the set lacks a class (ROC) or has no lesion (FROC).
    """
    found = samples(case_order(cases, dispositions), observations, dispositions, localisations)
    rows: list[dict[str, Any]] = []
    for version in plan.versions:
        for name, target in plan.targets.items():
            points = _froc if target.task == "detection" else _roc if target.binary else None
            if points is not None and (version, name) in found:
                rows += [{"version": version, "target": name, **point} for point in points(found[version, name])]
    return CURVES.conform(pd.DataFrame(rows, columns=list(CURVES.columns)))


def _roc(sample: Sample) -> Iterator[dict[str, Any]]:
    rows = sample.rows.where(sample.analysed & complete_cases(sample.rows, SCORED))
    if not len(rows):
        return
    curve = roc_curve(rows.columns["score"], rows.columns["reference"])
    if isinstance(curve, Undefined):
        return
    kept = corners(curve)
    points = zip(curve.threshold[kept], curve.false_positive_rate[kept], curve.sensitivity[kept], strict=True)
    for number, (threshold, alarms, found) in enumerate(points):
        level = threshold if np.isfinite(threshold) else None
        yield {"curve": ROC, "point": number, "threshold": level, "x": alarms, "y": found}


def corners(curve: RocCurve) -> IntArray:
    """Places of the points at which the curve turns, with both ends: between them it is straight.

    At most twice as many as the rarer class has cases, whatever the number of scores.
    """
    steps = np.column_stack([np.diff(curve.false_positive_rate), np.diff(curve.sensitivity)])
    turned = np.abs(steps[:-1, 0] * steps[1:, 1] - steps[:-1, 1] * steps[1:, 0]) > STRAIGHT
    return np.concatenate([[0], 1 + np.flatnonzero(turned), [len(steps)]])


def _froc(sample: Sample) -> Iterator[dict[str, Any]]:
    rows = sample.rows
    curve = froc_curve(marks_of(rows.where(sample.analysed & complete_cases(rows, COLUMNS))))
    if isinstance(curve, Undefined):
        return
    points = zip(curve.rating, curve.false_positives_per_case, curve.lesion_sensitivity, strict=True)
    for number, (rating, false, found) in enumerate(points):
        threshold = rating if np.isfinite(rating) else None
        yield {"curve": FROC, "point": number, "threshold": threshold, "x": false, "y": found}
