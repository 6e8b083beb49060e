"""Measurement, ordinal and triage measures against R (irr, psych, vcd, irrCAC) and closed forms."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from audit.catalogue import entries
from audit.records import Interval, Rows, Undefined
from audit.statistics.agreement_categorical import cohen_kappa, gwet

MEASURES = entries("measures")
# peak flow of 17 persons by two meters (Bland & Altman, Lancet 1986;327:307)
WRIGHT = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]
# two neurologists (Westlund & Kurland, Am J Hyg 1953;57:380), as reprinted by Landis & Koch 1977
WINNIPEG = [[38, 5, 0, 1], [33, 11, 3, 0], [10, 14, 5, 6], [3, 7, 3, 10]]


def measured(first: list[float], second: list[float], patient: object = None) -> Rows:
    columns = {"value_predicted": np.array(first, float), "value_reference": np.array(second, float)}
    return Rows(np.arange(len(first)) if patient is None else np.asarray(patient), columns)


def graded(table: list[list[int]]) -> Rows:
    size = len(table)
    cells = [(i, j) for i in range(size) for j in range(size) for _ in range(table[i][j])]
    first, second = (np.array(each, float) for each in zip(*cells, strict=True))
    columns = {"grade_predicted": first, "grade_reference": second, "n_grades": np.full(first.size, float(size))}
    return Rows(np.arange(first.size), columns)


@pytest.mark.parametrize(
    ("name", "value", "low", "high"),
    [
        # R 4.2.2 stats, irr 0.84.1, psych 2.2.9; limits after Bland & Altman 1999
        ("bias", -2.11764705882353, -22.0488376966452, 17.8135435789981),
        ("agreement_limit_lower", -78.097301611094, -112.853377909195, -43.341225312993),
        ("agreement_limit_upper", 73.8620074934469, 39.1059311953459, 108.618083791548),
        ("icc", 0.94592840557731, 0.857411171234992, 0.980078659146259),
    ],
)
def test_peak_flow(name: str, value: float, low: float, high: float) -> None:
    rows = measured(WRIGHT, MINI)
    interval = MEASURES[name].interval(rows, 0.95)
    assert isinstance(interval, Interval)
    assert MEASURES[name].point(rows) == pytest.approx(value, rel=1e-9)
    assert (interval.low, interval.high) == pytest.approx((low, high), rel=1e-6)


def test_mean_absolute_error_of_the_peak_flow() -> None:
    assert MEASURES["mae"].point(measured(WRIGHT, MINI)) == pytest.approx(28.9411764705882, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "value", "low", "high"),
    [
        # vcd 1.4.11, psych 2.2.9, irrCAC 1.0
        ("kappa", 0.207942464040025, 0.10905176534109197, 0.30683316273895805),
        ("kappa_linear", 0.379730547986679, 0.2784654294032545, 0.48099566657010345),
        ("kappa_quadratic", 0.52457646433184, 0.40687063353352715, 0.6422822951301529),
        ("gwet_ac1", 0.257779687835752, None, None),
        ("gwet_ac2", 0.62209194071912, None, None),
        ("exact_agreement", 0.429530201342282, None, None),
    ],
)
def test_two_neurologists(name: str, value: float, low: float | None, high: float | None) -> None:
    rows = graded(WINNIPEG)
    interval = MEASURES[name].interval(rows, 0.95)
    assert isinstance(interval, Interval)
    assert MEASURES[name].point(rows) == pytest.approx(value, rel=1e-9)
    if low is not None:
        assert (interval.low, interval.high) == pytest.approx((low, high), rel=1e-6)


@pytest.mark.parametrize(("name", "error"), [("gwet_ac1", 0.0544121932355377), ("gwet_ac2", 0.0552957135393117)])
def test_gwet_limits_are_t_limits_of_the_published_error(name: str, error: float) -> None:
    rows = graded(WINNIPEG)
    interval = MEASURES[name].interval(rows, 0.95)
    assert interval.high - interval.low == pytest.approx(2 * stats.t.ppf(0.975, 148) * error, rel=1e-6)


@pytest.mark.parametrize("weights", ["unweighted", "linear", "quadratic"])
def test_sums_and_cross_table_agree(weights: str) -> None:
    table = np.random.default_rng(4).integers(0, 9, (5, 5)).tolist()
    name = {"unweighted": "kappa", "linear": "kappa_linear", "quadratic": "kappa_quadratic"}[weights]
    assert MEASURES[name].point(graded(table)) == pytest.approx(cohen_kappa(table, weights).value, rel=1e-12)
    if weights != "linear":
        ac = "gwet_ac1" if weights == "unweighted" else "gwet_ac2"
        assert MEASURES[ac].point(graded(table)) == pytest.approx(gwet(table, weights).value, rel=1e-12)


def test_the_icc_of_shrout_and_fleiss_first_two_judges(shared: Path) -> None:
    """The reference case holds four judges; two of them through the entry equal the ANOVA done by hand."""
    case = json.loads((shared / "reference/cases/07-agreement-icc-shrout-fleiss.json").read_text(encoding="utf-8"))
    table = np.array(case["inputs"]["ratings_targets_by_judges"], float)[:, :2]
    n, k = table.shape
    grand = table.mean()
    rows = k * ((table.mean(axis=1) - grand) ** 2).sum() / (n - 1)
    columns = n * ((table.mean(axis=0) - grand) ** 2).sum() / (k - 1)
    rest = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + grand
    error = (rest**2).sum() / ((n - 1) * (k - 1))
    expected = (rows - error) / (rows + (k - 1) * error + k * (columns - error) / n)
    assert MEASURES["icc"].point(measured(table[:, 0], table[:, 1])) == pytest.approx(expected, rel=1e-12)


def test_a_scaled_measurement_scales_its_limits_and_leaves_icc_and_ratio() -> None:
    one, other = measured(WRIGHT, MINI), measured([10 * x for x in WRIGHT], [10 * x for x in MINI])
    for name in ("bias", "mae", "agreement_limit_lower", "agreement_limit_upper"):
        assert MEASURES[name].point(other) == pytest.approx(10 * MEASURES[name].point(one), rel=1e-9)
    for name in ("icc", "ratio_bias", "ratio_limit_lower", "ratio_limit_upper"):
        assert MEASURES[name].point(other) == pytest.approx(MEASURES[name].point(one), rel=1e-9)


def test_ratio_limits_are_the_limits_of_the_logarithms() -> None:
    logs = np.log(np.array(WRIGHT) / np.array(MINI))
    mean, sd = logs.mean(), logs.std(ddof=1)
    found = [MEASURES[f"ratio_{name}"].point(measured(WRIGHT, MINI)) for name in ("limit_lower", "bias", "limit_upper")]
    assert found == pytest.approx([math.exp(mean - 1.96 * sd), math.exp(mean), math.exp(mean + 1.96 * sd)], rel=1e-12)


def test_a_ratio_of_zero_is_undefined() -> None:
    found = MEASURES["ratio_limit_upper"].point(measured([0, 1, 2], [1, 1, 2]))
    assert found == Undefined("a ratio needs two cases and values above zero")


def test_equal_values_have_no_icc_and_one_grade_no_kappa() -> None:
    assert isinstance(MEASURES["icc"].point(measured([3, 3, 3], [3, 3, 3])), Undefined)
    one_grade = graded([[9, 0], [0, 0]])
    assert "chance agreement is complete" in MEASURES["kappa_quadratic"].point(one_grade).reason
    assert MEASURES["exact_agreement"].point(one_grade) == 1.0
    assert isinstance(MEASURES["gwet_ac1"].interval(one_grade, 0.95), Undefined)


def test_perfect_agreement_is_one_and_its_interval_is_not_a_point() -> None:
    rows = graded([[20, 0, 0], [0, 20, 0], [0, 0, 20]])
    assert MEASURES["kappa_linear"].point(rows) == pytest.approx(1.0)
    assert isinstance(MEASURES["kappa_linear"].interval(rows, 0.95), Undefined)


def test_unused_grades_change_ac2_and_not_kappa() -> None:
    rows = graded(WINNIPEG)
    wider = Rows(rows.patient, {**rows.columns, "n_grades": rows.columns["n_grades"] + 3})
    assert MEASURES["kappa_linear"].point(wider) == pytest.approx(MEASURES["kappa_linear"].point(rows), rel=1e-12)
    assert MEASURES["gwet_ac2"].point(wider) > MEASURES["gwet_ac2"].point(rows)


def triaged(seconds: list[float], decision: object = 1.0, reference: object = 1.0, patient: object = None) -> Rows:
    n = len(seconds)
    columns = {"seconds": np.array(seconds, float), "decision": np.broadcast_to(decision, n).astype(float)}
    columns["reference"] = np.broadcast_to(reference, n).astype(float)
    return Rows(np.arange(n) if patient is None else np.asarray(patient), columns)


def test_quantiles_of_the_time_to_notification() -> None:
    rows = triaged(list(range(1, 101)))
    expected = {"notification_median": 50.5, "notification_p90": 90.5, "notification_p95": 95.5}
    for name, value in expected.items():
        assert MEASURES[name].point(rows) == pytest.approx(value)
        assert MEASURES[name].point(rows) == np.quantile(rows.columns["seconds"], {
            "notification_median": 0.5, "notification_p90": 0.9, "notification_p95": 0.95}[name],
            method="averaged_inverted_cdf")  # fmt: skip
    interval = MEASURES["notification_median"].interval(rows, 0.95)
    # Hahn & Meeker 1991, table A.15: order statistics 40 and 61 of 100 for the median at 95 %
    assert (interval.low, interval.high) == (40.0, 61.0)


def test_a_quantile_that_no_order_statistic_bounds_has_an_infinite_limit() -> None:
    interval = MEASURES["notification_p95"].interval(triaged(list(range(30))), 0.95)
    assert math.isinf(interval.high)


def test_only_flagged_positive_cases_have_a_notification() -> None:
    rows = triaged([10, 20, 30, 4000, 5000], [1, 1, 1, 0, 1], [1, 1, 1, 1, 0])
    assert MEASURES["notification_median"].point(rows) == 20.0
    assert MEASURES["notification_mean"].point(rows) == 20.0
    assert MEASURES["notification_median"].point(rows.where(np.arange(5) > 2)) == Undefined(
        "no flagged reference-positive cases"
    )


def test_coverage_of_the_median_over_clustered_cases() -> None:
    """Woodruff's limits on 60 patients with three correlated times each contain the true median of 1."""
    rng, hits = np.random.default_rng(7), 0
    for _ in range(200):
        times = np.exp(np.repeat(rng.normal(0, 0.6, 60), 3) + rng.normal(0, 0.4, 180))
        found = MEASURES["notification_median"].interval(triaged(times, patient=np.repeat(np.arange(60), 3)), 0.95)
        hits += found.low <= 1.0 <= found.high
    assert 182 <= hits <= 200


def test_coverage_of_clustered_kappa_and_limit() -> None:
    """Jackknife limits on 60 patients with three cases each; the truth is the value on very many patients."""
    rng = np.random.default_rng(11)

    def draw(patients: int) -> Rows:
        patient = np.repeat(np.arange(patients), 3)
        truth = rng.normal(0, 1, patients)[patient] + rng.normal(0, 0.5, 3 * patients)
        seen = truth + 0.4 * rng.normal(0, 1, patients)[patient] + rng.normal(0, 0.3, 3 * patients)
        cut = [-1, -0.2, 0.6]
        columns = {"value_predicted": seen, "value_reference": truth, "n_grades": np.full(patient.size, 4.0)}
        columns |= {"grade_predicted": np.digitize(seen, cut).astype(float)}
        columns |= {"grade_reference": np.digitize(truth, cut).astype(float)}
        return Rows(patient, columns)

    names = ("kappa_quadratic", "agreement_limit_upper", "icc")
    true = {name: MEASURES[name].point(draw(60_000)) for name in names}
    hits = dict.fromkeys(names, 0)
    for _ in range(200):
        rows = draw(60)
        for name in names:
            found = MEASURES[name].interval(rows, 0.95)
            assert found.method == "jackknife over patients, t"
            hits[name] += found.low <= true[name] <= found.high
    assert all(hits[name] >= 180 for name in names), hits
