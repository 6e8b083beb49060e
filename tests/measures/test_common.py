"""Laws that every measure of the catalogue obeys; a new measure is tested before its author writes a line."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from audit.measures.measure import Measure
from audit.measures.rate_at import RateAt
from audit.measures.smooth import Smooth
from audit.measures.smooth_calibration import SmoothDistance
from audit.records import Interval, Rows, Undefined
from audit.statistics.resampling import patient_counts
from tests.measures.conftest import catalogue

ALL = pytest.mark.parametrize("measure", catalogue(), ids=lambda m: m.name)


def number(value: float | Undefined) -> float:
    assert not isinstance(value, Undefined), value
    return value


@ALL
def test_declares_what_a_reader_needs(measure: Measure, rows: Rows) -> None:
    assert measure.title
    assert measure.unit
    assert measure.source
    assert measure.tasks
    assert set(measure.columns) <= set(rows.columns)
    assert measure.low is None or measure.high is None or measure.low < measure.high


@ALL
def test_order_of_cases_does_not_matter(measure: Measure, clustered: Rows) -> None:
    order = np.random.default_rng(1).permutation(len(clustered))
    shuffled = Rows(clustered.patient[order], {k: v[order] for k, v in clustered.columns.items()})
    assert number(measure.point(shuffled)) == pytest.approx(number(measure.point(clustered)), rel=1e-9)
    one, other = measure.interval(clustered, 0.95), measure.interval(shuffled, 0.95)
    if isinstance(one, Interval):
        assert isinstance(other, Interval)
        assert (other.low, other.high) == pytest.approx((one.low, one.high), rel=1e-7)


SAMPLE_VARIANCES = {
    "icc", "agreement_limit_lower", "agreement_limit_upper", "ratio_limit_lower", "ratio_limit_upper",
}  # fmt: skip
"""They divide by n - 1, so that twice the cases change the last digits."""


@ALL
def test_duplicated_patients_leave_the_value(measure: Measure, rows: Rows) -> None:
    twice = Rows(
        np.concatenate([rows.patient, rows.patient + rows.n_patients]),
        {k: np.concatenate([v, v]) for k, v in rows.columns.items()},
    )
    rel = 0.03 if measure.name in SAMPLE_VARIANCES else 1e-9
    assert number(measure.point(twice)) == pytest.approx(number(measure.point(rows)), rel=rel)


@ALL
def test_nothing_is_undefined_not_zero(measure: Measure, rows: Rows) -> None:
    empty = rows.where(np.zeros(len(rows), dtype=bool))
    assert measure.point(empty) == Undefined("no cases")
    assert isinstance(measure.interval(empty, 0.95), Undefined)
    assert np.isnan(measure.replicates(empty, patient_counts(60, 5, 1))).all()
    assert set(measure.denominators(empty).values()) == {0}


NEEDS_BOTH = {"auroc", "calibration_slope", "calibration_intercept"}
NEEDS = {
    "sensitivity": 1.0, "specificity": 0.0, "notification_mean": 1.0, "notification_median": 1.0,
    "notification_p90": 1.0, "notification_p95": 1.0, "pooled_lesion_sensitivity": 1.0, "average_precision_voc": 1.0,
    "lesion_sensitivity": 1.0,
    "average_precision_coco": 1.0, "lesion_sensitivity_at_fp_0.5": 1.0, "lesion_sensitivity_at_fp_1": 1.0,
    "lesion_sensitivity_at_fp_2": 1.0,
}  # fmt: skip


@ALL
@pytest.mark.parametrize("only", [0.0, 1.0])
def test_one_class_group(measure: Measure, rows: Rows, only: float) -> None:
    kept = rows.where(rows.columns["reference"] == only)
    needs_both = isinstance(measure.estimator, Smooth | RateAt | SmoothDistance) or measure.name in NEEDS_BOTH
    lacking = NEEDS[measure.name] != only if measure.name in NEEDS else needs_both
    found = measure.point(kept)
    assert isinstance(found, Undefined) == lacking
    if isinstance(found, Undefined):
        assert (
            "reference-positive" in found.reason
            or "no reference-" in found.reason
            or "no positive" in found.reason
            or "no negative" in found.reason
            or "no lesions" in found.reason
        )
        assert 0 in measure.denominators(kept).values()
        assert np.isnan(measure.replicates(kept, patient_counts(60, 5, 1))).all()


@ALL
def test_value_and_interval_lie_in_the_range(measure: Measure, rows: Rows, clustered: Rows) -> None:
    low = -math.inf if measure.low is None else measure.low
    high = math.inf if measure.high is None else measure.high
    for some in (rows, clustered, rows.where(np.arange(len(rows)) < 12)):
        value = measure.point(some)
        if isinstance(value, Undefined):
            continue
        assert low <= value <= high
        interval = measure.interval(some, 0.95)
        assert (interval is None) == (not measure.analytic)
        if isinstance(interval, Interval):
            assert low <= interval.low <= value <= interval.high <= high
            assert interval.method


@ALL
def test_rows_without_a_needed_column_are_left_out(measure: Measure, rows: Rows) -> None:
    for name in measure.columns:
        holed = {**rows.columns, name: rows.columns[name].copy()}
        holed[name][::7] = np.nan
        rest = rows.where(np.arange(len(rows)) % 7 != 0)
        assert measure.point(Rows(rows.patient, holed)) == measure.point(rest)
        assert measure.denominators(Rows(rows.patient, holed)) == measure.denominators(rest)


@ALL
def test_every_patient_once_gives_the_value(measure: Measure, clustered: Rows) -> None:
    counts = np.ones((3, 40), dtype=np.uint8)
    assert measure.replicates(clustered, counts) == pytest.approx([number(measure.point(clustered))] * 3, rel=1e-9)


@ALL
def test_a_patient_drawn_twice_is_twice_in_the_data(measure: Measure, rows_of: Callable[..., Rows]) -> None:
    rows, counts = rows_of(200), patient_counts(200, 40, 5)
    found = measure.replicates(rows, counts)
    drawn = []
    for row in counts:
        index = np.repeat(np.arange(200), row)
        drawn.append(number(measure.point(Rows(np.arange(200), {k: v[index] for k, v in rows.columns.items()}))))
    if measure.name.startswith("calibration"):
        assert np.corrcoef(drawn, found)[0, 1] > 0.98, "one Newton step follows the full fit"
        assert np.std(found) == pytest.approx(np.std(drawn), rel=0.15)
    else:
        assert found == pytest.approx(drawn, rel=1e-9)


@ALL
def test_many_at_once_equals_one_by_one(measure: Measure, clustered: Rows) -> None:
    counts = patient_counts(40, 20, 2)
    parts = [clustered, clustered.where(clustered.patient < 25), clustered.where(clustered.patient > 99)]
    together = measure.replicates_of_many(parts, counts)
    for part, values in zip(parts, together, strict=True):
        np.testing.assert_allclose(values, measure.replicates(part, counts), rtol=1e-12)


OTHER_METHOD = {"ratio_limit_lower": 0.2, "agreement_limit_upper": 0.2, "icc": 0.55}
"""Normal theory with one case per patient, none with several; the ICC's F limits count two raters as a sample."""


@ALL
def test_clusters_widen_the_interval(measure: Measure, rows: Rows) -> None:
    """Every case copied four times within its patient carries no new information."""
    copied = Rows(np.tile(rows.patient, 4), {k: np.concatenate([v] * 4) for k, v in rows.columns.items()})
    if measure.name == "repeatability_coefficient":
        pytest.skip("its cases are repeats of one patient already, a copy of a repeat is one more repeat")
    one, four = measure.interval(rows, 0.95), measure.interval(copied, 0.95)
    if isinstance(one, Interval):
        assert isinstance(four, Interval)
        finite = math.isfinite(one.high) and math.isfinite(four.high)
        rel = 0.12 if one.method == four.method or measure.name not in OTHER_METHOD else OTHER_METHOD[measure.name]
        if finite:
            assert four.high - four.low == pytest.approx(one.high - one.low, rel=rel)


OF_THE_REFERENCE = {
    "reference",
    "lesions_reference",
    "volume_reference_ml",
    "grade_reference",
    "n_grades",
    "lesion_weight",
}


@ALL
def test_failures_counted_against_the_model_never_help(measure: Measure, rows: Rows) -> None:
    if measure.worst_case is None:
        return
    failed = np.arange(len(rows)) % 9 == 0
    holed = {
        k: v if k in OF_THE_REFERENCE else np.where(failed[:, None] if v.ndim > 1 else failed, np.nan, v)
        for k, v in rows.columns.items()
    }
    bound = measure.worst_case(Rows(rows.patient, holed), failed)
    worst = measure.point(bound)
    if isinstance(worst, Undefined):
        assert "below the chance line" in worst.reason
        return
    sign = -1 if measure.direction == "lower" else 1
    assert sign * worst < sign * number(measure.point(rows.where(~failed)))
    assert sign * worst <= sign * number(measure.point(rows))
