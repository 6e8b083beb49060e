"""The room's own statistics on their own: max-T, correlated heterogeneity, thresholds, standardisation."""

import numpy as np
import pandas as pd
import pytest
from auditing import one

from audit.analyses.analysing import analyses_table
from audit.analyses.analysis import analysis_id
from audit.analyses.dependent import correlated
from audit.analyses.max_t import max_t
from audit.analyses.representativeness import representativeness, standardised_difference
from audit.analyses.standardised import fit_logistic, standardise
from audit.analyses.thresholds import cross_fitted, patient_folds, youden_thresholds
from audit.records import Undefined
from audit.statistics.heterogeneity import heterogeneity, random_effects
from audit.statistics.multiplicity import simultaneous, versus_one


def test_max_t_meets_the_multivariate_normal() -> None:
    values, matrix = np.array([0.0, 0.1, 0.25, 0.02]), versus_one(4, 0)
    covariance = np.diag([0.01, 0.008, 0.012, 0.01])
    exact = simultaneous(values, covariance, matrix, seed=1)
    drawn = np.random.default_rng(2).multivariate_normal(values, covariance, 40_000) @ matrix.T
    found = max_t(matrix @ values, drawn)
    assert found.critical == pytest.approx(exact.critical, abs=0.03)
    assert found.adjusted_p == pytest.approx(exact.adjusted_p, abs=0.01)
    lower = max_t(-(matrix @ values), -drawn, tail="lower")
    assert lower.raw_p == pytest.approx(found.raw_p / 2, abs=1e-3)


def test_max_t_without_variation_or_resamples() -> None:
    assert isinstance(max_t(np.array([0.1]), np.full((100, 1), 0.1)), Undefined)
    lost = np.random.default_rng(1).normal(size=(100, 2))
    lost[:20, 0] = np.nan
    assert max_t(np.zeros(2), lost) == Undefined("a contrast is undefined in 20 of 100 resamples")


def test_correlated_heterogeneity_agrees_with_the_independent_one() -> None:
    y, errors = np.array([0.91, 0.87, 0.93, 0.84, 0.89, 0.9]), np.array([0.018, 0.025, 0.015, 0.031, 0.022, 0.027])
    nearly = np.diag(errors**2)
    nearly[0, 1] = nearly[1, 0] = 1e-13
    spread, pooled = correlated(y, nearly)
    plain, effects = heterogeneity(y, errors), random_effects(y, errors)
    assert spread.q == pytest.approx(plain.q, rel=1e-6)
    assert spread.i2_interval.high == pytest.approx(plain.i2_interval.high, rel=1e-6)
    assert pooled.mean.tau2 == pytest.approx(effects.mean.tau2, rel=1e-3)
    assert pooled.prediction.low == pytest.approx(effects.prediction.low, rel=1e-4)
    assert pooled.shrunken == pytest.approx(effects.shrunken, rel=1e-4)


def test_positive_correlation_sharpens_differences() -> None:
    y, shared_error = np.array([0.80, 0.82, 0.86]), np.full((3, 3), 0.0009) + np.diag([0.0001] * 3)
    spread, _ = correlated(y, shared_error)
    assert spread.q == pytest.approx(float(((y - y.mean()) ** 2).sum() / 0.0001))
    assert isinstance(correlated(y, np.full((3, 3), 0.001)), Undefined)


def test_youden_by_hand_and_under_weights() -> None:
    score = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    positive = np.array([False, False, True, False, True, True])
    weights = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 0, 1, 1, 1], [1, 1, 0, 1, 0, 0]])
    found = youden_thresholds(score, positive, weights.astype(float))
    assert found[:2].tolist() == [0.3, 0.5]
    assert np.isnan(found[2]), "no positive case drawn"


def test_cross_fitting_removes_the_optimism() -> None:
    rng = np.random.default_rng(3)
    gains, honest = [], []
    for _ in range(40):
        score, positive = rng.normal(size=60), rng.uniform(size=60) < 0.5
        own = score >= youden_thresholds(score, positive, np.ones((1, 60)))[0]
        gains.append(own[positive].mean() - own[~positive].mean())
        fold = patient_folds(np.arange(60), positive, 5, rng)
        decided = cross_fitted(score, positive, fold)
        honest.append(decided[positive].mean() - decided[~positive].mean())
    assert np.mean(gains) > 0.1, "a useless score looks useful at a threshold chosen on the same cases"
    assert abs(np.mean(honest)) < 0.06


def test_folds_keep_patients_together() -> None:
    patient = np.repeat(np.arange(30), 3)
    fold = patient_folds(patient, patient < 12, 5, np.random.default_rng(1))
    assert all(np.unique(fold[patient == p]).size == 1 for p in range(30))
    for group in (fold[:36:3], fold[36::3]):
        assert np.ptp(np.bincount(group, minlength=5)) <= 1


def test_standardisation_of_a_saturated_model_is_the_weighted_mean() -> None:
    rng = np.random.default_rng(4)
    level, hard = rng.integers(0, 2, 3000), rng.integers(0, 2, 3000)
    right = rng.uniform(size=3000) < 0.9 - 0.2 * hard
    found = standardise(right, level, hard[:, None].astype(float), np.arange(3000), 2)
    direct = [sum((hard == h).mean() * right[(level == a) & (hard == h)].mean() for h in (0, 1)) for a in (0, 1)]
    assert found.values == pytest.approx(direct, abs=0.01)
    error = np.sqrt([1, -1] @ found.covariance @ [1, -1])
    assert error == pytest.approx(np.sqrt(2 * 0.16 * 0.85 / 1500 * 1.0), rel=0.15)


def test_duplicated_patients_do_not_sharpen_the_sandwich() -> None:
    rng = np.random.default_rng(5)
    level, x = rng.integers(0, 2, 400), rng.normal(size=(400, 1))
    right, patient = rng.uniform(size=400) < 0.8, np.arange(400)
    once = standardise(right, level, x, patient, 2)
    twice = standardise(np.tile(right, 2), np.tile(level, 2), np.tile(x, (2, 1)), np.tile(patient, 2), 2)
    assert twice.values == pytest.approx(once.values)
    assert twice.covariance == pytest.approx(once.covariance)


def test_logistic_fit_meets_statsmodels_and_refuses_separation() -> None:
    import statsmodels.api as sm

    rng = np.random.default_rng(6)
    design = np.column_stack([np.ones(200), rng.normal(size=(200, 2))])
    y = (rng.uniform(size=200) < 1 / (1 + np.exp(-design @ [0.3, 1.0, -0.5]))).astype(float)
    assert fit_logistic(design, y) == pytest.approx(np.asarray(sm.Logit(y, design).fit(disp=0).params), abs=1e-6)
    assert isinstance(fit_logistic(design, (design[:, 1] > 0).astype(float)), Undefined)
    assert isinstance(fit_logistic(np.column_stack([design, design[:, 1]]), y), Undefined)


def represented(cases: pd.DataFrame, shares: dict, too_few: int = 10) -> pd.DataFrame:
    rows = [{"analysis": "representativeness", **row} for row in representativeness(cases, {"s": shares}, too_few)]
    return analyses_table([{"analysis_id": analysis_id(row), **row} for row in rows])


def people(levels: list[str | None]) -> pd.DataFrame:
    return pd.DataFrame(
        {"case_id": range(len(levels)), "patient_id": [f"p{i}" for i in range(len(levels))], "stratum:sex": levels}
    )


def test_the_set_against_its_population() -> None:
    cases = people(["F"] * 60 + ["M"] * 120 + ["X"] * 5 + [None] * 15)
    rows = represented(cases, {"sex": {"F": 0.5, "M": 0.45, "D": 0.05}})
    verdicts = rows[rows["quantity"] == "standardised difference"].set_index("level")["verdict"].to_dict()
    assert verdicts["F"] == "share differs notably"
    assert verdicts["D"] == "absent from the set"
    assert verdicts["X"] == "not in the target population"
    unknown = one(rows, level="unknown")
    assert unknown["value"] == pytest.approx(15 / 200)
    assert unknown["verdict"] == "missing attribute"
    expected = 180 * np.array([0.5, 0.45, 0.05])
    chi2 = float(((np.array([60, 120, 0]) - expected) ** 2 / expected).sum())
    assert one(rows, quantity="chi-square")["value"] == pytest.approx(chi2)
    few = represented(people(["F"] * 60 + ["M"] * 4), {"sex": {"F": 0.9, "M": 0.1}})
    assert one(few, level="M", quantity="standardised difference")["verdict"] == "too few to conclude"


def test_a_patient_counts_once() -> None:
    cases = pd.DataFrame({"case_id": range(6), "patient_id": ["a", "a", "a", "a", "b", "c"]})
    cases["stratum:view"] = ["AP", "AP", "PA", "PA", "PA", "PA"]
    rows = represented(cases, {"view": {"AP": 1 / 6, "PA": 5 / 6}})
    assert one(rows, level="AP", quantity="share")["value"] == pytest.approx(0.5 / 3)
    assert one(rows, level="AP", quantity="standardised difference")["value"] == pytest.approx(0, abs=1e-12)
    assert one(rows, quantity="chi-square")["undefined"].startswith("fewer than 5 patients expected")


def test_no_population_is_not_a_match() -> None:
    (row,) = representativeness(people(["F"]), {})
    assert row["verdict"] == "not assessed"
    assert row["undefined"] == "not assessed: set.yaml declares no target_population"
    assert standardised_difference(0.3, 0.3) == 0
    assert standardised_difference(0.6, 0.5) == pytest.approx(0.1 / np.sqrt((0.24 + 0.25) / 2))
