"""Claims of a family: p and limit agree, whatever the interval's method; levels move limits as they should."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from auditing import one, plan_of, simulated, tables
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from audit.analyses.analysing import analyses_table, answered
from audit.analyses.study import new_study
from audit.catalogue import entry
from audit.estimates import estimate
from audit.findings import judge
from audit.plan import Plan

SIZES = {"Alder": 150, "Borealis": 120, "Cedar": 130}
COMPARATOR = {"kind": "recorded", "name": "m", "version": 0, "scores": "s.csv"}


def endpoint(name: str, measure: str, criterion: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": name, "role": "secondary", "measure": measure, "target": "t", "criterion": criterion, **more}


def minimum(value: float) -> dict[str, Any]:
    return {"kind": "minimum", "value": value}


EACH = {"group": {"attribute": "manufacturer", "level": "each"}}
ENDPOINTS = (
    endpoint("A", "sensitivity", minimum(0.62)),
    endpoint("B", "auroc", minimum(0.70), **EACH),
    endpoint("C", "auroc", {"kind": "equivalence", "margin": 0.03}),
    endpoint("D", "auroc", {"kind": "non_inferiority", "margin": 0.003}),
    endpoint("E", "brier", {"kind": "maximum", "value": 0.22}),
    endpoint("F", "sensitivity", minimum(0.95)),
)


def audited(method: str, endpoints: tuple[dict[str, Any], ...] = ENDPOINTS, images: int = 1, **more: Any) -> Any:
    family = {"name": "claims", "endpoints": [each["id"] for each in endpoints], "method": method}
    first = endpoint("P", "auroc", minimum(0.5), role="primary")
    plan = plan_of({"manufacturer": {}}, comparator=COMPARATOR, endpoints=[first, *endpoints],
                   claim_families=[family], resamples=2000, **more)  # fmt: skip
    frame = simulated(11, SIZES, images=images)
    noise = np.random.default_rng(4).normal(size=len(frame))
    frame["other"] = 1 / (1 + np.exp(-(np.log(frame["score"] / (1 - frame["score"])) + 0.3 * noise)))
    target = {**plan.model_dump()["targets"]["t"], "measures": ["auroc", "sensitivity", "specificity", "brier"]}
    plan = Plan.model_validate({**plan.model_dump(), "targets": {"t": target}})
    cases, observations, fates = tables(frame, plan)
    estimates = estimate(plan, cases, observations, fates)
    study = new_study(plan, cases, observations, fates, estimates, {})
    analyses = analyses_table(answered(entry("analyses", "claims", "this test"), study))
    claims = analyses[(analyses["analysis"] == "claims") & analyses["quantity"].str.startswith("claim ")]
    return plan, estimates, analyses, claims, frame


@pytest.fixture(scope="module", params=[1, 2], ids=["one image", "two images"])
def holm(request: pytest.FixtureRequest) -> Any:
    return audited("holm", images=request.param)


def test_every_claim_has_a_row_and_the_looks_are_counted(holm: Any) -> None:
    _, _, analyses, claims, _ = holm
    assert len(claims) == 8, "one per level of B"
    assert one(analyses, quantity="claims of claims")["value"] == 8
    assert claims["method"].str.startswith("Holm over 8 claims of 'claims': ").all()


def test_adjusted_p_and_adjusted_limit_agree(holm: Any) -> None:
    *_, claims, _ = holm
    adjusted = multipletests(claims["p"], method="holm")[1]
    assert claims["p_adjusted"].to_numpy() == pytest.approx(adjusted)
    assert ((claims["verdict"] == "met") == (adjusted <= 0.025)).all()
    assert {"met", "not shown"} <= set(claims["verdict"])


def test_p_agrees_with_the_unadjusted_verdict(holm: Any) -> None:
    plan, estimates, analyses, claims, _ = holm
    found = [f for f in judge(plan, estimates, analyses) if f.family]
    assert [f.adjusted_id for f in found] == claims["analysis_id"].tolist()
    assert [(f.alone == "met") for f in found] == (claims["p"] <= 0.025).tolist()
    assert all(f.verdict == "failed" for f in found if f.alone == "failed")
    assert any(f.alone == "met" and f.verdict == "not shown" for f in found)


def test_alone_in_its_family_a_claim_has_the_limits_of_its_estimate() -> None:
    for each in ENDPOINTS:
        single = (dict(each) | {"group": {"attribute": "overall", "level": "all"}},)
        _, estimates, _, claims, _ = audited("holm", single)
        row = claims.iloc[0]
        kind = "value" if row["version"] == "candidate" else "change"
        whole = {"measure": row["measure"], "version": row["version"], "attribute": "overall", "kind": kind}
        expected = one(estimates, **whole)
        assert (row["value"], row["low"], row["high"]) == pytest.approx(
            (expected["value"], expected["low"], expected["high"]), abs=1e-9
        ), each["id"]


def test_p_of_a_proportion_is_the_exact_binomial_one() -> None:
    *_, claims, frame = audited("holm", ENDPOINTS[:1])
    positive = frame[frame["y"] == 1]
    hits, n = int((positive["score"] >= 0.5).sum()), len(positive)
    expected = stats.binomtest(hits, n, 0.62, alternative="greater").pvalue
    assert claims.iloc[0]["p"] == pytest.approx(expected, rel=1e-6)
    low, _ = proportion_confint(hits, n, alpha=2 * expected, method="beta")
    assert low == pytest.approx(0.62)


def test_p_of_a_difference_is_that_of_its_normal_test() -> None:
    _, estimates, _, claims, _ = audited("holm", ENDPOINTS[2:4])
    change = one(estimates, kind="change", measure="auroc", attribute="overall")
    error = (change["high"] - change["low"]) / (2 * stats.norm.isf(0.025))
    above, below = stats.norm.sf((change["value"] + 0.03) / error), stats.norm.sf((0.03 - change["value"]) / error)
    assert one(claims, quantity="claim C")["p"] == pytest.approx(max(above, below), rel=1e-5)
    assert one(claims, quantity="claim D")["p"] == pytest.approx(
        stats.norm.sf((change["value"] + 0.003) / error), rel=1e-5
    )


def test_max_t_is_less_strict_than_bonferroni_and_more_than_none() -> None:
    levels = tuple(endpoint(name, "auroc", minimum(value)) for name, value in (("A", 0.7), ("B", 0.71), ("C", 0.9)))
    *_, claims, _ = audited("max_t", levels)
    *_, alone, _ = audited("holm", levels[:1])
    assert (claims["low"].round(12).nunique(), len(claims)) == (1, 3), "the same estimate, one level for all"
    assert claims.iloc[0]["low"] == pytest.approx(alone.iloc[0]["low"], abs=1e-3), "perfectly correlated: one claim"
    *_, apart, _ = audited("max_t", ENDPOINTS)
    assert (apart["p_adjusted"] >= apart["p"]).all()
    assert (apart["p_adjusted"] <= np.minimum(1, 9 * apart["p"]) + 1e-12).all()
    assert ((apart["verdict"] == "met") == (apart["p_adjusted"] <= 0.025)).all()


def test_benjamini_hochberg_selects_as_statsmodels_does() -> None:
    *_, claims, _ = audited("benjamini_hochberg")
    assert ((claims["verdict"] == "met") == multipletests(claims["p"], 0.025, method="fdr_bh")[0]).all()


def test_a_limit_from_too_few_resamples_is_not_given() -> None:
    plan, estimates, analyses, claims, _ = audited("holm", confidence=0.996)
    row = one(claims, quantity="claim E")
    assert pd.isna(row["low"])
    assert row["undefined"].endswith("needs more than 2000 resamples")
    finding = next(f for f in judge(plan, estimates, analyses) if f.endpoint == "E")
    assert (finding.alone, finding.verdict) == ("met", "not shown")


def test_a_plan_without_such_families_has_no_rows() -> None:
    *_, analyses, _, _ = audited("co_primary")
    assert not (analyses["analysis"] == "claims").any()
