"""Levels of claims say the same as adjusted p values; the max-T level meets the multivariate normal distribution."""

import gc
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from audit.statistics.local_levels import benjamini_hochberg_levels, correlation, holm_levels, max_t

ALPHA = 0.025
P_VALUES = st.lists(st.one_of(st.floats(0, 1), st.sampled_from([0.0125, 0.025, 0.005])), min_size=1, max_size=9)
NAMES = {"holm": holm_levels, "fdr_bh": benjamini_hochberg_levels}


@pytest.fixture(scope="module", autouse=True)
def nothing_old_to_collect() -> Iterator[None]:
    """statsmodels' Holm collects garbage at each call: seconds, where whole walks ran in this process before."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.parametrize("method", NAMES)
@given(p=P_VALUES)
def test_a_level_is_kept_exactly_where_the_adjusted_p_is(method: str, p: list[float]) -> None:
    adjusted = multipletests(p, alpha=ALPHA, method=method)[1]
    clear = np.abs(adjusted - ALPHA) > 1e-9
    kept = np.array(p) <= NAMES[method](p, ALPHA)
    assert kept[clear].tolist() == (adjusted <= ALPHA)[clear].tolist()


@given(p=P_VALUES)
def test_levels_lie_between_bonferroni_and_none(p: list[float]) -> None:
    for levels in (holm_levels(p, ALPHA), benjamini_hochberg_levels(p, ALPHA)):
        assert (levels >= ALPHA / len(p) - 1e-15).all()
        assert (levels <= ALPHA + 1e-15).all()


def test_levels_by_hand() -> None:
    p = [0.001, 0.02, 0.011, 0.6]
    assert holm_levels(p, 0.025) == pytest.approx([0.025 / 4, 0.025 / 3, 0.025 / 3, 0.025 / 3])
    assert benjamini_hochberg_levels(p, 0.025) == pytest.approx([0.0125, 0.01875, 0.0125, 0.01875])


def drawn(covariance: np.ndarray, resamples: int = 20_000) -> np.ndarray:
    return np.random.default_rng(1).multivariate_normal(np.zeros(len(covariance)), covariance, resamples)


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_the_max_t_level_meets_the_multivariate_normal(rho: float) -> None:
    covariance = np.full((4, 4), rho) + (1 - rho) * np.eye(4)
    levels, adjusted = max_t([0.004, 0.01, 0.02, 0.7], drawn(covariance), ALPHA, seed=3)
    joint = stats.multivariate_normal(np.zeros(4), covariance, allow_singular=True)
    together = 1 - joint.cdf(np.full(4, stats.norm.isf(levels[0])))
    assert together == pytest.approx(ALPHA, abs=6e-4)
    expected = [1 - joint.cdf(np.full(4, stats.norm.isf(p))) for p in (0.004, 0.01, 0.02, 0.7)]
    assert adjusted == pytest.approx(expected, abs=6e-3)
    assert ((adjusted <= ALPHA) == (np.array([0.004, 0.01, 0.02, 0.7]) <= levels)).all()


def test_far_out_the_adjusted_p_is_the_bonferroni_bound() -> None:
    assert max_t([1e-7, 0.3], drawn(np.eye(2)), ALPHA, seed=1)[1][0] == pytest.approx(2e-7)


def test_one_claim_or_the_same_claim_again_needs_no_adjustment() -> None:
    one = drawn(np.eye(1))
    assert max_t([0.02], one, ALPHA, seed=1)[0] == pytest.approx([ALPHA], rel=1e-2)
    assert max_t([0.02, 0.02], np.hstack([one, one]), ALPHA, seed=1)[0] == pytest.approx([ALPHA] * 2, rel=1e-2)


def test_opposite_tests_of_one_estimate_cannot_both_err_but_count_twice() -> None:
    one = drawn(np.eye(1))
    assert max_t([0.01, 0.01], np.hstack([one, -one]), ALPHA, seed=1)[0] == pytest.approx([ALPHA / 2] * 2, rel=1e-2)


def test_what_does_not_vary_or_is_undefined_goes_with_nothing() -> None:
    rows = drawn(np.array([[1, 0.8], [0.8, 1]]))
    flat = np.column_stack([rows, np.ones(len(rows))])
    assert correlation(flat)[2].tolist() == [0, 0, 1]
    assert correlation(flat)[0, 1] == pytest.approx(0.8, abs=0.02)
    lost = flat.copy()
    lost[5, 2] = np.nan
    assert correlation(lost)[0, 1] == pytest.approx(0.8, abs=0.02)
    assert correlation(np.full((10, 2), np.nan)).tolist() == np.eye(2).tolist()
