"""Chance-corrected agreement of predicted and reference grade as measures."""

from __future__ import annotations

import numpy as np

from audit.measures.of_sums import OfSums, Published
from audit.records import FloatArray, IntArray, Interval, Rows, Undefined
from audit.statistics.agreement_categorical import Weights, cohen_kappa
from audit.statistics.agreement_categorical import gwet as gwet_coefficient
from audit.statistics.agreement_sums import grade_terms, gwet, kappa
from audit.statistics.checks import t_quantile

COLUMNS = ("grade_predicted", "grade_reference", "n_grades")
GRADED = "cases with both grades"


def weighted_kappa(weights: Weights) -> OfSums:
    """Cohen's kappa over the target's whole scale; interval of Fleiss, Cohen & Everitt where cases are independent."""

    def published(rows: Rows, confidence: float) -> Interval | Undefined:
        found = cohen_kappa(cross_table(rows), weights, confidence)
        return found if isinstance(found, Undefined) else _with_width(found.interval)

    without = "predicted and reference grade are one and the same throughout, chance agreement is complete"
    return _estimator(weights, kappa(weights), without, published)


def gwet_agreement(weights: Weights) -> OfSums:
    """Gwet's AC1 (unweighted) or AC2; Student's t on cases - 1 df, as R irrCAC, where cases are independent."""

    def published(rows: Rows, confidence: float) -> Interval | Undefined:
        found = gwet_coefficient(cross_table(rows), weights)
        if isinstance(found, Undefined):
            return found
        half = t_quantile(confidence, max(len(rows) - 1, 1)) * found.standard_error
        limits = max(found.value - half, -1.0), min(found.value + half, 1.0)
        return _with_width(Interval(*limits, "Gwet, t", confidence))

    return _estimator(weights, gwet(weights), "no cases", published)


def _with_width(interval: Interval) -> Interval | Undefined:
    if interval.high > interval.low:
        return interval
    return Undefined("no case differs from the others in agreement, so the uncertainty cannot be shown")


def _estimator(weights: Weights, value: object, without: str, published: Published) -> OfSums:
    def terms(rows: Rows) -> FloatArray:
        return grade_terms(rows.columns[COLUMNS[0]], rows.columns[COLUMNS[1]], grades(rows), weights)

    assert callable(value)
    return OfSums(terms, value, GRADED, without, published, bounds=(-1.0, 1.0))


def grades(rows: Rows) -> int:
    """Number of grades on the target's scale."""
    return int(rows.columns["n_grades"][0])


def cross_table(rows: Rows) -> IntArray:
    """Counts of cases, predicted grade in rows, reference grade in columns."""
    size = grades(rows)
    code = rows.columns["grade_predicted"] * size + rows.columns["grade_reference"]
    return np.bincount(code.astype(np.int64), minlength=size * size).reshape(size, size)
