"""Precision against hand computation, Bland & Altman's published meters, statsmodels' ANOVA and simulation."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from audit.records import BadInput, Interval, Undefined
from audit.statistics.repeatability import IDENTICAL, Precision, Repeatability, Reproducibility, repeatability
from audit.statistics.variance_components import sum_limits

# Peak expiratory flow, L/min, 17 subjects, each meter twice: Bland & Altman, Lancet 1986;327:307.
WRIGHT = (
    [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427],
    [490, 397, 512, 401, 470, 611, 415, 431, 638, 429, 420, 633, 275, 492, 165, 372, 421],
)
MINI = (
    [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451],
    [525, 415, 508, 444, 500, 625, 460, 390, 642, 432, 420, 605, 227, 467, 268, 370, 443],
)


def found(values: object, subject: object, condition: object = None, confidence: float = 0.95) -> Repeatability:
    answer = repeatability(values, subject, condition, confidence)  # type: ignore[arg-type]
    assert isinstance(answer, Repeatability)
    return answer


def sure(precision: Precision | Undefined) -> Precision:
    assert isinstance(precision, Precision)
    return precision


def limits(precision: Precision | Undefined) -> tuple[float, float]:
    interval = sure(precision).interval
    assert isinstance(interval, Interval)
    return interval.low, interval.high


def test_by_hand() -> None:
    """Subjects 10, 12 and 20, 22, 24: variances 2 and 4, pooled (2 + 8) / 3."""
    got = found([10, 12, 20, 22, 24], ["a", "a", "b", "b", "b"])
    assert (got.n_subjects, got.n_values, got.df) == (2, 5, 3)
    assert sure(got.within_sd).value == pytest.approx(math.sqrt(10 / 3))
    assert sure(got.coefficient).value == pytest.approx(1.96 * math.sqrt(2) * math.sqrt(10 / 3))
    assert sure(got.cv_percent).value == pytest.approx(100 * math.sqrt((2 / 121 + 8 / 484) / 3))
    chi2 = 9.348404, 0.215795  # upper and lower 2.5 % points, 3 degrees of freedom
    assert limits(got.within_sd) == pytest.approx(tuple(math.sqrt(10 / c) for c in chi2), rel=1e-5)
    ratio = sure(got.coefficient_percent).value / sure(got.cv_percent).value
    assert ratio == pytest.approx(2.7719, abs=1e-4)
    assert got.by_condition == {}
    assert got.reproducibility == Undefined("reproducibility needs measurements under two or more conditions")


@pytest.mark.parametrize(("meter", "published"), [(WRIGHT, 43.2), (MINI, 56.4)])
def test_flow_meters_of_bland_and_altman(meter: tuple[list[int], list[int]], published: float) -> None:
    """Their coefficient of repeatability is twice the SD of the differences about zero."""
    got = found(np.concatenate(meter), np.tile(np.arange(17), 2))
    assert 2 * math.sqrt(2) * sure(got.within_sd).value == pytest.approx(published, abs=0.1)


def crossed(subjects: int, conditions: int, repeats: int, seed: int, sd: tuple[float, ...]) -> pd.DataFrame:
    """Measurements with SDs of subject, condition, interaction and repeat."""
    generator = np.random.default_rng(seed)
    s, c, r = np.indices((subjects, conditions, repeats)).reshape(3, -1)
    value = 100 + generator.normal(0, sd[0], subjects)[s] + generator.normal(0, sd[1], conditions)[c]
    value = value + generator.normal(0, sd[2], (subjects, conditions))[s, c] + generator.normal(0, sd[3], s.size)
    return pd.DataFrame({"s": s, "c": c, "r": r, "value": value})


@pytest.mark.parametrize("repeats", [2, 3])
def test_components_are_those_of_statsmodels(repeats: int) -> None:
    from statsmodels.formula.api import ols
    from statsmodels.stats.anova import anova_lm

    n, k = 7, 4
    frame = crossed(n, k, repeats, 5, (10, 3, 2, 1))
    table = anova_lm(ols("value ~ C(s) * C(c)", frame).fit())
    square = table["sum_sq"] / table["df"]
    rows, columns, both, error = square["C(s)"], square["C(c)"], square["C(s):C(c)"], square["Residual"]
    got = found(frame["value"], frame["s"], frame["c"]).reproducibility
    assert isinstance(got, Reproducibility)
    parts = got.components
    assert parts.repeat == pytest.approx(error)
    assert parts.interaction == pytest.approx((both - error) / repeats)
    assert parts.condition == pytest.approx((columns - both) / (n * repeats))
    assert parts.subject == pytest.approx((rows - both) / (k * repeats))
    assert got.sd.value**2 == pytest.approx(parts.condition + parts.interaction + parts.repeat)
    assert got.coefficient.value == pytest.approx(2.7719 * got.sd.value, rel=1e-4)


def test_without_repeats_interaction_and_error_stay_together() -> None:
    frame = crossed(12, 3, 1, 8, (10, 3, 0, 1))
    got = found(frame["value"], frame["s"], frame["c"])
    assert got.within_sd == Undefined("no subject was measured twice under one condition")
    assert isinstance(got.reproducibility, Reproducibility)
    assert isinstance(got.reproducibility.components.repeat, Undefined)
    wide = frame.pivot(index="s", columns="c", values="value")
    between = wide.var(axis=1, ddof=1).mean()  # of one subject's values over the conditions
    assert got.reproducibility.sd.value**2 == pytest.approx(between)


def test_intervals_cover() -> None:
    """Of 400 simulated studies, 95 % intervals of repeatability and reproducibility SD hold the true ones."""
    inside = np.zeros(3)
    for seed in range(400):
        frame = crossed(15, 5, 2, seed, (10, 1.5, 1, 2))
        got = found(frame["value"], frame["s"], frame["c"])
        assert isinstance(got.reproducibility, Reproducibility)
        truth = 2.0, math.sqrt(1.5**2 + 1 + 4), 2.0
        seen = got.within_sd, got.reproducibility.sd, got.cv_percent
        inside += [low <= true <= high for true, (low, high) in zip(truth, map(limits, seen), strict=True)]
    assert (inside / 400 > 0.925).all()
    assert inside[0] / 400 < 0.975


def test_one_variance_has_the_chi_square_interval() -> None:
    assert sum_limits([(4.0, 9)], 0.95) == pytest.approx((36 / stats.chi2.ppf(0.975, 9), 36 / stats.chi2.ppf(0.025, 9)))


def test_uneven_repeats_and_each_condition_apart() -> None:
    frame = crossed(6, 2, 3, 1, (10, 3, 2, 1)).drop(index=[0, 7])
    frame["site"] = frame["c"].map({0: "North", 1: "South"})
    got = found(frame["value"], frame["s"], frame["site"])
    assert isinstance(got.reproducibility, Reproducibility)
    south = frame[frame["site"] == "South"]
    assert sure(got.by_condition["South"]) == sure(found(south["value"], south["s"]).within_sd)
    pooled = frame.groupby(["s", "site"])["value"].agg(["var", "size"])
    within = (pooled["var"] * (pooled["size"] - 1)).sum() / (pooled["size"] - 1).sum()
    assert sure(got.within_sd).value ** 2 == pytest.approx(within)


def test_what_cannot_be_said_has_a_reason() -> None:
    assert repeatability([], []) == Undefined("no measurements")
    same = found([5, 5, 7, 7], [1, 1, 2, 2])
    assert sure(same.within_sd).value == 0
    assert isinstance(sure(same.within_sd).interval, Undefined)
    assert sure(found([0.1] * 3 + [0.7] * 3, [1] * 3 + [2] * 3).within_sd) == Precision(0.0, IDENTICAL)
    assert isinstance(found([-1, 1, 2, 3], [1, 1, 2, 2]).cv_percent, Undefined)
    nested = found([1, 2, 3, 4], ["a", "a", "b", "b"], ["x", "x", "y", "y"]).reproducibility
    assert isinstance(nested, Undefined)
    assert "2 of 4 combinations" in nested.reason
    lone = found([1, 2], ["a", "a"], ["x", "y"]).reproducibility
    assert lone == Undefined("reproducibility needs two or more subjects")
    with pytest.raises(BadInput, match="differ in length"):
        repeatability([1.0, 2.0], [1])
    with pytest.raises(BadInput, match="lacks a label"):
        repeatability([1.0, 2.0], np.array(["a", None], dtype=object))
    with pytest.raises(BadInput, match="not finite"):
        repeatability([1.0, math.nan], [1, 1])


def test_spread_that_grows_with_size_is_seen() -> None:
    generator = np.random.default_rng(2)
    mean = np.repeat(np.linspace(10, 1000, 30), 3)
    got = found(mean * (1 + generator.normal(0, 0.1, mean.size)), np.repeat(np.arange(30), 3))
    assert not isinstance(got.spread_with_size, Undefined)
    tau, p = got.spread_with_size
    assert tau > 0.4
    assert p < 0.001
    assert sure(got.cv_percent).value == pytest.approx(10, rel=0.15)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(1, 1000)), min_size=2, max_size=30),
    st.floats(0.1, 50),
    st.randoms(use_true_random=False),
)
def test_laws(rows: list[tuple[int, int]], factor: float, shuffler: object) -> None:
    """Order of rows does not matter; a new unit scales SDs and leaves percentages as they are."""
    first = found([v for _, v in rows], [s for s, _ in rows])
    shuffled = list(rows)
    shuffler.shuffle(shuffled)  # type: ignore[attr-defined]
    second = found([factor * v for _, v in shuffled], [s for s, _ in shuffled])
    for mine, yours, scale in (
        (first.within_sd, second.within_sd, factor),
        (first.cv_percent, second.cv_percent, 1.0),
    ):
        if isinstance(mine, Undefined):
            assert mine == yours
        else:
            assert sure(yours).value == pytest.approx(scale * mine.value, rel=1e-6, abs=1e-6)
