"""Quantities of a table of decisions against the reference, as functions of its four totals.

Every function takes totals of shape (..., 4) in the order true positive, false negative, false positive, true
negative, for many resamples at once, and gives (...), NaN or infinity where a denominator is 0. Sources: van
Rijsbergen, Information Retrieval, 1979 (F1). Matthews, Biochim Biophys Acta 1975;405:442. Simel, Samsa & Matchar,
J Clin Epidemiol 1991;44:763. Mercaldo, Lau & Zhou, Stat Med 2007;26:2170.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.records import FloatArray

Totals = NDArray[Any]
CELLS = 4


def decision_cells(reference: FloatArray, decision: FloatArray) -> FloatArray:
    """One row (tp, fn, fp, tn) of 0 and 1 per case, from 0/1 ``reference`` and ``decision``."""
    return np.column_stack(
        [
            reference * decision,
            reference * (1.0 - decision),
            (1.0 - reference) * decision,
            (1.0 - reference) * (1.0 - decision),
        ]
    )


def f1(totals: Totals) -> Totals:
    """2 tp / (2 tp + fp + fn): harmonic mean of sensitivity and positive predictive value."""
    tp, fn, fp, _ = _apart(totals)
    return _over(2 * tp, 2 * tp + fp + fn)


def matthews(totals: Totals) -> Totals:
    """Correlation of decision and reference (phi), -1 to 1; NaN where a row or column of the table is empty."""
    tp, fn, fp, tn = _apart(totals)
    return _over(tp * tn - fp * fn, np.sqrt((tp + fn) * (tn + fp) * (tp + fp) * (tn + fn)))


def positive_ratio(totals: Totals) -> Totals:
    """Sensitivity over 1 - specificity; infinite without false positives, NaN where both are 0."""
    tp, fn, fp, tn = _apart(totals)
    return _over(tp * (fp + tn), fp * (tp + fn))


def negative_ratio(totals: Totals) -> Totals:
    """1 - sensitivity over specificity; infinite without true negatives, NaN where both are 0."""
    tp, fn, fp, tn = _apart(totals)
    return _over(fn * (fp + tn), tn * (tp + fn))


def positive_value(totals: Totals, prevalence: float) -> Totals:
    """Positive predictive value at ``prevalence``; NaN where nothing is called positive or a class is empty."""
    tp, fn, fp, tn = _apart(totals)
    right = prevalence * tp * (fp + tn)
    return _over(right, right + (1 - prevalence) * fp * (tp + fn))


def negative_value(totals: Totals, prevalence: float) -> Totals:
    """Negative predictive value at ``prevalence``; NaN where nothing is called negative or a class is empty."""
    tp, fn, fp, tn = _apart(totals)
    right = (1 - prevalence) * tn * (tp + fn)
    return _over(right, right + prevalence * fn * (fp + tn))


def _apart(totals: Totals) -> tuple[Totals, Totals, Totals, Totals]:
    return totals[..., 0], totals[..., 1], totals[..., 2], totals[..., 3]


def _over(top: Totals, bottom: Totals) -> Totals:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(top / bottom)
