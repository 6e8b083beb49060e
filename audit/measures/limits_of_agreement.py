"""Bland-Altman limits of agreement as measures, on the values or on their logarithms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from audit.measures.of_sums import OfSums, Published
from audit.records import FloatArray, Interval, Rows, Undefined
from audit.statistics.agreement_continuous import LIMITS_MULTIPLIER, bland_altman
from audit.statistics.agreement_sums import difference_terms, limit_of_agreement

FEWEST = 30
"""Below so many patients no interval: a limit hangs on the tails."""
PAIRS = "cases with both values"


def limit(side: int) -> OfSums:
    """The upper (``side`` 1) or lower (-1) limit, bias +/- 1.96 SD of predicted minus reference."""

    def terms(rows: Rows) -> FloatArray:
        return difference_terms(rows.columns["value_predicted"] - rows.columns["value_reference"])

    return OfSums(
        terms, limit_of_agreement(side * LIMITS_MULTIPLIER), PAIRS, "limits of agreement need two cases",
        _published(side, lambda values: values), fewest_patients=FEWEST,
    )  # fmt: skip


def ratio_limit(side: int) -> OfSums:
    """The limit of the ratio predicted / reference, from differences of logarithms; ``side`` 0: the mean ratio."""

    def terms(rows: Rows) -> FloatArray:
        return difference_terms(_log(rows.columns["value_predicted"]) - _log(rows.columns["value_reference"]))

    on_logs = limit_of_agreement(side * LIMITS_MULTIPLIER)
    return OfSums(
        terms, lambda sums: np.exp(on_logs(sums)), PAIRS,
        "a ratio needs two cases and values above zero", _published(side, _log, np.exp),
        bounds=(0.0, np.inf), fewest_patients=FEWEST,
    )  # fmt: skip


def _log(values: FloatArray) -> FloatArray:
    """Natural logarithm, NaN for what is not positive."""
    return np.log(values, out=np.full(values.shape, np.nan), where=values > 0)


def _published(
    side: int, into: Callable[[FloatArray], FloatArray], back: Callable[[float], float] = float
) -> Published:
    def interval(rows: Rows, confidence: float) -> Interval | Undefined:
        found = bland_altman(into(rows.columns["value_predicted"]), into(rows.columns["value_reference"]), confidence)
        if isinstance(found, Undefined):
            return found
        if found.sd == 0:
            return Undefined("all differences are equal, the interval would have no width")
        own = {-1: found.lower_interval, 0: found.bias_interval, 1: found.upper_interval}[side]
        return Interval(float(back(own.low)), float(back(own.high)), own.method, confidence)

    return interval
