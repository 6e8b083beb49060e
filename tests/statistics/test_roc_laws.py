"""Laws every AUROC obeys, and published values that need no reference folder."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from audit.records import BadInput, Undefined
from audit.statistics.roc import (
    auroc,
    auroc_interval,
    delong,
    fay_malinovsky,
    logit_interval,
    newcombe5,
    wald_interval,
)
from audit.statistics.roc_clustered import (
    clustered_auroc,
    independent_auroc_difference,
    overall_auroc_test,
    paired_auroc_difference,
)
from audit.statistics.roc_partial import (
    mcclish,
    partial_area,
    roc_curve,
    sensitivity_at_specificity,
    specificity_at_sensitivity,
)

# Hanley & McNeil, Radiology 1982;143:29, table I: ratings 1 to 5 of 58 normal and 51 abnormal CT images
CT_NORMAL, CT_ABNORMAL = (33, 6, 6, 11, 2), (3, 2, 2, 11, 33)


def _ct() -> tuple[np.ndarray, np.ndarray]:
    ratings = np.arange(1, 6)
    score = np.concatenate([np.repeat(ratings, CT_NORMAL), np.repeat(ratings, CT_ABNORMAL)])
    return score.astype(float), np.repeat([0, 1], [58, 51])


@st.composite
def readings(draw, smallest: int = 1):
    """Tied scores of at least ``smallest`` positive and negative cases."""
    n = draw(st.integers(2 * smallest, 40))
    score = np.array(draw(st.lists(st.integers(-4, 4), min_size=n, max_size=n)), dtype=float)
    y = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    assume(smallest <= y.sum() <= n - smallest)
    return score, y


def test_hanley_mcneil_1982() -> None:
    score, y = _ct()
    placements = delong(score, y)
    assert placements.auroc == pytest.approx(0.893, abs=5e-4)
    wald = wald_interval(placements.auroc, placements.variance)
    stata = 0.0307, 0.83295, 0.95339  # Stata manual, roctab on the same data
    assert (math.sqrt(placements.variance), wald.low, wald.high) == pytest.approx(stata, abs=5e-5)
    assert auroc_interval(score, y, method="wald") == wald
    logit = auroc_interval(score, y)
    assert logit.low < placements.auroc < logit.high
    assert placements.auroc - logit.low > logit.high - placements.auroc


@given(readings())
def test_definition_ties_and_label_swap(data) -> None:
    score, y = data
    pairs = np.subtract.outer(score[y], score[~y])
    expected = ((pairs > 0) + 0.5 * (pairs == 0)).mean()
    assert auroc(score, y) == pytest.approx(expected)
    assert auroc(score, ~y) == pytest.approx(1 - expected)
    assert auroc(-score, y) == pytest.approx(1 - expected)
    assert partial_area(roc_curve(score, y), 0.0, 1.0) == pytest.approx(expected)


@given(readings(), st.randoms())
def test_order_and_monotone_scores(data, random) -> None:
    score, y = data
    order = random.sample(range(score.size), score.size)
    assert auroc(score[order], y[order]) == pytest.approx(auroc(score, y))
    assert auroc(np.exp(score), y) == auroc(score, y)
    assert auroc_interval(np.exp(score), y) == auroc_interval(score, y)


@given(readings(smallest=2))
def test_duplicated_cases_of_a_patient_leave_its_interval_alone(data) -> None:
    score, y = data
    patient = np.arange(score.size)
    once = clustered_auroc(score, y, patient)
    twice = clustered_auroc(np.repeat(score, 2), np.repeat(y, 2), np.repeat(patient, 2))
    assert twice.value == pytest.approx(once.value)
    assert twice.variance == pytest.approx(once.variance)
    assert once.variance == pytest.approx(delong(score, y).variance)
    assert once.interval.low - 1e-12 <= once.value <= once.interval.high + 1e-12


@given(readings())
def test_weights_count_cases(data) -> None:
    score, y = data
    weight = np.arange(score.size) % 3 + 1
    expanded = auroc(np.repeat(score, weight), np.repeat(y, weight))
    assert auroc(score, y, weights=weight) == pytest.approx(expanded)


@settings(deadline=None)
@given(readings())
def test_every_interval_contains_its_value(data) -> None:
    score, y = data
    value = auroc(score, y)
    sizes = int(y.sum()), int((~y).sum())
    for interval in (auroc_interval(score, y), newcombe5(value, *sizes), fay_malinovsky(score, y)):
        assert 0 <= interval.low <= value + 1e-9
        assert value - 1e-9 <= interval.high <= 1


def test_paired_and_independent_comparisons() -> None:
    score, y = _ct()
    other = np.where(np.arange(score.size) % 7 == 0, 3.0, score)
    paired, swapped = paired_auroc_difference(score, other, y), paired_auroc_difference(other, score, y)
    assert paired.value == pytest.approx(-swapped.value)
    assert paired.p == pytest.approx(swapped.p)
    overall = overall_auroc_test((score, other), y)
    assert overall.chi2 == pytest.approx(paired.statistic**2)
    assert isinstance(paired_auroc_difference(score, score, y), Undefined)
    same = independent_auroc_difference(delong(score, y), delong(score, y))
    assert (same.value, same.p) == (0, 1)


def test_few_patients_use_t_and_very_few_a_score_interval() -> None:
    generator = np.random.default_rng(3)
    patient = np.repeat(np.arange(40), 3)
    y = np.repeat(np.arange(40) < 15, 3)
    score = generator.normal(size=120) + y
    found = clustered_auroc(score, y, patient)
    assert found.interval.method == "Obuchowski, t, logit"
    plain = logit_interval(found.value, found.variance)
    assert found.interval.low < plain.low
    few = clustered_auroc(score[:27], [1] * 12 + [0] * 15, patient[:27])
    assert few.interval.method == "Newcombe method 5 (fewer than 10 patients in a class)"


def test_rates_at_a_fixed_point() -> None:
    curve = roc_curve([1, 2, 3, 4], [0, 1, 0, 1])
    assert sensitivity_at_specificity(curve, 0.5) == 1.0
    assert sensitivity_at_specificity(curve, 0.75) == 0.5
    assert sensitivity_at_specificity(curve, 0.75, interpolated=False) == 0.5
    assert specificity_at_sensitivity(curve, 1.0) == 0.5
    assert isinstance(mcclish(0.001, 0.8, 1.0), Undefined)
    assert mcclish(0.2, 0.8, 1.0) == pytest.approx(1.0)


@pytest.mark.parametrize("y", [[], [1, 1, 1], [0, 0, 0]], ids=["no cases", "no negatives", "no positives"])
def test_a_missing_class_is_undefined(y) -> None:
    score = list(range(len(y)))
    for found in (
        auroc(score, y),
        delong(score, y),
        auroc_interval(score, y),
        clustered_auroc(score, y, score),
        paired_auroc_difference(score, score, y),
        fay_malinovsky(score, y),
        roc_curve(score, y),
    ):
        assert isinstance(found, Undefined)
        assert "no " in found.reason


def test_bad_input_is_named() -> None:
    with pytest.raises(BadInput, match="not finite"):
        auroc([1.0, math.nan], [0, 1])
    with pytest.raises(BadInput, match="differ in length"):
        auroc([1.0, 2.0], [0, 1, 1])
    with pytest.raises(BadInput, match="only 0 and 1"):
        auroc([1.0, 2.0], [0, 2])
    with pytest.raises(BadInput, match="confidence"):
        newcombe5(0.8, 10, 10, confidence=95)
