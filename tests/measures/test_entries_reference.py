"""The classification measures as a plan gets them against pROC, epiR, bdpv, rms, dcurves and scikit-learn."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from audit.measures.choice import measures_for
from audit.measures.measure import Measure
from audit.plan import Plan
from audit.records import Interval, Rows, Undefined
from audit.statistics.resampling import patient_counts, percentile_interval

POINT = {"threshold": 0.5, "chosen_on": "tuning set"}
REGIONS = {
    "spec_90_100": {"specificity": [0.9, 1.0]},
    "spec_80_90": {"specificity": [0.8, 0.9]},
    "sens_90_100": {"sensitivity": [0.9, 1.0]},
}


def offered(**keys: Any) -> dict[str, Measure]:
    """What a plan with these keys of its target is offered."""
    target = {"task": "classification", "output": "p", "reference": "r", "operating_point": POINT, **keys}
    plan = Plan.model_validate(
        {
            "id": "p", "title": "t", "intended_purpose": "x", "model": {"kind": "mlflow", "name": "m", "version": 1},
            "validation_sets": ["v"], "targets": {"r": target},
        }
    )  # fmt: skip
    return {measure.name: measure for measure in measures_for(plan, "r")}


@pytest.fixture
def folder(shared: Path) -> Path:
    return shared / "reference"


def case(folder: Path, name: str) -> Mapping[str, Any]:
    return json.loads((folder / "cases" / f"{name}.json").read_text(encoding="utf-8"))["expected"]


def rows_of(score: Any, reference: Any) -> Rows:
    score, reference = np.asarray(score, dtype=float), np.asarray(reference, dtype=float)
    columns = {"score": score, "reference": reference, "decision": (score >= 0.5).astype(float)}
    return Rows(np.arange(score.size), columns)


def table(tp: int, fn: int, fp: int, tn: int) -> Rows:
    reference = np.repeat([1.0, 1.0, 0.0, 0.0], [tp, fn, fp, tn])
    decision = np.repeat([1.0, 0.0, 1.0, 0.0], [tp, fn, fp, tn])
    return Rows(np.arange(reference.size), {"reference": reference, "decision": decision, "score": decision})


def asah(folder: Path, score: str) -> Rows:
    frame = pd.read_csv(folder / "data" / "asah.csv")
    return rows_of(frame[score].astype(float), frame["outcome"] == "Poor")


def limits(interval: Interval | Undefined | None) -> tuple[float, float]:
    assert isinstance(interval, Interval), interval
    return interval.low, interval.high


@pytest.mark.parametrize("score", ["s100b", "ndka", "wfns"])
def test_parts_of_the_roc_curve(folder: Path, score: str) -> None:
    expected, rows = case(folder, "01-auroc-asah-partial"), asah(folder, score)
    for name, part in REGIONS.items():
        found = offered(partial_auroc=part)
        ((axis, (low, high)),) = part.items()
        ending = f"{axis}_{low:g}_{high:g}"
        raw, standard = expected.get(f"{score}.pauc.{name}.raw"), expected.get(f"{score}.pauc.{name}.mcclish", "absent")
        if raw is not None:
            assert found[f"partial_auroc_{ending}"].point(rows) == pytest.approx(raw, rel=1e-6)
        value = found[f"partial_auroc_standardised_{ending}"].point(rows)
        if standard is None:
            assert isinstance(value, Undefined)
        elif standard != "absent":
            assert value == pytest.approx(standard, rel=1e-6)
    for percent in (80, 90, 95):
        found = offered(at_specificity=percent / 100, at_sensitivity=percent / 100)
        for name, other in (
            ("sensitivity_at_specificity", "sens_at_spec"),
            ("specificity_at_sensitivity", "spec_at_sens"),
        ):
            value = found[f"{name}_{percent / 100:g}"].point(rows)
            assert value == pytest.approx(expected[f"{score}.{other}{percent}.interpolated"], rel=1e-6)


def test_bootstrap_limits_of_proc(folder: Path) -> None:
    """pROC resamples within the classes; so do these resamples, through the same replicates as the product's."""
    expected = case(folder, "01-auroc-asah-partial")
    found = offered(at_specificity=[0.8, 0.9, 0.95], partial_auroc={"specificity": [0.9, 1]})
    for score in ("s100b", "wfns"):
        rows = asah(folder, score)
        counts = patient_counts(len(rows), 4000, 1, rows.columns["reference"])
        asked = {f"sens_at_spec{100 * at:g}": (f"sensitivity_at_specificity_{at:g}", 0.03) for at in (0.8, 0.9, 0.95)}
        asked |= {"pauc.spec_90_100": ("partial_auroc_specificity_0.9_1", 0.0025)}
        for name, (measure, tolerance) in asked.items():
            got = limits(percentile_interval(found[measure].replicates(rows, counts)))
            want = tuple(expected[f"{score}.{name}.boot95_{side}"] for side in ("lower", "upper"))
            assert got == pytest.approx(want, abs=tolerance), (score, name)


def test_two_by_two(folder: Path) -> None:
    expected, rows, found = case(folder, "02-diagnostic-2x2"), table(670, 74, 202, 640), offered()
    for name, short in (("positive_likelihood_ratio", "plr"), ("negative_likelihood_ratio", "nlr")):
        assert found[name].point(rows) == pytest.approx(expected[short], rel=1e-9)
        want = expected[f"{short}.log_lower"], expected[f"{short}.log_upper"]
        assert limits(found[name].interval(rows, 0.95)) == pytest.approx(want, rel=1e-6)
    for name in ("sensitivity", "specificity", "ppv", "npv", "accuracy"):
        assert found[name].point(rows) == pytest.approx(expected[name], rel=1e-9)
        want = tuple(expected[f"{name}.clopper_pearson_{side}"] for side in ("lower", "upper"))
        assert limits(found[name].goal_interval(rows, 0.95)) == pytest.approx(want, rel=1e-6)
    assert found["balanced_accuracy"].point(rows) == pytest.approx((expected["youden"] + 1) / 2)


def test_zero_cells_have_infinite_limits_and_no_half_added() -> None:
    rows, found = table(18, 2, 0, 30), offered(prevalence=0.1)
    assert found["positive_likelihood_ratio"].point(rows) == math.inf
    low, high = limits(found["positive_likelihood_ratio"].interval(rows, 0.95))
    assert (math.isfinite(low), high) == (True, math.inf)
    ppv, (low, high) = (
        found["ppv_at_prevalence_0.1"].point(rows),
        limits(found["ppv_at_prevalence_0.1"].interval(rows, 0.95)),
    )
    assert (ppv, high) == (1.0, 1.0)
    assert 0.3 < low < 1


def test_predictive_values_at_a_prevalence(folder: Path) -> None:
    expected, rows = case(folder, "02-predictive-values-at-prevalence"), table(240, 178, 87, 288)
    for prevalence in (0.03, 0.5):
        found = offered(prevalence=prevalence)
        for name in ("ppv", "npv"):
            measure, key = found[f"{name}_at_prevalence_{prevalence:g}"], f"prev{prevalence:g}.{name}"
            assert measure.point(rows) == pytest.approx(expected[key], rel=1e-9)
            want = expected[f"{key}.lower"], expected[f"{key}.upper"]
            assert limits(measure.interval(rows, 0.95)) == pytest.approx(want, rel=1e-6)


def test_calibration(folder: Path) -> None:
    expected = case(folder, "06-calibration-miscalibrated")
    frame, found = pd.read_csv(folder / "data" / "dca_binary.csv"), offered()
    rows = rows_of(frame["p_miscalibrated"], frame["cancer"])
    assert found["scaled_brier"].point(rows) == pytest.approx(expected["brier_scaled"], rel=1e-5)
    for name in ("ici", "e50", "e90"):
        want = expected[f"lowess.{name.upper()}"]
        assert found[name].point(rows) == pytest.approx(want, rel=1e-3, abs=1e-5)
        assert found[name].interval(rows, 0.95).reason.startswith("no interval")
    for name, short in (("calibration_slope", "slope"), ("calibration_intercept", "calibration_in_the_large")):
        assert found[name].point(rows) == pytest.approx(expected[short], rel=1e-4)


@pytest.mark.parametrize("threshold", [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.5])
def test_net_benefit(folder: Path, threshold: float) -> None:
    expected, at = case(folder, "06-decision-curve"), f"t{threshold:g}.net_benefit"
    frame, control = (pd.read_csv(folder / "data" / f"dca_{name}.csv") for name in ("binary", "case_control"))
    sample, stated = (
        offered(net_benefit_thresholds=threshold),
        offered(net_benefit_thresholds=threshold, prevalence=0.15),
    )
    name, over = f"net_benefit_at_{threshold:g}", f"net_benefit_over_all_at_{threshold:g}"
    for found, rows, head in (
        (sample, rows_of(frame["cancerpredmarker"], frame["cancer"]), ""),
        (sample, rows_of(frame["famhistory"], frame["cancer"]), ""),
        (stated, rows_of(control["cancerpredmarker"], control["casecontrol"]), "case_control_prev0.15."),
    ):
        marker = "famhistory" if set(np.unique(rows.columns["score"])) <= {0.0, 1.0} else "cancerpredmarker"
        want, treat_all = expected[f"{head}{marker}.{at}"], expected[f"{head}all.{at}"]
        assert found[name].point(rows) == pytest.approx(want, rel=1e-6, abs=1e-9)
        assert found[over].point(rows) == pytest.approx(want - treat_all, rel=1e-6, abs=1e-9)


def test_scikit_learn_agrees() -> None:
    rng = np.random.default_rng(5)
    reference = (rng.uniform(size=300) < 0.3).astype(float)
    rows = rows_of(np.round(np.clip(0.35 + 0.3 * reference + 0.2 * rng.normal(size=300), 0, 1), 2), reference)
    y, s, d = (rows.columns[name] for name in ("reference", "score", "decision"))
    plus, minus = metrics.class_likelihood_ratios(y, d)
    expected = {
        "average_precision": metrics.average_precision_score(y, s),
        "f1": metrics.f1_score(y, d),
        "mcc": metrics.matthews_corrcoef(y, d),
        "balanced_accuracy": metrics.balanced_accuracy_score(y, d),
        "scaled_brier": metrics.d2_brier_score(y, s),
        "positive_likelihood_ratio": plus,
        "negative_likelihood_ratio": minus,
        "partial_auroc_standardised_specificity_0.8_1": metrics.roc_auc_score(y, s, max_fpr=0.2),
    }
    found = offered(partial_auroc={"specificity": [0.8, 1]})
    for name, value in expected.items():
        assert found[name].point(rows) == pytest.approx(value, abs=1e-12), name


def test_the_whole_area_is_the_auroc_and_its_variance_delongs() -> None:
    rng = np.random.default_rng(3)
    reference = (rng.uniform(size=200) < 0.4).astype(float)
    rows = rows_of(np.round(rng.normal(size=200) + reference, 1), reference)
    found = offered(partial_auroc={"specificity": [0, 1]})
    part, whole = found["partial_auroc_specificity_0_1"], found["auroc"]
    assert part.point(rows) == pytest.approx(whole.point(rows), abs=1e-12)
    assert limits(part.interval(rows, 0.95)) == pytest.approx(limits(whole.interval(rows, 0.95)), abs=2e-3)


def test_all_right_keeps_a_width() -> None:
    """Where every decision is right only limits that follow from counts remain, and the others say so."""
    rows, found = table(20, 0, 0, 30), offered(prevalence=0.2, net_benefit_thresholds=0.3)
    for name in ("balanced_accuracy", "f1", "net_benefit_at_0.3", "net_benefit_over_all_at_0.3"):
        low, high = limits(found[name].interval(rows, 0.95))
        assert low < high, name
        assert found[name].point(rows) == pytest.approx(high), name
    for name in ("mcc", "average_precision", "scaled_brier"):
        assert "no patient differs" in found[name].interval(rows, 0.95).reason


def test_a_goal_for_f1_is_exact() -> None:
    rows = table(18, 2, 5, 30)
    jaccard = offered()["f1"].goal_interval(rows, 0.95)
    assert isinstance(jaccard, Interval)
    assert jaccard.method.startswith("Clopper-Pearson")
