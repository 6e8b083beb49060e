import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LogisticRegression

from audit.explanation_plan import ExplainedCases
from audit.explanations.drawing import draw_cases
from audit.explanations.features import encode
from audit.explanations.importance import error_importance
from audit.explanations.surrogate import fit_surrogate, shap_values, shapley
from audit.explanations.wording import number, strongest_region
from audit.records import BadInput

N = 400
RNG = np.random.default_rng(0)
CASES = pd.DataFrame(
    {
        "case_id": [f"c{i:03d}" for i in range(N)],
        "patient_id": [f"p{i // 2}" for i in range(N)],
        "manufacturer": RNG.choice(["Aurora", "Borealis", "Cirrus"], N),
        "age_years": np.where(RNG.random(N) < 0.05, np.nan, RNG.uniform(20, 90, N)),
        "stratum:sex": RNG.choice(["F", "M"], N),
        "constant": "one",
    }
)
REFERENCE = RNG.integers(0, 2, N).astype(float)
FEATURES = ("manufacturer", "age_years", "sex", "constant")


def observations(error_rate: np.ndarray, seed: int = 1) -> pd.DataFrame:
    wrong = np.random.default_rng(seed).random(N) < error_rate
    return pd.DataFrame(
        {
            "version": "candidate",
            "case_id": CASES["case_id"],
            "patient_id": CASES["patient_id"],
            "target": "lesion",
            "reference": REFERENCE,
            "decision": np.where(wrong, 1 - REFERENCE, REFERENCE),
            "score": np.where(wrong, 1 - REFERENCE, REFERENCE) * 0.8 + 0.1,
        }
    )


def importance(rate: np.ndarray, **changes) -> pd.DataFrame:
    arguments = {"features": FEATURES, "resamples": 20, "seed": 4, "confidence": 0.95, **changes}
    return error_importance(CASES, observations(rate), **arguments)


def test_planted_cause_of_misses_is_found() -> None:
    rate = np.where((CASES["manufacturer"] == "Borealis") & (REFERENCE == 1), 0.6, 0.1)
    rows = importance(rate)
    misses = rows[rows["outcome"] == "misses"].set_index("feature")
    assert misses["value"].astype(float).fillna(0).idxmax() == "manufacturer"
    assert misses.loc["manufacturer", "direction"].startswith("more misses with manufacturer Borealis")
    assert misses.loc["manufacturer", "low"] > 0.1
    assert misses.loc["manufacturer", "fidelity"] > 0.7
    assert misses.loc["constant", "undefined"] == "constant has one level among these cases"
    assert misses["n_errors"].iloc[0] <= misses["n_cases"].iloc[0] == int(REFERENCE.sum())
    assert misses["usable"].iloc[0] == "usable"
    assert misses.loc["manufacturer", "permutation_low"] > 0
    assert misses.loc["age_years", "permutation_low"] < 0.02
    alarms = rows[rows["outcome"] == "false alarms"]
    assert set(alarms["usable"].dropna()) == {"not usable"}
    assert alarms["direction"].dropna().str.startswith("not interpreted").all()


def test_no_cause_gives_fidelity_near_one_half_and_no_direction() -> None:
    found = pd.concat(
        error_importance(CASES, observations(np.full(N, 0.25), seed), ("manufacturer", "age_years"), 2, seed, 0.95)
        for seed in range(6)
    )
    found = found[found["outcome"] != "score"]
    fidelity = found.drop_duplicates(["outcome", "fidelity"])["fidelity"]
    assert 0.4 < fidelity.mean() < 0.56
    assert found["direction"].str.startswith("not interpreted").mean() > 0.7


def test_planted_age_effect_has_its_direction() -> None:
    age = CASES["age_years"].fillna(50)
    rows = importance(np.where(age < 40, 0.6, 0.1), features=("age_years", "manufacturer"))
    mine = rows[(rows["feature"] == "age_years") & (rows["outcome"] != "score")]
    assert set(mine["direction"]) == {"more misses at low age_years", "more false alarms at low age_years"}


def test_too_few_errors_are_said() -> None:
    rows = importance(np.full(N, 0.0))
    rows = rows[rows["outcome"] != "score"]
    assert set(rows["undefined"]) == {"0 misses: fewer than 10", "0 false alarms: fewer than 10"}
    assert rows["value"].isna().all()
    rows = importance(np.full(N, 1.0))
    assert "0 cases without error" in rows["undefined"].iloc[0]


def test_same_seed_same_table_whatever_the_row_order() -> None:
    rate = np.where(CASES["manufacturer"] == "Borealis", 0.6, 0.1)
    first = importance(rate)
    shuffled = error_importance(
        CASES.sample(frac=1, random_state=1), observations(rate).sample(frac=1, random_state=2), FEATURES, 20, 4, 0.95
    )
    pd.testing.assert_frame_equal(first, shuffled)
    assert not first["importance_id"].duplicated().any()


def test_unknown_or_too_many_features_are_refused() -> None:
    with pytest.raises(BadInput, match="names 'coil'"):
        importance(np.full(N, 0.2), features=("coil",))
    with pytest.raises(BadInput, match="at most 12"):
        importance(np.full(N, 0.2), features=FEATURES * 4)


def test_surrogate_equals_scikit_learn() -> None:
    rows = CASES.iloc[:150]
    encoded = encode(rows, ["manufacturer", "age_years"], ["manufacturer", "age_years"])
    wrong = np.random.default_rng(3).random(150) < 0.3
    weights = np.random.default_rng(4).integers(0, 3, 150).astype(float)
    ours = fit_surrogate(encoded.matrix, wrong, weights)
    theirs = LogisticRegression(C=1.0, tol=1e-10, max_iter=5000).fit(encoded.matrix, wrong, sample_weight=weights)
    assert_allclose(ours.weights, theirs.coef_[0], atol=1e-4)
    assert ours.intercept == pytest.approx(theirs.intercept_[0], abs=1e-4)


def test_closed_shapley_equals_shap_and_adds_up() -> None:
    rng = np.random.default_rng(2)
    parts, background = rng.normal(size=(15, 4)), rng.normal(size=(9, 4))
    ours = shapley(-1.0, parts, background)
    assert_allclose(ours, shap_values(-1.0, parts, background), atol=1e-8)

    def probability(x: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(1.0 - x.sum(axis=1)))

    assert_allclose(ours.sum(axis=1), probability(parts) - probability(background).mean(), atol=1e-12)


REFERENCES = pd.DataFrame(
    {"case_id": CASES["case_id"], "target": "lesion", "reader": "reference", "value": REFERENCE, "artifact": None}
)
STRATA = CASES.rename(columns={"manufacturer": "stratum:manufacturer"})


def test_draw_is_half_positive_in_every_level() -> None:
    rule = ExplainedCases(attribute="manufacturer", per_level=3)
    drawn = draw_cases(STRATA, REFERENCES, rule, "lesion", 7)
    rows = STRATA.set_index("case_id").loc[drawn]
    assert rows["stratum:manufacturer"].value_counts().to_dict() == {"Aurora": 3, "Borealis": 3, "Cirrus": 3}
    positive = REFERENCES.set_index("case_id").loc[drawn]["value"].groupby(rows["stratum:manufacturer"]).sum()
    assert (positive == 2).all()
    assert not rows["patient_id"].duplicated().any()


def test_draw_ignores_row_order_other_levels_and_anything_predicted() -> None:
    rule = ExplainedCases(attribute="manufacturer", per_level=4)
    drawn = draw_cases(STRATA, REFERENCES, rule, "lesion", 7)
    with_scores = STRATA.assign(score=np.random.default_rng(9).random(N), decision=1, error="x")
    assert draw_cases(with_scores.sample(frac=1, random_state=3), REFERENCES, rule, "lesion", 7) == drawn
    without = STRATA[STRATA["stratum:manufacturer"] != "Aurora"]
    assert draw_cases(without, REFERENCES, rule, "lesion", 7) == drawn[4:]
    assert draw_cases(STRATA, REFERENCES, rule, "lesion", 8) != drawn


def test_draw_fills_up_where_one_kind_is_rare() -> None:
    one = REFERENCES.assign(value=[1.0] + [0.0] * (N - 1))
    drawn = draw_cases(STRATA, one, ExplainedCases(per_level=5), "lesion", 1)
    assert len(drawn) == 5
    assert drawn[0] == "c000"
    masks = REFERENCES.assign(value=np.nan, artifact=[f"m{i}.png" if i < 3 else None for i in range(N)])
    assert set(draw_cases(STRATA, masks, ExplainedCases(per_level=6), "lesion", 1)[:3]) == {"c000", "c001", "c002"}
    with pytest.raises(BadInput, match="drawn by 'site'"):
        draw_cases(STRATA, REFERENCES, ExplainedCases(attribute="site"), "lesion", 1)


def test_numbers_and_regions() -> None:
    assert [number(v) for v in (0.0, 0.0004, 0.9996, 1.0, 0.5)] == [
        "0.000",
        "below 0.001",
        "above 0.999",
        "1.000",
        "0.500",
    ]
    weight = np.zeros((3, 10, 10), np.float32)
    assert strongest_region(weight) is None
    weight[1, 8, 2] = -3
    weight[2, 1, 1] = 1
    assert strongest_region(weight) == ("lower left quadrant", 0.75)
