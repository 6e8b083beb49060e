"""Decisions at a threshold probability, and their net benefit: true positives less weighted false positives.

Sources: Vickers & Elkin, Med Decis Making 2006;26:565; Vickers et al., BMJ 2016;352:i6 (at a stated prevalence).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from audit.measures.counting import NEGATIVES, POSITIVES
from audit.measures.measure import Counts, Measure
from audit.measures.probability import not_probabilities
from audit.measures.ratio import Proportion
from audit.measures.smooth import Smooth
from audit.measures.two_rates import two_rates
from audit.measures.worst_cases import opposite_probability
from audit.records import FloatArray, Rows, Undefined
from audit.statistics.decision_table import decision_cells

SOURCE = "Vickers & Elkin, Med Decis Making 2006;26:565; Vickers et al., BMJ 2016;352:i6"
TP, FN, FP, TN = range(4)


def net_benefit_of(threshold: float, prevalence: float | None) -> Smooth:
    """Net benefit against treating nobody: what the calls at ``threshold`` gain per patient.

    ``prevalence`` None takes that of the cases.
    """
    odds = threshold / (1 - threshold)
    if prevalence is None:
        return _of_probabilities(two_rates(_share(TP, threshold), _share(FP, threshold), 1.0, odds))
    rates = _of_class(TP, threshold), _of_class(FP, threshold)
    return _of_probabilities(two_rates(*rates, prevalence, (1 - prevalence) * odds))


def gain_over_all_of(threshold: float, prevalence: float | None) -> Smooth:
    """Net benefit minus that of treating everybody: false positives avoided, less the positives that are missed."""
    odds = threshold / (1 - threshold)
    if prevalence is None:
        return _of_probabilities(two_rates(_share(TN, threshold), _share(FN, threshold), odds, 1.0))
    rates = _of_class(TN, threshold), _of_class(FN, threshold)
    return _of_probabilities(two_rates(*rates, (1 - prevalence) * odds, prevalence))


def benefit(name: str, title: str, estimator: Smooth, prevalence: float | None, high: float | None) -> Measure:
    """The measure of one threshold."""
    return Measure(
        name=name,
        title=title,
        unit="true positives per patient",
        low=None,
        high=high,
        direction="higher",
        tasks=("classification",),
        columns=("score", "reference"),
        source=SOURCE,
        estimator=estimator,
        worst_case=opposite_probability,
        of_prevalence=prevalence is None,
    )


def _of_probabilities(found: Smooth) -> Smooth:
    """The same for scores that are probabilities; others are refused."""

    def value(rows: Rows) -> float | Undefined:
        return not_probabilities(rows) or found.value(rows)

    def resample(asked: Sequence[Rows], counts: Counts) -> list[FloatArray]:
        drawn = zip(asked, found.resample(asked, counts), strict=True)
        return [np.full(len(counts), np.nan) if not_probabilities(rows) else each for rows, each in drawn]

    return replace(found, value=value, resample=resample)


def _cell(rows: Rows, cell: int, threshold: float) -> FloatArray:
    called = (rows.columns["score"] >= threshold).astype(np.float64)
    return decision_cells(rows.columns["reference"], called)[:, cell]


def _share(cell: int, threshold: float) -> Proportion:
    return Proportion(lambda rows: (_cell(rows, cell, threshold), np.ones(len(rows))), "cases")


def _of_class(cell: int, threshold: float) -> Proportion:
    positive = cell in (TP, FN)

    def per_case(rows: Rows) -> tuple[FloatArray, FloatArray]:
        reference = rows.columns["reference"]
        return _cell(rows, cell, threshold), reference if positive else 1.0 - reference

    return Proportion(per_case, POSITIVES if positive else NEGATIVES)
