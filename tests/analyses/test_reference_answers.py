"""The reference cases of topics 10 and 13, put through the whole room as tables of an audit."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from auditing import analysed, one, plan_of

from audit.statistics.heterogeneity import fixed_effect


def case(shared: Path, name: str) -> dict:
    return json.loads((shared / "reference" / "cases" / f"{name}.json").read_text())


@pytest.fixture(scope="module")
def sites(shared: Path) -> tuple[pd.DataFrame, dict]:
    found = case(shared, "13-within-site-auc")
    frame = pd.read_csv(shared / "reference" / "data" / "sites_sim_a.csv")
    plan = plan_of({"site": {}}, threshold=found["inputs"]["threshold"])
    return analysed(frame, plan), found["expected"]


def test_four_sites_are_homogeneous_in_ranking_only(sites) -> None:
    rows, expected = sites
    q = one(rows, analysis="heterogeneity", measure="auroc", quantity="Q")
    assert q["value"] == pytest.approx(expected["auc_heterogeneity.Q"], rel=1e-6)
    assert q["p"] == pytest.approx(expected["auc_heterogeneity.p"], rel=1e-6)
    assert q["verdict"] == "no heterogeneity shown (inconclusive)"
    assert one(rows, analysis="heterogeneity", measure="auroc", quantity="I2")["value"] == 0
    for measure in ("sensitivity", "specificity"):
        test = one(rows, analysis="heterogeneity", measure=measure, quantity="chi-square")
        assert test["value"] == pytest.approx(expected[f"{measure}_homogeneity.chi2"], rel=1e-6)
        assert test["p"] == pytest.approx(expected[f"{measure}_homogeneity.p"], rel=1e-6)
        assert test["verdict"] == "heterogeneity shown"


def test_pooling_over_sites_raises_the_auroc(sites) -> None:
    rows, expected = sites
    within = rows[rows["analysis"] == "within_site"]
    assert one(within, quantity="pooled AUROC")["value"] == pytest.approx(expected["pooled.auc"])
    inner = one(within, quantity="within-level AUROC")
    assert inner["value"] == pytest.approx(expected["within_site.auc"])
    half = 1.959964 * np.sqrt(expected["within_site.var_from_site_delong"])
    assert inner["high"] - inner["low"] == pytest.approx(2 * half, rel=0.02), "logit interval against Wald's width"
    assert one(within, quantity="pooled minus within")["verdict"].startswith("pooled AUROC raised")


def test_the_locked_threshold_at_each_site(sites) -> None:
    rows, expected = sites
    for site in "ABCD":
        for rate in ("sensitivity", "specificity"):
            found = one(rows, analysis="threshold_transport", level=site, quantity=f"{rate} at the locked threshold")
            assert found["value"] == pytest.approx(expected[f"site{site}.{rate}"])


def test_raw_estimates_and_fixed_effect(sites) -> None:
    rows, expected = sites
    raw = rows[
        (rows["analysis"] == "worst_group") & (rows["measure"] == "auroc") & (rows["quantity"] == "raw estimate")
    ]
    assert raw.set_index("level")["value"].to_dict() == pytest.approx({s: expected[f"site{s}.auc"] for s in "ABCD"})
    errors = [expected[f"site{s}.auc_se"] for s in "ABCD"]
    pooled = fixed_effect(raw.sort_values("level")["value"].to_numpy(dtype=float), errors).value
    assert one(rows, analysis="heterogeneity", measure="auroc", quantity="pooled")["value"] == pytest.approx(pooled), (
        "tau is zero, so the random-effects mean is the fixed one"
    )


def positives(strata: dict[str, dict[str, list[int]]], first: str, second: str) -> pd.DataFrame:
    """Positive cases by stratum and group from [right, wrong]; and as many negatives, all called right."""
    rows = []
    for stratum, groups in strata.items():
        for group, (right, wrong) in groups.items():
            rows += [{first: group, second: stratum, "y": 1, "score": 0.9}] * right
            rows += [{first: group, second: stratum, "y": 1, "score": 0.1}] * wrong
            rows += [{first: group, second: stratum, "y": 0, "score": 0.2}] * 20
    return pd.DataFrame(rows)


def test_kidney_stones_reverse(shared: Path) -> None:
    found = case(shared, "13-simpson-kidney-stones")
    strata = {"small": found["inputs"]["small_stones"], "large": found["inputs"]["large_stones"]}
    frame = positives(strata, "manufacturer", "stones")
    rows = analysed(frame, plan_of({"manufacturer": {"baseline": "B"}, "stones": {}}))
    rows = rows[(rows["analysis"] == "simpson") & (rows["measure"] == "sensitivity") & (rows["level"] == "A - B")]
    expected = found["expected"]
    assert one(rows, quantity="crude difference")["value"] == pytest.approx(expected["crude_difference"])
    within = one(rows, quantity="within-stratum difference")
    assert within["value"] == pytest.approx(expected["mh_risk_difference"])
    width = 2 * 1.959964 * expected["mh_risk_difference.se_sato"]
    assert within["high"] - within["low"] == pytest.approx(width, rel=1e-5)
    assert within["verdict"] == "directions disagree in every stratum"
    assert one(rows, quantity="interaction")["p"] == pytest.approx(expected["breslow_day_p"])


def test_equivalence_of_two_sites(shared: Path) -> None:
    found = case(shared, "13-equivalence-proportions")
    x1, n1, x2, n2 = (found["inputs"][name] for name in ("x1", "n1", "x2", "n2"))
    frame = positives({"all": {"A": [x1, n1 - x1], "B": [x2, n2 - x2]}}, "site", "none")
    strata = {"site": {"baseline": "B", "margin": found["inputs"]["margin"]}, "none": {}}
    rows = analysed(frame, plan_of(strata))
    rows = rows[(rows["analysis"] == "equivalence") & (rows["measure"] == "sensitivity")]
    row = one(rows, level="A - B")
    expected = found["expected"]
    assert row["value"] == pytest.approx(expected["difference"])
    assert row["p"] == pytest.approx(expected["farrington_manning.p"], rel=1e-4)
    assert (row["low"], row["high"]) == pytest.approx(
        (expected["newcombe.ci90_lower"], expected["newcombe.ci90_upper"])
    )
    assert row["verdict"] == "equivalent"
    assert one(rows, level="all")["verdict"] == "equivalent"
    none = one(analysed(frame, plan_of(strata)), analysis="equivalence", attribute="none")
    assert none["undefined"] == "not assessed: the plan declares no margin for none"


def test_six_sites_heterogeneity_and_largest_contrast(shared: Path) -> None:
    found = case(shared, "10-multiplicity-sites-maxz")
    detected, n = found["inputs"]["detected"], found["inputs"]["positives"]
    cells = {f"S{i}": [x, m - x] for i, (x, m) in enumerate(zip(detected, n, strict=True))}
    rows = analysed(positives({"all": cells}, "site", "none"), plan_of({"site": {}}, resamples=1000))
    test = one(rows, analysis="heterogeneity", measure="sensitivity", quantity="chi-square")
    assert test["value"] == pytest.approx(found["expected"]["chi2_homogeneity"])
    assert test["p"] == pytest.approx(found["expected"]["chi2_homogeneity_p"])
    contrasts = rows[(rows["analysis"] == "contrasts") & (rows["measure"] == "sensitivity")]
    best = one(contrasts, level="S4", quantity="difference from the rest")
    alone = one(contrasts, level="S4", quantity="difference from the rest, unadjusted")
    critical = (best["high"] - best["low"]) / (alone["high"] - alone["low"]) * 1.959964
    assert critical == pytest.approx(found["expected"]["critical_value_two_sided_0.05"], abs=0.15)
    assert best["p_adjusted"] < 0.01
    assert best["value"] == pytest.approx(76 / 80 - (sum(detected) - 76) / (sum(n) - 80))
