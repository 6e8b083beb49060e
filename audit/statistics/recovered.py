"""Interval of a difference recovered from the intervals of its two terms (MOVER).

Sources: Zou & Donner, Stat Med 2008;27:1693; Zou, Psychol Methods 2007;12:399 (dependent terms). With two Wilson
intervals of independent proportions this is Newcombe's hybrid score interval (Stat Med 1998;17:873, method 10).
"""

from __future__ import annotations

import math

from audit.records import Interval


def recovered_difference(
    first: float, of_first: Interval, second: float, of_second: Interval, correlation: float = 0.0
) -> Interval:
    """Limits of ``first - second`` from each term's value and interval, which keep the terms' own skewness.

    ``correlation`` of the two estimates: 0 for groups without common patients; for paired estimates 0 is conservative
    where they correlate positively. Both intervals must have one confidence.
    """
    if of_first.confidence != of_second.confidence:
        raise ValueError(f"intervals differ in confidence: {of_first.confidence} and {of_second.confidence}")
    value = first - second
    low = value - _length(first - of_first.low, of_second.high - second, correlation)
    high = value + _length(of_first.high - first, second - of_second.low, correlation)
    names = list(dict.fromkeys((of_first.method, of_second.method)))
    if names == ["Wilson"] and not correlation:
        return Interval(low, high, "Newcombe hybrid score", of_first.confidence)
    return Interval(low, high, f"MOVER from {' and '.join(names)}", of_first.confidence)


def _length(a: float, b: float, correlation: float) -> float:
    return math.sqrt(max(a * a + b * b - 2 * correlation * a * b, 0.0))
