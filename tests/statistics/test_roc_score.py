"""The interval of an AUROC that is printed, and that of a difference of two groups."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from audit.records import Interval, Undefined
from audit.statistics.resampling import auroc_replicates, patient_counts
from audit.statistics.roc import auroc_interval, delong
from audit.statistics.roc_score import (
    auroc_difference_of_groups,
    auroc_over_patients,
    auroc_score_interval,
    binormal_variance,
    excess_variance,
)
from audit.statistics.roc_sums import PatientSums, patient_sums


def sums_of(score: np.ndarray, positive: np.ndarray, patient: np.ndarray | None = None) -> PatientSums:
    found = patient_sums((score,), positive, np.arange(score.size) if patient is None else patient)
    assert not isinstance(found, Undefined)
    return found


def two_normals(rng: np.random.Generator, m: int, n: int, auroc: float) -> tuple[np.ndarray, np.ndarray]:
    shift = math.sqrt(2) * stats.norm.ppf(auroc)
    return np.concatenate([rng.normal(shift, 1, m), rng.normal(0, 1, n)]), np.repeat([1.0, 0.0], [m, n])


@pytest.mark.parametrize(("m", "n"), [(10, 10), (12, 300), (200, 15)])
def test_without_discrimination_the_variance_is_that_of_the_rank_sum(m: int, n: int) -> None:
    assert binormal_variance(0.5, m, n) == pytest.approx((m + n + 1) / (12 * m * n), rel=1e-12)


@pytest.mark.parametrize("auroc", [0.3, 0.8, 0.95, 0.99])
def test_the_variance_agrees_with_the_bivariate_normal_distribution(auroc: float) -> None:
    h = stats.norm.ppf(auroc)
    both = stats.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]]).cdf([h, h])
    expected = (auroc * (1 - auroc) + (20 + 180 - 2) * (both - auroc**2)) / (20 * 180)
    assert binormal_variance(auroc, 20, 180) == pytest.approx(expected, rel=1e-5)


def test_the_variance_agrees_with_simulated_sets() -> None:
    rng = np.random.default_rng(1)
    found = [sums_of(*two_normals(rng, 15, 60, 0.9)).value[0] for _ in range(1000)]
    assert np.var(found) == pytest.approx(binormal_variance(0.9, 15, 60), rel=0.13)


def test_at_both_limits_the_estimate_lies_1_96_standard_errors_away() -> None:
    sums = sums_of(*two_normals(np.random.default_rng(3), 20, 80, 0.85))
    interval, scale = auroc_score_interval(sums), excess_variance(sums)
    for limit in (interval.low, interval.high):
        error = math.sqrt(scale * binormal_variance(limit, 20, 80))
        assert abs(sums.value[0] - limit) / error == pytest.approx(stats.norm.ppf(0.975), rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 30), st.integers(2, 30))
def test_swapping_the_classes_and_the_sign_of_the_score_changes_nothing(seed: int, m: int, n: int) -> None:
    score, positive = two_normals(np.random.default_rng(seed), m, n, 0.8)
    score = np.round(score, 1)
    one, other = auroc_over_patients(sums_of(score, positive)), auroc_over_patients(sums_of(-score, 1 - positive))
    assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=1e-9)
    mirrored = auroc_over_patients(sums_of(-score, positive))
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((one.low, one.high), abs=1e-9)
    assert 0 <= one.low <= sums_of(score, positive).value[0] <= one.high <= 1


def test_copies_within_patients_leave_the_interval_nearly_where_it_was() -> None:
    score, positive = two_normals(np.random.default_rng(4), 20, 60, 0.9)
    once = auroc_over_patients(sums_of(score, positive))
    copied = sums_of(np.tile(score, 5), np.tile(positive, 5), np.tile(np.arange(80), 5))
    five = auroc_over_patients(copied)
    assert five.method == "binormal score over patients"
    assert five.high - five.low == pytest.approx(once.high - once.low, rel=0.06)


def test_perfect_separation_has_an_interval_up_to_one() -> None:
    sums = sums_of(np.arange(40.0), np.repeat([0.0, 1.0], 20))
    interval = auroc_over_patients(sums)
    assert interval.high == 1
    assert 0.8 < interval.low < 0.95
    assert isinstance(excess_variance(sums), Undefined)


def test_large_sets_keep_delong() -> None:
    score, positive = two_normals(np.random.default_rng(6), 100, 150, 0.9)
    assert auroc_over_patients(sums_of(score, positive)) == auroc_interval(score, positive)
    few = auroc_over_patients(sums_of(score[1:], positive[1:]))
    assert few.method == "binormal score"
    assert few.low == pytest.approx(auroc_interval(score[1:], positive[1:]).low, abs=0.01)


@pytest.mark.parametrize("spread", [1.0, 1.6])
def test_it_holds_where_delong_does_not(spread: float) -> None:
    """20 positive cases of 300, AUROC 0.95: the true value must be inside about as often as promised."""
    rng, shift = np.random.default_rng(9), math.hypot(1, spread) * stats.norm.ppf(0.95)
    inside = np.zeros(2)
    for _ in range(400):
        score = np.concatenate([rng.normal(shift, spread, 20), rng.normal(0, 1, 280)])
        positive = np.repeat([1.0, 0.0], [20, 280])
        both = auroc_over_patients(sums_of(score, positive)), auroc_interval(score, positive)
        inside += [each.low <= 0.95 <= each.high for each in both]
    assert inside[0] / 400 > 0.93
    assert inside[1] / 400 < 0.91


def test_separate_groups_have_the_errors_of_both() -> None:
    rng = np.random.default_rng(2)
    one, other = two_normals(rng, 30, 50, 0.9), two_normals(rng, 20, 70, 0.8)
    first, second = sums_of(*one), sums_of(*other, np.arange(90) + 80)
    found = auroc_difference_of_groups(first, second, 170)
    assert isinstance(found, Interval)
    error = math.sqrt(delong(*one).variance + delong(*other).variance)
    value = first.value[0] - second.value[0]
    assert (found.low, found.high) == pytest.approx(
        (value - stats.t.ppf(0.975, 48) * error, value + stats.t.ppf(0.975, 48) * error)
    )


def test_groups_that_share_patients_agree_with_the_bootstrap() -> None:
    rng = np.random.default_rng(5)
    patient, view = np.repeat(np.arange(300), 2), np.tile([True, False], 300)
    positive = np.repeat(rng.random(300) < 0.4, 2).astype(float)
    score = positive + np.repeat(rng.normal(size=300), 2) + 0.5 * rng.normal(size=600)
    parts = [(score[k], positive[k], patient[k]) for k in (view, ~view)]
    found = auroc_difference_of_groups(sums_of(*parts[0]), sums_of(*parts[1]), 300)
    counts = patient_counts(300, 1000, 8)
    drawn = [auroc_replicates(counts, labels, s, p) for s, p, labels in parts]
    assert isinstance(found, Interval)
    half = (found.high - found.low) / 2
    assert half == pytest.approx(1.97 * np.std(drawn[0] - drawn[1]), rel=0.08)


def test_a_group_without_variance_gives_no_difference() -> None:
    flat, other = (
        sums_of(np.arange(40.0), np.repeat([0.0, 1.0], 20)),
        two_normals(np.random.default_rng(1), 20, 20, 0.8),
    )
    assert isinstance(auroc_difference_of_groups(flat, sums_of(*other, np.arange(40) + 40), 80), Undefined)
