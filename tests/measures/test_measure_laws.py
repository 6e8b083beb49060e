"""Laws over the whole catalogue on small, awkward rows: ties, one patient, one class, several cases per patient."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.measures.measure import Measure
from audit.measures.smooth_calibration import SmoothDistance
from audit.records import FloatArray, Interval, Rows, Undefined
from tests.measures.conftest import catalogue, make_rows
from tests.measures.test_common import SAMPLE_VARIANCES

MEASURES = {measure.name: measure for measure in catalogue()}
OF_CLASSES = [m for m in MEASURES.values() if "classification" in m.tasks]
LAW = settings(max_examples=10, deadline=None, derandomize=True)
every = pytest.mark.parametrize("measure", list(MEASURES.values()), ids=lambda m: m.name)


@st.composite
def awkward(draw: st.DrawFn) -> Rows:
    """1 to 25 cases of at most as many patients; scores on a grid of 12 steps, decided at 0.5."""
    n = draw(st.integers(1, 25))
    patient = np.array(draw(st.lists(st.integers(0, n - 1), min_size=n, max_size=n)))
    score = np.array(draw(st.lists(st.integers(0, 12), min_size=n, max_size=n))) / 13 + 0.03
    reference = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)), dtype=float)
    return whole(patient, score, reference)


def whole(patient: np.ndarray, score: FloatArray, reference: FloatArray) -> Rows:
    decided = (score >= 0.5).astype(float)
    others = make_rows(score.size).columns
    return Rows(patient, {**others, "score": score, "reference": reference, "decision": decided})


def same(one: float | Undefined, other: float | Undefined, rel: float = 1e-9) -> bool:
    if isinstance(one, Undefined) or isinstance(other, Undefined):
        return isinstance(one, Undefined) and isinstance(other, Undefined)
    return one == pytest.approx(other, rel=rel, abs=1e-9)


@every
@LAW
@given(rows=awkward())
def test_a_number_or_a_reason_and_an_interval_with_width(measure: Measure, rows: Rows) -> None:
    value = measure.point(rows)
    if isinstance(value, Undefined):
        assert value.reason
        return
    assert not math.isnan(value)
    assert measure.low is None or value >= measure.low - 1e-12
    assert measure.high is None or value <= measure.high + 1e-12
    interval = measure.interval(rows, 0.95)
    if isinstance(interval, Interval):
        assert interval.low - 1e-9 <= value <= interval.high + 1e-9
        assert interval.low < interval.high
        wider = measure.interval(rows, 0.99)
        assert isinstance(wider, Interval)
        assert wider.low <= interval.low + 1e-9
        assert wider.high >= interval.high - 1e-9


@every
@LAW
@given(rows=awkward(), seed=st.integers(0, 99))
def test_order_of_cases_and_names_of_patients_do_not_matter(measure: Measure, rows: Rows, seed: int) -> None:
    rng = np.random.default_rng(seed)
    order, names = rng.permutation(len(rows)), rng.permutation(int(rows.patient.max()) + 1)
    other = Rows(names[rows.patient][order], {k: v[order] for k, v in rows.columns.items()})
    assert same(measure.point(rows), measure.point(other))
    one, two = measure.interval(rows, 0.95), measure.interval(other, 0.95)
    assert type(one) is type(two)
    if isinstance(one, Interval) and isinstance(two, Interval):
        assert (two.low, two.high) == pytest.approx((one.low, one.high), rel=1e-6, abs=1e-9)


@every
@LAW
@given(rows=awkward())
def test_every_patient_twice_is_the_same_value(measure: Measure, rows: Rows) -> None:
    if isinstance(measure.estimator, SmoothDistance) or measure.name in SAMPLE_VARIANCES | {"ratio_bias"}:
        return  # the smoother's span counts cases; variances divide by n - 1; a ratio of one case has no interval
    twice = Rows(
        np.concatenate([rows.patient, rows.patient + int(rows.patient.max()) + 1]),
        {k: np.concatenate([v, v]) for k, v in rows.columns.items()},
    )
    assert same(measure.point(rows), measure.point(twice))


@every
@LAW
@given(rows=awkward(), hole=st.sampled_from([np.nan, np.inf]))
def test_a_case_without_a_needed_value_never_counts(measure: Measure, rows: Rows, hole: float) -> None:
    name = measure.columns[-1]
    lost = np.arange(len(rows)) % 3 == 0
    holed = Rows(rows.patient, {**rows.columns, name: np.where(lost, hole, rows.columns[name])})
    assert same(measure.point(holed), measure.point(rows.where(~lost)))


@pytest.mark.parametrize("measure", [m for m in OF_CLASSES if m.by_rank], ids=lambda m: m.name)
@LAW
@given(rows=awkward(), power=st.sampled_from([0.3, 1.0, 3.0]), shift=st.floats(-5, 5))
def test_only_the_order_of_the_scores_matters(measure: Measure, rows: Rows, power: float, shift: float) -> None:
    changed = Rows(rows.patient, {**rows.columns, "score": rows.columns["score"] ** power * 7 + shift})
    assert same(measure.point(rows), measure.point(changed))
    one, other = measure.interval(rows, 0.95), measure.interval(changed, 0.95)
    if isinstance(one, Interval) and isinstance(other, Interval):
        assert (other.low, other.high) == pytest.approx((one.low, one.high))


@pytest.mark.parametrize(
    "measure", [m for m in OF_CLASSES if not m.by_rank and "score" in m.columns], ids=lambda m: m.name
)
def test_the_others_see_more_than_the_order(measure: Measure, rows: Rows) -> None:
    """What claims less than it could is found here: a measure that only ranks must say so."""
    changed = Rows(rows.patient, {**rows.columns, "score": rows.columns["score"] ** 3})
    assert not same(measure.point(rows), measure.point(changed))


@pytest.mark.parametrize("measure", [m for m in OF_CLASSES if m.dual], ids=lambda m: m.name)
@LAW
@given(rows=awkward())
def test_positive_and_negative_change_places(measure: Measure, rows: Rows) -> None:
    swapped = Rows(rows.patient, {name: 1.0 - values for name, values in rows.columns.items()})
    dual = MEASURES[measure.dual]
    assert same(measure.point(rows), dual.point(swapped))
    one, other = measure.interval(rows, 0.95), dual.interval(swapped, 0.95)
    if isinstance(one, Interval) and isinstance(other, Interval):
        assert (other.low, other.high) == pytest.approx((one.low, one.high), rel=1e-6)


def test_duals_point_at_each_other() -> None:
    for measure in OF_CLASSES:
        assert not measure.dual or MEASURES[measure.dual].dual == measure.name


@LAW
@given(rows=awkward())
def test_likelihood_ratios_turn_into_each_other(rows: Rows) -> None:
    swapped = Rows(rows.patient, {name: 1.0 - values for name, values in rows.columns.items()})
    plus, minus = (
        MEASURES["positive_likelihood_ratio"].point(rows),
        MEASURES["negative_likelihood_ratio"].point(swapped),
    )
    if isinstance(plus, float) and isinstance(minus, float) and 0 < plus < math.inf:
        assert plus * minus == pytest.approx(1)
