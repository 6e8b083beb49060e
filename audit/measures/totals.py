"""Smooth measures that need of the cases only a few totals: cells of a table, sums of squares."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from audit.measures.measure import Counts
from audit.measures.smooth import Limits, Smooth, _no_other
from audit.records import FloatArray, Rows, Undefined
from audit.statistics.decision_table import decision_cells
from audit.statistics.influence import OfTotals, Scale, gradient
from audit.statistics.resampling import resampled_sums, sums_by_patient

Terms = Callable[[Rows], FloatArray]
Problem = Callable[[Rows], Undefined | None]


def cells(rows: Rows) -> FloatArray:
    """tp, fn, fp, tn of each case at the operating point."""
    return decision_cells(rows.columns["reference"], rows.columns["decision"])


def _nothing_wrong(_rows: Rows) -> Undefined | None:
    return None


def smooth_of_totals(
    function: OfTotals,
    nothing: str,
    scale: Scale,
    terms: Terms = cells,
    other: Limits = _no_other,
    exact: Limits = _no_other,
    problem: Problem = _nothing_wrong,
) -> Smooth:
    """The estimator of ``function`` of the column sums of ``terms`` (cases, k).

    ``nothing`` is the reason where the function is 0/0; ``problem`` may refuse rows. Every resample is one product of
    patient counts with sums per patient.
    """

    def value(rows: Rows) -> float | Undefined:
        found = problem(rows) or float(function(terms(rows).sum(axis=0)))
        return Undefined(nothing) if isinstance(found, float) and np.isnan(found) else found

    def influence(rows: Rows) -> FloatArray:
        each = terms(rows)
        return each @ np.nan_to_num(gradient(function, each.sum(axis=0)))

    def resample(asked: Sequence[Rows], counts: Counts) -> list[FloatArray]:
        sums = [sums_by_patient(terms(rows), rows.patient, counts.shape[1]) for rows in asked]
        totals = resampled_sums(counts, np.hstack(sums)).reshape(len(counts), len(asked), -1)
        found = np.where([problem(rows) is not None for rows in asked], np.nan, function(totals))
        return [np.ascontiguousarray(column) for column in found.T]

    return Smooth(value, influence, resample, scale, other, exact)
