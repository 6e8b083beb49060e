"""Surrogates against other libraries, image features against images whose features are known."""

import numpy as np
import pandas as pd
import pytest
import shap
from numpy.testing import assert_allclose
from scipy.special import expit
from sklearn.inspection import permutation_importance as theirs
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score

from audit.explanations.anatomy import body_of, burned_in_marks, otsu_threshold, regions
from audit.explanations.features import Encoded, encode
from audit.explanations.fidelity import Fold, Question, fidelity, folds, out_of_fold, permutation_importance
from audit.explanations.image_features import FEATURES, PREFIX, features_of, image_features_table
from audit.explanations.importance import error_importance
from audit.explanations.surrogate import Surrogate, fit_surrogate, reported_means, sampled_shapley, shapley
from audit.plan_decisions import Surrogate as Rules
from audit.records import Image, Undefined
from audit.statistics.resampling import patient_counts

RNG = np.random.default_rng(8)


def test_linear_surrogate_equals_scikit_learn_and_its_shapley_values_equal_shap() -> None:
    matrix, answer = RNG.normal(size=(60, 4)), RNG.normal(size=60)
    weights = RNG.integers(0, 3, 60).astype(float)
    ours = fit_surrogate(matrix, answer, weights, "identity")
    ridge = Ridge(alpha=1.0).fit(matrix, answer, sample_weight=weights)
    assert_allclose(ours.weights, ridge.coef_, atol=1e-9)
    encoded = Encoded(tuple("abcd"), matrix, np.arange(4), (None,) * 4, (None,) * 4)
    shown, background = np.arange(30), np.arange(30, 60)
    expected = shap.LinearExplainer((ours.weights, ours.intercept), matrix[background]).shap_values(matrix[shown])
    assert_allclose(reported_means(ours, encoded, shown, background), np.abs(expected).mean(axis=0), atol=1e-9)


def test_sampled_shapley_values_approach_the_exact_ones_and_always_add_up() -> None:
    parts, background = RNG.normal(size=(12, 6)), RNG.normal(size=(9, 6))
    exact = shapley(-0.5, parts, background)
    found = sampled_shapley(-0.5, parts, background, 64)
    assert np.abs(found - exact).max() < 0.02
    assert np.abs(sampled_shapley(-0.5, parts, background, 720) - exact).max() < 0.006
    total = expit(-0.5 + parts.sum(axis=1)) - expit(-0.5 + background.sum(axis=1)).mean()
    assert_allclose(found.sum(axis=1), total, atol=1e-12)


def test_out_of_fold_r2_and_its_folds() -> None:
    n = 240
    patient = np.repeat(np.arange(n // 2), 2)
    x = RNG.uniform(-1, 1, n)
    cases = pd.DataFrame({"x": x, "noise": RNG.normal(size=n)})
    answer = 0.5 + 0.3 * x + RNG.normal(0, 0.1, n)
    question = Question(encode(cases, ["x", "noise"], ["x", "noise"]), answer, patient, "identity")
    made = folds(question, 3)
    assert not isinstance(made, Undefined)
    for fold in made:
        assert not set(patient[fold.test]) & set(np.delete(patient, fold.test))
    counts = patient_counts(n // 2, 200, 3)
    found = fidelity(question, made, counts, 0.95)
    assert not isinstance(found, Undefined)
    predicted = out_of_fold(question, made, question.encoded.matrix)
    assert found.value == pytest.approx(r2_score(answer, predicted), abs=1e-9)
    assert found.interval.low < found.value < found.interval.high
    assert (found.verdict(0.2), found.verdict(found.value - 1e-6), found.verdict(0.99)) == (
        "usable", "with care", "not usable",
    )  # fmt: skip


def test_permutation_importance_agrees_with_scikit_learn() -> None:
    """One 'fold' that tests on all rows is what scikit-learn does."""
    n = 300
    matrix = RNG.normal(size=(n, 3))
    answer = matrix @ np.array([1.0, 0.4, 0.0]) + RNG.normal(0, 0.5, n)
    fitted = fit_surrogate(matrix, answer, np.ones(n), "identity")
    encoded = Encoded(("a", "b", "c"), matrix, np.arange(3), (None,) * 3, (None,) * 3)
    question = Question(encoded, answer, np.arange(n), "identity")
    found = permutation_importance(
        question, [Fold(fitted, np.arange(n))], patient_counts(n, 100, 1), 0.95, np.random.default_rng(2)
    )
    model = Ridge().fit(matrix, answer)
    model.coef_, model.intercept_ = fitted.weights, fitted.intercept
    expected = theirs(model, matrix, answer, n_repeats=60, random_state=0).importances_mean
    for (value, interval), other in zip(found, expected, strict=True):
        assert value == pytest.approx(other, abs=max(0.05 * other, 0.01))
        assert interval.low <= value <= interval.high


def error_table(wrong_rate: np.ndarray, columns: dict[str, np.ndarray], **changes):
    n = len(wrong_rate)
    cases = pd.DataFrame(
        {"case_id": [f"c{i:03d}" for i in range(n)], "patient_id": [f"p{i}" for i in range(n)], **columns}
    )
    wrong = np.random.default_rng(3).random(n) < wrong_rate
    seen = pd.DataFrame(
        {"version": "candidate", "case_id": cases["case_id"], "patient_id": cases["patient_id"], "target": "lesion",
         "reference": 1.0, "decision": np.where(wrong, 0.0, 1.0), "score": np.where(wrong, 0.2, 0.8)}
    )  # fmt: skip
    return error_importance(cases, seen, list(columns), 20, 5, 0.95, **changes)


def test_errors_at_both_ends_of_a_number_are_seen() -> None:
    x = np.random.default_rng(1).uniform(0, 1, 500)
    rows = error_table(np.where(np.abs(x - 0.5) > 0.35, 0.6, 0.05), {"dose": x, "other": x[::-1].copy()})
    row = rows[(rows["outcome"] == "misses") & (rows["feature"] == "dose")].iloc[0]
    assert row["direction"] == "more misses at both ends of dose"
    assert row["usable"] == "usable"
    assert row["fidelity_low"] < row["fidelity"] < row["fidelity_high"]
    score = rows[(rows["outcome"] == "score") & (rows["feature"] == "dose")].iloc[0]
    assert score["direction"] == "higher score in the middle of dose"
    assert score["fidelity_measure"] == "R2"


def test_declared_fidelity_decides_what_is_usable() -> None:
    x = np.random.default_rng(1).uniform(0, 1, 500)
    rate = np.where(x > 0.7, 0.6, 0.1)
    strict = error_table(rate, {"dose": x}, rules=Rules(least_auroc=0.95))
    assert set(strict[strict["outcome"] == "misses"]["usable"]) == {"not usable"}
    assert set(strict[strict["outcome"] == "misses"]["least_fidelity"]) == {0.95}


def test_many_levels_and_many_features_are_said_or_computed_never_skipped() -> None:
    n = 400
    generator = np.random.default_rng(2)
    rate = np.full(n, 0.2)
    columns = {f"f{k}": generator.normal(size=n) for k in range(10)}
    columns |= {"serial": np.array([f"s{i % 60}" for i in range(n)])}
    rate = np.where(columns["f3"] > 0.8, 0.7, 0.1)
    rows = error_table(rate, columns)
    misses = rows[rows["outcome"] == "misses"].set_index("feature")
    assert set(misses.index) == set(columns)
    assert misses.loc["serial", "undefined"] == "serial has 60 levels; at most 20 can be told apart"
    assert misses["value"].astype(float).fillna(0).idxmax() == "f3"


def disc(bright: float = 1.0, noise: float = 0.0, radius: int = 20, side: int = 64) -> np.ndarray:
    y, x = np.mgrid[:side, :side] - side // 2
    body = (np.hypot(x, y) <= radius).astype(np.float32) * np.float32(bright)
    return body + np.random.default_rng(0).normal(0, noise, body.shape).astype(np.float32)


def test_features_of_a_noisy_disc_are_its_own() -> None:
    pixels = disc(100.0, 4.0)
    pixels[32:, :] += np.float32(50) * (disc()[32:, :] > 0)
    found = features_of(Image(pixels, (2.0, 0.5)), None)
    assert list(found) == [feature.name for feature in FEATURES]
    assert found["contrast"] == pytest.approx(57, abs=8)
    assert found["noise"] * found["contrast"] == pytest.approx(4.0, rel=0.25)
    assert found["body share"] == pytest.approx(np.pi * 20**2 / 64**2, rel=0.06)
    assert found["body size"] == pytest.approx(np.pi * 20**2, rel=0.06)
    assert found["centre, down"] > 0.6
    assert found["centre, across"] == pytest.approx(0.5, abs=0.05)
    assert isinstance(found["finding size"], Undefined)
    assert isinstance(features_of(Image(pixels, None), None)["body size"], Undefined)


def test_co_occurrence_by_hand() -> None:
    """A checkerboard of two levels: of four directions two meet the other level, two their own."""
    pixels = np.indices((32, 32)).sum(axis=0) % 2 * 15.0
    found = features_of(Image((pixels + 1000).astype(np.float32), None), None)
    assert found["entropy"] == pytest.approx(1.0, abs=0.01)
    assert found["variation"] == pytest.approx(225 / 2, rel=0.03)
    assert found["coarseness"] == pytest.approx(0.5 + 0.5 / 226, rel=0.03)


def test_the_finding_is_measured_against_its_margin() -> None:
    pixels = disc(100.0, 2.0)
    finding = np.zeros(pixels.shape, bool)
    finding[28:36, 28:36] = True
    pixels[finding] += 60
    found = features_of(Image(pixels, (1.0, 1.0)), finding)
    assert found["finding size"] == 64.0
    assert found["finding contrast"] * found["contrast"] == pytest.approx(60, abs=3)


def test_an_unreadable_image_is_a_row_for_every_feature() -> None:
    def load(case: str) -> Image:
        if case == "bad":
            raise ValueError("bad.png is truncated")
        return Image(disc(100.0, 1.0), None)

    table = image_features_table([("good", "p1"), ("bad", "p2")], load, lambda case: None)
    assert len(table) == 2 * len(FEATURES)
    assert set(table[table["case_id"] == "bad"]["undefined"]) == {"bad.png is truncated"}


def test_an_image_feature_behind_the_errors_is_found() -> None:
    n = 300
    generator = np.random.default_rng(4)
    noise = generator.uniform(1, 12, n)
    cases = [(f"c{i:03d}", f"p{i}") for i in range(n)]
    table = image_features_table(
        cases, lambda case: Image(disc(100.0, noise[int(case[1:])], side=48), None), lambda c: None
    )
    rows = error_table(np.where(noise > 9, 0.7, 0.05), {"site": generator.choice(["a", "b"], n)}, image_features=table)
    misses = rows[rows["outcome"] == "misses"].set_index("feature")
    assert misses["value"].astype(float).fillna(0).idxmax() in {
        PREFIX + "noise",
        PREFIX + "sharpness",
        PREFIX + "contrast",
    }
    assert misses["usable"].dropna().iloc[0] == "usable"
    score = rows[rows["outcome"] == "score"].set_index("feature")
    assert "give the reference away" in score.loc[PREFIX + "finding size", "undefined"]


def test_body_threshold_and_marks_on_known_images() -> None:
    values = np.concatenate([np.full(500, 10.0), np.full(500, 90.0)])
    assert 10 < otsu_threshold(values) < 90
    pixels = disc(100.0, 3.0)
    assert (body_of(pixels).mask == (disc() > 0)).mean() > 0.99
    assert not burned_in_marks(pixels).any()
    pixels[2:9, 3:6] = 220.0
    pixels[20:24, 28:40] = 0.0
    marks = burned_in_marks(pixels)
    assert marks.sum() == 21 + 48
    found = regions(pixels, ("border", "corners", "outside anatomy", "marks"), 0.05, 0.2, None)
    assert {name for name, each in found.items() if isinstance(each, Undefined)} == set()
    assert found["border"].mask.mean() == pytest.approx(1 - (58 / 64) ** 2 + 18 / 64**2)  # takes the mark that it cuts
    assert isinstance(regions(disc(100.0, 3.0), ("marks",), 0.05, 0.2, None)["marks"], Undefined)


def test_predictions_of_a_surrogate_follow_its_link() -> None:
    matrix = np.array([[1.0], [2.0]])
    assert_allclose(Surrogate(0.5, np.array([1.0]), "identity").predict(matrix), [1.5, 2.5])
    assert_allclose(Surrogate(0.5, np.array([1.0])).predict(matrix), expit([1.5, 2.5]))
