"""Values and intervals against scikit-learn, published tables and closed forms."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta
from sklearn import metrics

from audit.catalogue import entries
from audit.records import Interval, Rows

MEASURES = entries("measures")


def table(tp: int, fn: int, fp: int, tn: int) -> Rows:
    reference = np.repeat([1.0, 1.0, 0.0, 0.0], [tp, fn, fp, tn])
    decision = np.repeat([1.0, 0.0, 1.0, 0.0], [tp, fn, fp, tn])
    return Rows(np.arange(reference.size), {"reference": reference, "decision": decision})


@pytest.mark.parametrize(
    ("name", "value", "low", "high"),
    [
        # Altman & Bland, BMJ 1994;308:1552 and 309:102: liver scans, 231/27/32/54; limits by Wilson's formula
        ("sensitivity", 231 / 258, 0.8521, 0.9272),
        ("specificity", 54 / 86, 0.5223, 0.7226),
        ("ppv", 231 / 263, 0.8333, 0.9126),
        ("npv", 54 / 81, 0.5585, 0.7597),
        ("accuracy", 285 / 344, 0.7851, 0.8647),
    ],
)
def test_liver_scans(name: str, value: float, low: float, high: float) -> None:
    rows = table(231, 27, 32, 54)
    assert MEASURES[name].point(rows) == pytest.approx(value)
    interval = MEASURES[name].interval(rows, 0.95)
    assert isinstance(interval, Interval)
    assert interval.method == "Wilson"
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=2e-4)


def test_goal_interval_is_exact() -> None:
    rows = table(18, 2, 5, 30)
    interval = MEASURES["sensitivity"].goal_interval(rows, 0.95)
    assert isinstance(interval, Interval)
    assert interval.method == "Clopper-Pearson"
    assert interval.low == pytest.approx(beta.ppf(0.025, 18, 3))
    assert interval.high == pytest.approx(beta.ppf(0.975, 19, 2))


def test_scikit_learn_agrees(rows_of: Callable[..., Rows]) -> None:
    rows = rows_of(200, 2, seed=8)
    y, s, d = (rows.columns[name] for name in ("reference", "score", "decision"))
    expected = {
        "auroc": metrics.roc_auc_score(y, s),
        "brier": metrics.brier_score_loss(y, s),
        "sensitivity": metrics.recall_score(y, d),
        "specificity": metrics.recall_score(y, d, pos_label=0),
        "ppv": metrics.precision_score(y, d),
        "npv": metrics.precision_score(y, d, pos_label=0),
        "accuracy": metrics.accuracy_score(y, d),
    }
    for name, value in expected.items():
        assert MEASURES[name].point(rows) == pytest.approx(value, abs=1e-12), name


def test_calibration_of_a_recalibrated_score_is_ideal(rows_of: Callable[..., Rows]) -> None:
    rows = rows_of(3000, 1, seed=2)
    logit = np.log(rows.columns["score"] / (1 - rows.columns["score"]))
    reference = (np.random.default_rng(4).uniform(size=3000) < 1 / (1 + np.exp(-(0.5 * logit + 0.4)))).astype(float)
    found = Rows(rows.patient, {**rows.columns, "reference": reference})
    slope = MEASURES["calibration_slope"].interval(found, 0.95)
    assert isinstance(slope, Interval)
    assert slope.low < 0.5 < slope.high
    assert slope.high < 1


def test_scores_outside_zero_to_one_are_no_probabilities(rows_of: Callable[..., Rows]) -> None:
    rows = rows_of()
    shifted = Rows(rows.patient, {**rows.columns, "score": rows.columns["score"] * 100})
    assert MEASURES["auroc"].point(shifted) == MEASURES["auroc"].point(rows)
    for name in ("brier", "calibration_slope", "calibration_intercept"):
        assert "not probabilities" in MEASURES[name].point(shifted).reason
        assert np.isnan(MEASURES[name].replicates(shifted, np.ones((2, 60), dtype=np.uint8))).all()


def test_dice_is_zero_where_one_mask_is_empty_and_absent_where_both_are() -> None:
    rows = Rows(np.arange(4), {"dice": np.array([0.8, 0.0, np.nan, 0.4])})
    assert MEASURES["dice"].point(rows) == pytest.approx(0.4)
    assert MEASURES["dice"].denominators(rows)["cases with a predicted or reference mask"] == 3


def test_chest_radiographs_equal_the_published_aurocs(shared: Path) -> None:
    folder = shared / "data" / "nih_cxr_preds"
    frame = pd.read_csv(folder / "predictions.csv.gz")
    check = json.loads((folder / "check.json").read_text(encoding="utf-8"))
    assert (len(frame), frame["patient_id"].nunique()) == (check["n_images"], check["n_patients"])
    patient = np.unique(frame["patient_id"], return_inverse=True)[1]
    findings = frame["labels"].str.split("|").explode()
    for name, expected in check["auroc"].items():
        reference = (findings == name).groupby(level=0).any().to_numpy(dtype=float)
        rows = Rows(patient, {"score": frame[f"prob_{name}"].to_numpy(), "reference": reference})
        assert round(MEASURES["auroc"].point(rows), 4) == round(expected, 4), name
        interval = MEASURES["auroc"].interval(rows, 0.95)
        assert isinstance(interval, Interval)
        few = np.unique(patient[reference == 1]).size < 100
        assert interval.method == ("binormal score over patients" if few else "Obuchowski, logit")
