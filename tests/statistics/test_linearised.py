"""Linearised ratios and the studentised bootstrap: worked numbers, closed forms, invariances, coverage."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from audit.records import FloatArray, Interval, Undefined
from audit.statistics.bootstrap_t import bootstrap_t_interval, ratio_pivots
from audit.statistics.clusters import clustered_proportion
from audit.statistics.linearised import METHOD, linearised_difference, ratio_error
from audit.statistics.resampling import patient_counts

X, N = np.array([1.0, 2.0, 0.0, 3.0]), np.array([2.0, 2.0, 1.0, 5.0])


def clustered(seed: int, k: int = 40) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    cases = rng.integers(1, 6, k)
    return rng.binomial(cases, rng.beta(4, 2, k)).astype(float), cases.astype(float)


def interval(found: Interval | Undefined) -> Interval:
    assert isinstance(found, Interval), found
    return found


def test_error_of_four_patients_by_hand() -> None:
    """r = 6/10; residuals -0.2, 0.8, -0.6, 0: squares sum to 1.04; 4/3 of it over 10 squared."""
    assert ratio_error(X, N) == pytest.approx(math.sqrt(4 / 3 * 1.04) / 10)


def test_difference_of_four_patients_by_hand() -> None:
    """Second ratio 5/10 with residuals 0, -1, 0.5, 0.5; differences -0.2, 1.8, -1.1, -0.5: squares sum to 4.74."""
    found = interval(linearised_difference((X, N), (np.array([1.0, 0.0, 1.0, 3.0]), N)))
    half = stats.t.ppf(0.975, 3) * math.sqrt(4 / 3 * 4.74) / 10
    assert (found.low, found.high) == pytest.approx((0.1 - half, 0.1 + half))
    assert found.method == METHOD


def test_error_is_the_clustered_proportions() -> None:
    for seed in range(5):
        x, n = clustered(seed)
        found = clustered_proportion(x, n)
        assert not isinstance(found, Undefined)
        assert ratio_error(x, n) == found.standard_error
        centred = x - n * x.sum() / n.sum()
        assert found.standard_error == pytest.approx(math.sqrt(40 / 39 * (centred**2).sum()) / n.sum(), rel=1e-12)


def test_means_of_one_case_give_the_tests_of_the_textbook() -> None:
    rng = np.random.default_rng(2)
    a, b, one = rng.uniform(size=25), rng.uniform(size=25), np.ones(25)
    assert ratio_error(a, one) == pytest.approx(stats.sem(a))
    paired = stats.ttest_rel(a, b).confidence_interval()
    found = interval(linearised_difference((a, one), (b, one)))
    assert (found.low, found.high) == pytest.approx((paired.low, paired.high))


def test_separate_patients_add_their_variances() -> None:
    (x, n), (y, m) = clustered(1, 30), clustered(2, 20)
    pad, fill = np.zeros(20), np.zeros(30)
    found = interval(
        linearised_difference((np.r_[x, pad], np.r_[n, pad]), (np.r_[fill, y], np.r_[fill, m]))
    )  # fmt: skip
    errors = ratio_error(x, n), ratio_error(y, m)
    assert not any(isinstance(error, Undefined) for error in errors)
    half = (found.high - found.low) / 2 / stats.t.ppf(0.975, 19)
    assert half == pytest.approx(math.hypot(errors[0], errors[1]), rel=0.02), "k/(k-1) of 50 for that of 30 and 20"


def test_same_patients_in_another_order() -> None:
    first, second = clustered(3), clustered(4)
    order = np.random.default_rng(0).permutation(40)
    one = interval(linearised_difference(first, second))
    other = interval(linearised_difference((first[0][order], first[1][order]), (second[0][order], second[1][order])))
    assert (other.low, other.high) == pytest.approx((one.low, one.high), rel=1e-12)


def test_swapped_sides_turn_the_interval() -> None:
    one = interval(linearised_difference(clustered(3), clustered(4)))
    other = interval(linearised_difference(clustered(4), clustered(3)))
    assert (other.low, other.high) == pytest.approx((-one.high, -one.low), rel=1e-12)


def test_no_variation_and_single_patients_are_undefined() -> None:
    x, n = clustered(3)
    assert isinstance(linearised_difference((x, n), (x, n)), Undefined)
    assert isinstance(linearised_difference((x, n), (x + 0.1 * n, n)), Undefined), "the same shift for every case"
    assert isinstance(ratio_error(np.array([1.0]), np.array([2.0])), Undefined)
    assert isinstance(linearised_difference((x[:1], n[:1]), (x[:1] / 2, n[:1])), Undefined)
    assert ratio_error(0.1 * n, n) == 0


@given(st.floats(1e-6, 1e6), st.integers(0, 50))
def test_units_scale_the_error(unit: float, seed: int) -> None:
    x, n = clustered(seed)
    error, scaled = ratio_error(x, n), ratio_error(unit * x, n)
    assert not isinstance(error, Undefined)
    assert scaled == pytest.approx(unit * error, rel=1e-9)


def test_pivots_are_those_of_each_resample() -> None:
    """Each resample written out patient by patient, its ratio and its own standard error."""
    x, n = clustered(7, 30)
    counts = patient_counts(30, 60, 4)
    found = ratio_pivots(counts, x, n)[:, 0]
    for row, pivot in zip(counts, found, strict=True):
        drawn = np.repeat(np.arange(30), row)
        error = ratio_error(x[drawn], n[drawn])
        assert not isinstance(error, Undefined)
        assert pivot == pytest.approx((x[drawn].sum() / n[drawn].sum() - x.sum() / n.sum()) / error, rel=1e-9)


def test_pivots_of_groups_at_once_equal_one_by_one() -> None:
    x, n = clustered(7, 30)
    inside = np.arange(30) < 12
    counts = patient_counts(30, 50, 4)
    both = ratio_pivots(counts, np.column_stack([x, x * inside]), np.column_stack([n, n * inside]))
    alone = ratio_pivots(counts[:, :12], x[:12], n[:12])
    np.testing.assert_allclose(both[:, 1], alone[:, 0], rtol=1e-12)
    np.testing.assert_array_equal(both[:, :1], ratio_pivots(counts, x, n))


def test_pivots_know_neither_unit_nor_origin() -> None:
    """1e-9 relative: a mean volume of 900 mL that varies by 0.01 mL keeps its pivots."""
    x, n = clustered(7, 30)
    counts = patient_counts(30, 200, 4)
    np.testing.assert_allclose(ratio_pivots(counts, 0.01 * x + 900 * n, n), ratio_pivots(counts, x, n), rtol=1e-6)


def test_resamples_without_variation_have_no_pivot() -> None:
    values = np.array([0.0] * 3 + [0.9] * 27)
    counts = patient_counts(30, 400, 1)
    pivots = ratio_pivots(counts, values, np.ones(30))[:, 0]
    without_failure = counts[:, :3].sum(axis=1) == 0
    assert np.isnan(pivots[without_failure]).all()
    assert np.isfinite(pivots[~without_failure]).all()
    assert np.isnan(ratio_pivots(counts, 0.7 * np.ones(30), np.ones(30))).all()
    assert np.isnan(ratio_pivots(counts, np.zeros(30), np.zeros(30))).all(), "a group without cases"


def test_limits_by_hand() -> None:
    """Pivots -2 .. 2 in steps of 0.01: quantiles -1.9 and 1.9, error 0.1."""
    pivots = np.append(np.linspace(-2, 2, 401), np.nan)
    found = interval(bootstrap_t_interval(0.9, 0.1, pivots, bounds=(0.0, 1.0)))
    assert (found.low, found.high) == pytest.approx((0.71, 1.0))
    assert found.method == "patient bootstrap-t, 402 resamples, 1 undefined"
    assert isinstance(bootstrap_t_interval(0.9, 0.0, pivots), Undefined)
    assert isinstance(bootstrap_t_interval(0.9, 0.1, np.append(pivots, [np.nan] * 40)), Undefined)


def test_skewed_means_are_covered_and_leaned_towards_the_failures() -> None:
    """Mean overlap with 5 % failures, 60 patients: 95 % intervals hold 0.836 in 93 to 97 of 100 sets, within chance."""
    rng, truth, held, one = np.random.default_rng(8), 0.95 * 0.88, 0, np.ones(60)
    counts = patient_counts(60, 500, 3)
    for _ in range(400):
        overlap = np.where(rng.uniform(size=60) < 0.05, 0.0, rng.beta(22, 3, 60))
        error = ratio_error(overlap, one)
        assert not isinstance(error, Undefined)
        found = bootstrap_t_interval(float(overlap.mean()), error, ratio_pivots(counts, overlap, one)[:, 0])
        held += isinstance(found, Interval) and found.low <= truth <= found.high
    assert 0.91 <= held / 400 <= 0.985
