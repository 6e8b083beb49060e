"""Laws of the whole room: order, seeds, planted gaps, true nulls, and nothing dropped in silence."""

import numpy as np
import pandas as pd
import pandas.testing
import pytest
from auditing import analysed, one, plan_of, simulated, tables

from audit.analyses.analysing import analyse
from audit.catalogue import entries
from audit.estimates import estimate
from audit.tables import ANALYSES

STRATA = {"manufacturer": {"margin": 0.1}, "sex": {"baseline": "M"}}
EQUAL = {"A": 200, "B": 200, "C": 200}


def test_order_of_rows_does_not_matter() -> None:
    plan = plan_of(STRATA, case_mix=("sex",), intersections=[["manufacturer", "sex"]], resamples=200)
    cases, observations, fates = tables(simulated(1, {"A": 70, "B": 60, "C": 50}, images=2), plan)
    estimates = estimate(plan, cases, observations, fates)
    first = analyse(plan, cases, observations, fates, estimates)
    mixed = [frame.sample(frac=1, random_state=3) for frame in (cases, observations, fates)]
    second = analyse(plan, *mixed, estimates)
    pandas.testing.assert_frame_equal(first, second)
    assert list(first.columns) == list(ANALYSES.columns)
    assert (first["value"].notna() | first["undefined"].notna()).all(), "a value or a reason, always"


def test_a_planted_gap_is_found_everywhere() -> None:
    frame = simulated(2, EQUAL, {"C": 1.0})
    criterion = {"kind": "minimum", "value": 0.75}
    endpoint = {"id": "P1", "role": "primary", "measure": "auroc", "target": "t", "criterion": criterion}
    plan = plan_of(STRATA, intersections=[["manufacturer", "sex"]], endpoints=[endpoint])
    rows = analysed(frame, plan)
    rows = rows[rows["measure"] == "auroc"]
    assert (
        one(rows, analysis="heterogeneity", attribute="manufacturer", quantity="Q")["verdict"] == "heterogeneity shown"
    )
    level = one(rows, analysis="contrasts", level="C", quantity="difference from the rest")
    assert level["verdict"] == "different from the rest"
    signal = one(rows, analysis="contrasts", attribute="manufacturer", quantity="signal")
    assert signal["verdict"] == "signal to follow up"
    assert "value: C against the rest; Benjamini-Hochberg over 6 tests" in signal["method"]
    assert one(rows, analysis="gap", attribute="manufacturer", quantity="gap")["p"] < 0.01
    worst = one(rows, analysis="worst_group", quantity="worst group")
    assert "C" in worst["level"]
    assert worst["verdict"] == "worse than the whole set, after the search"
    flag = one(rows, quantity="value against the criterion of P1", level="C", attribute="manufacturer")
    assert flag["verdict"] == "below the criterion"
    assert flag["p_adjusted"] is pd.NA
    equivalence = one(rows, analysis="equivalence", level="C - rest", quantity="difference")
    assert equivalence["verdict"].startswith("different")
    change = one(rows, analysis="leave_one_out", level="without C", quantity="change")
    assert change["low"] > 0
    raw, shrunken = (
        one(rows, analysis="worst_group", attribute="manufacturer", level="C", quantity=f"{how} estimate")["value"]
        for how in ("raw", "shrunken")
    )
    assert raw < shrunken < one(rows, analysis="heterogeneity", attribute="manufacturer", quantity="pooled")["value"]


def test_equal_makers_raise_few_signals() -> None:
    signals, gaps, worst, differences = [], [], [], []
    plan = plan_of({"manufacturer": {}}, resamples=300)
    for seed in range(12):
        rows = analysed(simulated(100 + seed, {"A": 120, "B": 120, "C": 120}), plan)
        contrasts = rows[rows["quantity"] == "difference from the rest"]
        signals += (contrasts.groupby("measure")["p_adjusted"].min() < 0.05).tolist()
        gaps += (rows.loc[rows["quantity"] == "gap", "p"] < 0.05).tolist()
        worst += (rows.loc[rows["quantity"] == "worst group", "p_adjusted"] < 0.05).tolist()
        spread = rows[(rows["analysis"] == "heterogeneity") & rows["quantity"].isin(["Q", "chi-square"])]
        differences += (spread.loc[spread["verdict"].notna(), "p"] < 0.05).tolist()
    assert len(signals) == len(gaps) == len(worst) == len(differences) == 36
    for found in (signals, gaps, worst, differences):
        assert np.mean(found) <= 0.17, "5 % expected; 6 of 36 has probability 0.01"


def test_a_threshold_that_does_not_travel_is_not_a_worse_ranking() -> None:
    frame = simulated(3, EQUAL)
    logit = np.log(frame["score"] / (1 - frame["score"])) - 1.5 * (frame["manufacturer"] == "C")
    rows = analysed(frame.assign(score=1 / (1 + np.exp(-logit))), plan_of({"manufacturer": {}}))
    q = one(rows, analysis="heterogeneity", measure="auroc", quantity="Q")
    assert q["verdict"] == "no heterogeneity shown (inconclusive)"
    transport = rows[(rows["analysis"] == "threshold_transport") & (rows["level"] == "C")]
    assert one(transport, quantity="own threshold minus the whole set's own")["high"] < 0
    locked = one(transport, quantity="sensitivity at the locked threshold")["value"]
    own = one(transport, quantity="sensitivity at own threshold")["value"]
    assert own > locked + 0.2


@pytest.mark.parametrize("images", [1, 3])
def test_empty_and_single_levels_say_why(images: int) -> None:
    frame = simulated(4, {"A": 120, "B": 6}, images=images).assign(field="1.5")
    frame.loc[frame["manufacturer"] == "B", "y"] = 0
    strata = {"manufacturer": {"margin": 0.1}, "field": {"margin": 0.1}}
    rows = analysed(frame, plan_of(strata, case_mix=("sex",)))
    for name in ("heterogeneity", "contrasts", "equivalence", "gap", "case_mix"):
        for attribute in strata:
            part = rows[
                (rows["analysis"] == name) & (rows["attribute"] == attribute) & (rows["measure"] == "sensitivity")
            ]
            reasons = part["undefined"].dropna()
            assert reasons.str.startswith("fewer than two levels can be compared").any(), (name, attribute)
    left = one(rows, analysis="heterogeneity", measure="auroc", attribute="manufacturer", quantity="levels left out")
    assert left["value"] == 1
    assert left["method"] == "B: no reference-positive cases"


def test_a_level_with_every_call_right_keeps_its_uncertainty() -> None:
    frame = simulated(5, {"A": 150, "B": 150, "C": 150})
    perfect = (frame["manufacturer"] == "C") & (frame["y"] == 1)
    rows = analysed(frame.assign(score=frame["score"].mask(perfect, 0.99)), plan_of({"manufacturer": {}}))
    contrast = one(rows, analysis="contrasts", measure="sensitivity", level="C", quantity="difference from the rest")
    assert contrast["verdict"] == "different from the rest"
    assert contrast["high"] - contrast["low"] > 0.1
    q = one(rows, analysis="heterogeneity", measure="sensitivity", quantity="Q")
    assert "half a case added to C" in q["method"]
    assert np.isfinite(q["value"])


def test_shared_patients_are_paired_not_independent() -> None:
    generator = np.random.default_rng(6)
    n = 150
    y = np.repeat((generator.uniform(size=n) < 0.5).astype(int), 2)
    z = np.repeat(generator.normal(size=n), 2) + 0.1 * generator.normal(size=2 * n) + 1.2 * y
    frame = pd.DataFrame({"y": y, "score": 1 / (1 + np.exp(-z)), "patient": [f"p{i // 2}" for i in range(2 * n)]})
    frame["scanner"] = np.tile(["old", "new"], n)
    paired = analysed(frame, plan_of({"scanner": {"margin": 0.05}}))
    alone = analysed(frame.assign(patient=[f"q{i}" for i in range(2 * n)]), plan_of({"scanner": {"margin": 0.05}}))
    about = {"analysis": "equivalence", "measure": "auroc", "level": "new - rest", "quantity": "difference"}
    first, second = one(paired, **about), one(alone, **about)
    assert first["verdict"] == "equivalent"
    assert second["verdict"] == "inconclusive"
    assert (first["high"] - first["low"]) < 0.4 * (second["high"] - second["low"])
    q = one(paired, analysis="heterogeneity", measure="auroc", quantity="Q")
    assert q["method"].startswith("generalised Q")
    assert one(paired, analysis="gap", measure="auroc", quantity="gap")["method"].endswith("centred patient bootstrap")


def test_case_mix_explains_a_crude_gap() -> None:
    generator = np.random.default_rng(7)
    n = 4000
    maker = np.where(generator.uniform(size=n) < 0.5, "A", "B")
    hard = generator.uniform(size=n) < np.where(maker == "A", 0.2, 0.8)
    right = generator.uniform(size=n) < np.where(hard, 0.6, 0.9)
    frame = pd.DataFrame({"manufacturer": maker, "size": np.where(hard, "small", "large"), "y": 1})
    frame["score"] = np.where(right, 0.9, 0.1)
    frame = pd.concat([frame, frame.head(100).assign(y=0, score=0.2)], ignore_index=True)
    rows = analysed(frame, plan_of({"manufacturer": {"baseline": "A"}}, case_mix=("size",), resamples=100))
    rows = rows[(rows["analysis"] == "case_mix") & (rows["measure"] == "sensitivity")]
    crude, adjusted = (one(rows, quantity=f"{how} difference") for how in ("crude", "adjusted"))
    assert crude["value"] == pytest.approx(-0.18, abs=0.04)
    assert adjusted["low"] < 0 < adjusted["high"]
    assert adjusted["high"] - adjusted["low"] < 0.08
    assert one(rows, quantity="cases outside the overlap")["value"] == 0


def test_unnamed_covariates_and_levels_without_overlap() -> None:
    frame = simulated(8, {"A": 100, "B": 100}).assign(size=lambda f: f["manufacturer"].map({"A": "s", "B": "l"}))
    apart = analysed(frame, plan_of({"manufacturer": {}}, case_mix=("size",)))
    reasons = apart.loc[apart["analysis"] == "case_mix", "undefined"].dropna().unique().tolist()
    assert reasons == ["no covariate cell holds cases of all levels"]
    absent = analysed(frame, plan_of({"manufacturer": {}}, case_mix=("weight",)))
    reasons = absent.loc[absent["analysis"] == "case_mix", "undefined"].dropna().unique().tolist()
    assert reasons == ["case-mix covariate 'weight' is neither a stratum nor a column"]


def test_versions_compared_within_levels() -> None:
    """A comparator that only knows the maker wins over all pairs and is a coin within makers."""
    generator = np.random.default_rng(9)
    maker = np.repeat(["A", "B"], 300)
    y = (generator.uniform(size=600) < np.where(maker == "A", 0.1, 0.9)).astype(int)
    offset = np.where(maker == "A", -2.0, 2.0)
    frame = pd.DataFrame({"manufacturer": maker, "y": y, "score": 0.8 * y + generator.normal(size=600)})
    frame["other"] = offset + 0.1 * generator.normal(size=600)
    plan = plan_of({"manufacturer": {}}, comparator={"kind": "recorded", "name": "n", "version": 1, "scores": "n.csv"})
    rows = analysed(frame, plan)
    rows = rows[(rows["version"] == "candidate - comparator") & (rows["measure"] == "auroc")]
    assert one(rows, quantity="crude difference")["value"] < 0
    within = one(rows, quantity="within-stratum difference")
    assert within["low"] > 0
    assert within["verdict"] == "directions disagree in every stratum"


def test_nothing_observed_and_no_strata() -> None:
    frame = simulated(10, {"A": 60, "B": 60})
    plan = plan_of({"manufacturer": {"margin": 0.1}}, case_mix=("sex",))
    cases, observations, fates = tables(frame, plan)
    lost = fates.assign(fate="failed", reason="no output")
    rows = analyse(plan, cases, observations, lost, estimate(plan, cases, observations, lost))
    counted = rows["quantity"].isin(["groups searched", "levels left out", "looks"])
    assert rows.loc[~counted, "value"].isna().all()
    assert rows.loc[~counted, "undefined"].notna().all()
    bare = analysed(frame, plan_of({}))
    assert set(bare["analysis"]) >= {"leave_one_out", "case_mix", "simpson", "worst_group", "representativeness"}
    assert one(bare, analysis="worst_group", measure="auroc", quantity="worst group")["undefined"] == (
        "no group can be concluded on"
    )


def test_every_entry_says_what_it_asks_and_where_it_comes_from() -> None:
    for name, entry in entries("analyses").items():
        assert entry.name == name
        assert entry.question.endswith("?")
        assert entry.title
        assert entry.source


@pytest.mark.parametrize(
    ("sites", "verdict", "v"),
    [
        ({"A": "x", "B": "y"}, "aliased: their effects cannot be separated", 1.0),
        ({"A": "xw", "B": "yz"}, "nested: each site has one manufacturer", 1.0),
        ({"A": "x", "B": "xy"}, "partly aliased: some levels occur with one other level only", 0.577350),
        ({"A": "xy", "B": "xy"}, "crossed", 0.0),
    ],
)
def test_makers_and_sites_that_cannot_be_separated(sites: dict[str, str], verdict: str, v: float) -> None:
    frame = simulated(11, {"A": 60, "B": 60}).assign(site="")
    for maker, names in sites.items():
        own = np.flatnonzero(frame["manufacturer"] == maker)
        frame.loc[own, "site"] = [names[i % len(names)] for i in range(own.size)]
    row = one(analysed(frame, plan_of({"manufacturer": {}, "site": {}}, resamples=100)), quantity="Cramér's V")
    assert row["verdict"] == verdict
    assert row["value"] == pytest.approx(v, abs=1e-5)
    assert row["n_patients"] == 120
