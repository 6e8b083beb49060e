"""Laws of the patient bootstrap: reproducible, block-independent, kernels equal, undefined resamples
counted.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from audit.records import BadInput, Undefined
from audit.statistics.resampling import (
    auroc_replicates,
    bca_interval,
    patient_counts,
    percentile_interval,
    ratio_replicates,
    sums_by_patient,
)
from audit.statistics.roc import auroc


def test_counts_do_not_depend_on_blocks_and_add_up() -> None:
    whole = patient_counts(50, 20, seed=3)
    assert whole.dtype == np.uint8
    assert (whole.sum(axis=1) == 50).all()
    parts = np.vstack([patient_counts(50, 7, seed=3), patient_counts(50, 13, seed=3, first=7)])
    assert (whole == parts).all()
    assert (whole != patient_counts(50, 20, seed=4)).any()


def test_strata_keep_their_size() -> None:
    strata = np.array(["case"] * 9 + ["control"] * 41)
    counts = patient_counts(50, 30, seed=1, strata=strata)
    assert (counts[:, :9].sum(axis=1) == 9).all()
    assert (counts[:, 9:].sum(axis=1) == 41).all()


def test_ratio_of_expanded_patients() -> None:
    patient = np.array([0, 0, 1, 2, 2, 2])
    hit = np.array([1, 0, 1, 1, 1, 0])
    top, bottom = sums_by_patient(hit, patient, 3), sums_by_patient(np.ones(6), patient, 3)
    counts = np.array([[1, 1, 1], [3, 0, 0], [0, 1, 2]], dtype=np.uint8)
    assert ratio_replicates(counts, top, bottom)[:, 0].tolist() == [4 / 6, 0.5, 5 / 7]
    empty = ratio_replicates(np.array([[0, 3, 0]], dtype=np.uint8), [1.0, 0.0, 0.0], [1.0, 0.0, 0.0])
    assert math.isnan(empty[0, 0])


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_both_kernels_equal_the_auroc_of_the_expanded_rows(data) -> None:
    n = data.draw(st.integers(2, 25))
    patient = np.array(data.draw(st.lists(st.integers(0, 7), min_size=n, max_size=n)))
    score = np.array(data.draw(st.lists(st.integers(0, 5), min_size=n, max_size=n)), dtype=float)
    positive = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    counts = patient_counts(8, 5, seed=data.draw(st.integers(0, 99)))
    slow, fast = (auroc_replicates(counts, patient, score, positive, compiled) for compiled in (False, True))
    assert np.array_equal(slow, fast, equal_nan=True)
    for row, value in zip(counts, slow, strict=True):
        times = row[patient]
        direct = auroc(np.repeat(score, times), np.repeat(positive, times))
        if isinstance(direct, Undefined):
            assert math.isnan(value)
        else:
            assert value == pytest.approx(direct, abs=1e-12)


def test_undefined_resamples_are_counted_and_refused() -> None:
    values = np.linspace(0, 1, 101)
    few = percentile_interval(np.concatenate([values, [math.nan] * 3]))
    assert "3 undefined" in few.method
    assert (few.low, few.high) == pytest.approx((0.025, 0.975))
    assert isinstance(percentile_interval(np.concatenate([values, [math.nan] * 60])), Undefined)
    assert isinstance(percentile_interval([]), Undefined)


def test_bca_equals_percentile_without_bias_and_skew() -> None:
    replicates = np.linspace(-3, 3, 2001)
    bca = bca_interval(0.0, replicates, np.array([-1.0, 1.0, -2.0, 2.0]))
    plain = percentile_interval(replicates)
    assert (bca.low, bca.high) == pytest.approx((plain.low, plain.high), abs=1e-6)
    skewed = bca_interval(0.0, replicates, np.array([-3.0, 1.0, 1.0, 1.0]))
    assert skewed.low > bca.low
    assert isinstance(bca_interval(5.0, replicates, np.array([-1.0, 1.0])), Undefined)


@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_bca_equals_scipy_on_the_same_resamples(confidence: float) -> None:
    sample = np.random.default_rng(2).exponential(size=40)
    found = stats.bootstrap(
        (sample,), np.mean, n_resamples=999, confidence_level=confidence, method="BCa", rng=np.random.default_rng(1)
    )
    left_out = (sample.sum() - sample) / 39
    own = bca_interval(float(sample.mean()), found.bootstrap_distribution, left_out, confidence)
    expected = found.confidence_interval
    assert (own.low, own.high) == pytest.approx((expected.low, expected.high), rel=1e-12)
    assert own.method == "patient bootstrap, BCa (999 resamples)"


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000))
def test_bca_follows_a_rising_transformation(seed: int) -> None:
    """The limits of exp(x) are exp of the limits of x, but for the curvature that the jackknife sees."""
    sample = np.random.default_rng(seed).normal(size=30)
    counts = patient_counts(30, 400, seed)
    drawn = counts @ sample / 30
    left_out = (sample.sum() - sample) / 29
    straight = bca_interval(float(sample.mean()), drawn, left_out)
    bent = bca_interval(math.exp(2 + sample.mean() / 100), np.exp(2 + drawn / 100), np.exp(2 + left_out / 100))
    assert (math.log(bent.low), math.log(bent.high)) == pytest.approx(
        (2 + straight.low / 100, 2 + straight.high / 100), abs=4e-4
    )


def test_wrong_shapes_are_refused() -> None:
    counts = patient_counts(5, 2, seed=0)
    with pytest.raises(BadInput, match="5 patients"):
        ratio_replicates(counts, np.ones(4), np.ones(4))
    with pytest.raises(BadInput):
        patient_counts(0, 10, seed=0)
