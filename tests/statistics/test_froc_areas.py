"""Areas over marks: equal to the figures of merit, their influence to the jackknife, replicates to drawing again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.statistics import froc
from audit.statistics.froc_areas import (
    area,
    area_influence,
    area_replicates,
    cases_against_normals,
    lesions_against_normals,
)
from audit.statistics.resampling import patient_counts
from audit.statistics.roc_clustered import clustered_auroc

KINDS = {
    "wafroc": (lambda data: lesions_against_normals(data, weighted=True), froc.wafroc),
    "afroc": (lambda data: lesions_against_normals(data, weighted=False), froc.afroc),
    "inferred": (cases_against_normals, froc.inferred_roc_auc),
}
EVERY = pytest.mark.parametrize("kind", KINDS)


def simulated(n_cases: int, seed: int, step: float = 0.25) -> froc.Marks:
    """Up to three lesions in half of the cases, ratings in steps so that ties occur, some lesions unmarked."""
    rng = np.random.default_rng(seed)
    diseased = np.arange(n_cases) % 2 == 1
    lesion_case = np.repeat(np.flatnonzero(diseased), rng.integers(1, 4, int(diseased.sum())))
    rating = np.round(rng.normal(1, 1, lesion_case.size) / step) * step
    rating[rng.uniform(size=rating.size) < 0.2] = -np.inf
    false_case = np.repeat(np.arange(n_cases), rng.poisson(0.8, n_cases))
    false = np.round(rng.normal(0, 1, false_case.size) / step) * step
    return froc.marks(diseased, false_case, false, lesion_case, rating)


@EVERY
@pytest.mark.parametrize("seed", range(4))
def test_the_area_is_the_figure_of_merit(kind: str, seed: int) -> None:
    data = simulated(40, seed)
    units, figure = KINDS[kind]
    assert area(units(data)) == pytest.approx(figure(data), rel=1e-12)
    once = np.ones((1, 40), dtype=np.uint8)
    assert area_replicates(once, np.arange(40), units(data)) == pytest.approx(figure(data), rel=1e-12)


@EVERY
def test_influence_is_what_the_jackknife_sees(kind: str) -> None:
    data = simulated(400, 5)
    units, figure = KINDS[kind]
    whole = area(units(data))
    left_out = np.array([(len(data.diseased) - 1) * (whole - figure(data.without(k))) for k in range(data.n_cases)])
    influence = area_influence(units(data), data.n_cases) * data.n_cases
    assert influence.sum() == pytest.approx(0, abs=1e-9)
    assert np.corrcoef(influence, left_out)[0, 1] > 0.9999
    assert np.std(left_out) == pytest.approx(np.std(influence), rel=0.01)


def test_the_inferred_area_has_delongs_variance() -> None:
    data = simulated(300, 8)
    score = np.where(np.isinf(data.highest), -99.0, data.highest)
    found = clustered_auroc(score, data.diseased, np.arange(300))
    influence = area_influence(cases_against_normals(data), 300)
    assert np.square(influence).sum() == pytest.approx(found.variance, rel=0.01)


@EVERY
def test_a_resample_is_the_same_cases_drawn_again(kind: str) -> None:
    data = simulated(30, 2)
    units, _ = KINDS[kind]
    counts = patient_counts(30, 25, 3)
    found = area_replicates(counts, np.arange(30), units(data))
    for row, value in zip(counts, found, strict=True):
        assert area(units(drawn_again(data, row))) == pytest.approx(value, rel=1e-12)


def drawn_again(data: froc.Marks, times: np.ndarray) -> froc.Marks:
    """Every case as often as ``times`` says, as cases of their own."""
    source = np.repeat(np.arange(data.n_cases), times)
    false = [np.flatnonzero(data.false_case == case) for case in source]
    lesion = [np.flatnonzero(data.lesion_case == case) for case in source]
    places = np.arange(source.size)
    flat_false, flat_lesion = (np.concatenate([*each, np.zeros(0, int)]).astype(int) for each in (false, lesion))
    return froc.Marks(
        data.diseased[source],
        np.repeat(places, [each.size for each in false]),
        data.false_rating[flat_false],
        np.repeat(places, [each.size for each in lesion]),
        data.lesion_rating[flat_lesion],
        data.lesion_weight[flat_lesion],
    )


@EVERY
def test_a_resample_without_a_class_has_no_area(kind: str) -> None:
    units, _ = KINDS[kind]
    data = simulated(10, 1)
    only_normal = np.where(data.diseased, 0, 1).astype(np.uint8)[None]
    only_diseased = np.where(data.diseased, 1, 0).astype(np.uint8)[None]
    for counts in (only_normal, only_diseased):
        assert np.isnan(area_replicates(counts, np.arange(10), units(data))).all()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_monotone_ratings_change_nothing(seed: int) -> None:
    data = simulated(24, seed)
    warped = froc.Marks(
        data.diseased,
        data.false_case,
        np.exp(data.false_rating),
        data.lesion_case,
        np.where(np.isinf(data.lesion_rating), -np.inf, np.exp(data.lesion_rating)),
        data.lesion_weight,
    )
    for units, _ in KINDS.values():
        assert area(units(warped)) == area(units(data))
        np.testing.assert_array_equal(area_influence(units(warped), 24), area_influence(units(data), 24))
