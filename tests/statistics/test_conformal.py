"""Conformal sets: the closed form of the index, coverage of exchangeable data, loss of coverage under a shift."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.records import BadInput, Undefined
from audit.statistics.conformal import conformal_bounds, quantile_index


@given(st.integers(1, 400), st.integers(1, 99))
def test_the_index_is_the_closed_form_and_no_smaller_one_would_do(n: int, percent: int) -> None:
    """P(new <= k th of n) is k / (n + 1) without ties: the least k with k / (n + 1) >= 1 - error rate."""
    error = Fraction(percent, 100)
    least = next((k for k in range(1, n + 1) if Fraction(k, n + 1) >= 1 - error), None)
    found = quantile_index(n, percent / 100)
    if least is None:
        assert isinstance(found, Undefined)
        assert n < math.ceil(1 / error) - 1
    else:
        assert found == least


def scores(generator: np.random.Generator, n: int, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    y = (generator.random(n) < 0.4).astype(float)
    return 1 / (1 + np.exp(-(generator.normal(2 * y - 1, 1) - shift * y))), y


@pytest.mark.parametrize("per_class", [True, False])
def test_exchangeable_cases_are_covered_as_promised(per_class: bool) -> None:
    """Mean coverage over 400 sets of 99 calibration cases: 0.9 to 0.9 + 1/(n + 1), within simulation error."""
    generator = np.random.default_rng(1)
    covered = []
    for _ in range(400):
        bounds = conformal_bounds(*scores(generator, 99), 0.1, per_class)
        assert not isinstance(bounds, Undefined)
        new, y = scores(generator, 200)
        negative, positive = bounds.sets(new)
        inside = np.where(y == 1, positive, negative)
        covered.append([inside.mean(), inside[y == 1].mean(), inside[y == 0].mean()])
    mean, error = np.mean(covered, axis=0), np.std(covered, axis=0) / 20
    kept = slice(0, 3) if per_class else slice(0, 1)
    assert (mean[kept] > 0.9 - 4 * error[kept]).all()
    assert (mean[kept] < 0.9 + 1 / 30 + 4 * error[kept]).all()


def test_a_shifted_group_loses_coverage() -> None:
    generator = np.random.default_rng(2)
    bounds = conformal_bounds(*scores(generator, 500), 0.1, True)
    assert not isinstance(bounds, Undefined)
    new, y = scores(generator, 2000, shift=1.5)
    positive = bounds.sets(new)[1]
    assert positive[y == 1].mean() < 0.6


def test_too_few_or_no_probabilities_have_no_sets() -> None:
    found = conformal_bounds([0.1, 0.2, 0.9], [0, 0, 1], 0.1, True)
    assert isinstance(found, Undefined)
    assert found.reason == "reference-negative: 2 calibration cases, fewer than the 9 that an error rate of 0.1 needs"
    found = conformal_bounds([-3.0, 2.0] * 20, [0, 1] * 20, 0.1, False)
    assert isinstance(found, Undefined)
    assert "probabilities" in found.reason
    assert not isinstance(conformal_bounds([-3.0, 2.0] * 20, [0, 1] * 20, 0.1, True), Undefined)
    with pytest.raises(BadInput, match="between 0 and 1"):
        quantile_index(10, 1.0)


def test_sets_by_hand() -> None:
    """Nine of each class, error rate 0.1: the bound is the largest non-conformity of each."""
    negative, positive = np.linspace(0.1, 0.5, 9), np.linspace(0.4, 0.9, 9)
    bounds = conformal_bounds(np.r_[negative, positive], [0] * 9 + [1] * 9, 0.1, True)
    assert not isinstance(bounds, Undefined)
    with_negative, with_positive = bounds.sets([0.3, 0.45, 0.55, 0.5, 0.4])
    assert with_negative.tolist() == [True, True, False, True, True]
    assert with_positive.tolist() == [False, True, True, True, True]
