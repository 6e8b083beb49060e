"""Repeatability coefficient: a larger change of one patient is, at 95 %, more than measurement error."""

from __future__ import annotations

import math

import numpy as np

from audit.measures.measure import Measure
from audit.measures.of_sums import OfSums
from audit.measures.repeats import COLUMNS
from audit.records import BoolArray, FloatArray, Interval, Rows, Undefined
from audit.statistics.agreement_sums import COEFFICIENT, repeatability_coefficient
from audit.statistics.variance_components import chi_square_limits


def _terms(rows: Rows) -> FloatArray:
    return np.column_stack([rows.columns[name] for name in COLUMNS])


def _repeated(rows: Rows) -> BoolArray:
    return np.asarray(rows.columns["repeat_df"] > 0)


def _published(rows: Rows, confidence: float) -> Interval | Undefined:
    square, df = _terms(rows).sum(axis=0).tolist()
    if square == 0:
        return Undefined("all repeats are identical, the interval would have no width")
    limits = chi_square_limits(square / df, max(round(df), 1), confidence)
    low, high = (COEFFICIENT * math.sqrt(limit) for limit in limits)
    return Interval(low, high, "chi-square", confidence)


ENTRY = Measure(
    name="repeatability_coefficient",
    title="repeatability coefficient (1.96 √2 within-subject SD)",
    unit="unit of the target",
    low=0.0,
    high=None,
    direction="lower",
    tasks=("measurement",),
    columns=COLUMNS,
    source="Bland & Altman, Stat Methods Med Res 1999;8:135; Raunig et al., Stat Methods Med Res 2015;24:27",
    estimator=OfSums(
        _terms, repeatability_coefficient, "repeat acquisitions", "no patient has repeat acquisitions", _published,
        independent=lambda _rows: True, contributing=_repeated, bounds=(0.0, math.inf),
    ),
    ideal=0.0,
)  # fmt: skip
