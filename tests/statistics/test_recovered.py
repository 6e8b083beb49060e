"""Intervals of differences recovered from the terms' intervals."""

from __future__ import annotations

import pytest

from audit.records import Interval
from audit.statistics.differences import newcombe
from audit.statistics.proportions import wilson
from audit.statistics.recovered import recovered_difference


def test_two_wilson_intervals_give_newcombes() -> None:
    found = recovered_difference(56 / 70, wilson(56, 70), 48 / 80, wilson(48, 80))
    assert found.method == "Newcombe hybrid score"
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    direct = newcombe(56, 70, 48, 80)
    assert (found.low, found.high) == pytest.approx((direct.low, direct.high))


def test_correlation_narrows_and_confidences_must_agree() -> None:
    first, second = Interval(0.7, 0.9, "a"), Interval(0.6, 0.8, "b")
    apart = recovered_difference(0.8, first, 0.7, second)
    together = recovered_difference(0.8, first, 0.7, second, correlation=0.5)
    assert together.high - together.low < apart.high - apart.low
    with pytest.raises(ValueError, match="confidence"):
        recovered_difference(0.8, first, 0.7, Interval(0.6, 0.8, "b", 0.9))
