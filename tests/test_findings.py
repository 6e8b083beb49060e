"""Verdicts rest on the confidence limit, in the measure's direction; plans that cannot be judged are refused."""

from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from audit.catalogue import entries
from audit.estimates import estimates_table
from audit.findings import check_plan, criterion_text, judge, overall_verdict
from audit.plan import Criterion, Plan
from audit.records import BadInput, Finding
from audit.tables import ANALYSES

POINT = {"threshold": 0.5, "chosen_on": "tuning set"}
LEVELS = {"maker": ["Alder", "Cedar Systems", "unknown"], "sex": ["F", "M"]}


def endpoint(name: str, measure: str = "sensitivity", role: str = "primary", **changes: Any) -> dict[str, Any]:
    fields = {
        "id": name,
        "role": role,
        "measure": measure,
        "target": "lesion",
        "criterion": {"kind": "minimum", "value": 0.85},
    }
    return {**fields, **changes}


def plan_of(*endpoints: dict[str, Any], **changes: Any) -> Plan:
    model = {"kind": "mlflow", "name": "m"}
    fields: dict[str, Any] = {
        "id": "p", "title": "t", "intended_purpose": "x", "model": {**model, "version": 2},
        "comparator": {**model, "version": 1}, "validation_sets": ["v"], "strata": {"maker": {}, "sex": {}},
        "intersections": [["maker", "sex"]], "endpoints": list(endpoints),
        "targets": {
            "lesion": {"task": "classification", "output": "p", "reference": "y", "operating_point": POINT},
            "mask": {"task": "segmentation", "output": "m", "reference": "m"},
            "score": {"task": "classification", "output": "p", "reference": "y"},
        },
    }  # fmt: skip
    return Plan.model_validate({**fields, **changes})


def row(measure: str, low: float | None, high: float | None, **changes: Any) -> dict[str, Any]:
    fields = {
        "kind": "value", "version": "candidate", "measure": measure, "target": "lesion", "attribute": "overall",
        "level": "all", "baseline": None, "value": None if low is None else (low + high) / 2, "low": low, "high": high,
        "confidence": 0.95, "method": "Wilson", "n_patients": 90, "n_cases": 90, "n_events": 40, "n_failed": 0,
        "n_undefined_resamples": None, "undefined": None if low is not None else "no cases",
    }  # fmt: skip
    return {**fields, **changes}


NO_ANALYSES = pd.DataFrame(columns=list(ANALYSES.columns))


def judged(plan: Plan, estimates: pd.DataFrame) -> list[Finding]:
    return judge(plan, estimates, NO_ANALYSES)


def verdict(criterion: dict[str, Any], low: float | None, high: float | None, measure: str = "sensitivity") -> str:
    changes = {} if "value" in criterion else {"kind": "change", "version": "candidate - comparator"}
    plan = plan_of(endpoint("P1", measure, criterion=criterion))
    (finding,) = judged(plan, estimates_table([row(measure, low, high, **changes)]))
    return finding.verdict


MINIMUM, MAXIMUM = {"kind": "minimum", "value": 0.85}, {"kind": "maximum", "value": 0.2}
SUPERIOR, NOT_WORSE = {"kind": "superiority"}, {"kind": "non_inferiority", "margin": 0.05}
SAME = {"kind": "equivalence", "margin": 0.05}


@pytest.mark.parametrize(
    ("criterion", "low", "high", "measure", "expected"),
    [
        (MINIMUM, 0.85, 0.95, "sensitivity", "met"),
        (MINIMUM, 0.84, 0.95, "sensitivity", "not shown"),
        (MINIMUM, 0.70, 0.84, "sensitivity", "failed"),
        (MINIMUM, None, None, "sensitivity", "not assessed"),
        (MAXIMUM, 0.10, 0.20, "brier", "met"),
        (MAXIMUM, 0.10, 0.21, "brier", "not shown"),
        (MAXIMUM, 0.21, 0.30, "brier", "failed"),
        (SUPERIOR, 0.01, 0.10, "auroc", "met"),
        (SUPERIOR, 0.00, 0.10, "auroc", "not shown"),
        (SUPERIOR, -0.20, -0.01, "auroc", "failed"),
        (SUPERIOR, -0.20, -0.01, "brier", "met"),
        (SUPERIOR, 0.01, 0.20, "brier", "failed"),
        (NOT_WORSE, -0.04, 0.10, "auroc", "met"),
        (NOT_WORSE, -0.06, 0.10, "auroc", "not shown"),
        (NOT_WORSE, -0.20, -0.06, "auroc", "failed"),
        (NOT_WORSE, -0.10, 0.04, "brier", "met"),
        (NOT_WORSE, -0.10, 0.06, "brier", "not shown"),
        (SAME, -0.04, 0.04, "auroc", "met"),
        (SAME, -0.04, 0.06, "auroc", "not shown"),
        (SAME, 0.06, 0.09, "auroc", "failed"),
    ],
)
def test_verdicts(
    criterion: dict[str, Any], low: float | None, high: float | None, measure: str, expected: str
) -> None:
    assert verdict(criterion, low, high, measure) == expected


def test_criteria_in_words() -> None:
    measures = entries("measures")
    asked = {
        "minimum": (MINIMUM, "sensitivity"),
        "brier": (SUPERIOR, "brier"),
        "margin": (NOT_WORSE, "auroc"),
        "same": (SAME, "auroc"),
    }
    text = {name: criterion_text(Criterion.model_validate(c), measures[m], 0.95) for name, (c, m) in asked.items()}
    assert text == {
        "minimum": "lower 95 % limit of sensitivity ≥ 0.85",
        "brier": "upper 95 % limit of candidate − comparator in Brier score < 0",
        "margin": "lower 95 % limit of candidate − comparator in AUROC > −0.05",
        "same": "95 % limits of candidate − comparator in AUROC within ±0.05",
    }


def each() -> tuple[Plan, pd.DataFrame]:
    plan = plan_of(endpoint("P2", group={"attribute": "maker", "level": "each"}))
    group = {"attribute": "maker"}
    rows = [
        row("sensitivity", 0.9, 0.95, level="Alder", **group),
        row("sensitivity", 0.5, 0.6, level="Cedar Systems", **group),
        row("sensitivity", None, None, level="unknown", **group),
    ]
    return plan, estimates_table(rows)


def test_each_level_is_a_finding_of_its_own() -> None:
    plan, estimates = each()
    found = judged(plan, estimates)
    assert [(f.endpoint, f.verdict) for f in found] == [("P2/Alder", "met"), ("P2/Cedar Systems", "failed")]
    assert found[1].estimate_id in set(estimates["estimate_id"])
    assert found[1].title == "Sensitivity, lesion, maker Cedar Systems"
    assert overall_verdict(found, plan)[0] == "failed"


def test_success_rules() -> None:
    plan = plan_of(endpoint("P1"), endpoint("P2", "specificity"), endpoint("S1", "auroc", "secondary"))
    rows = [row("sensitivity", 0.9, 0.95), row("specificity", 0.8, 0.95), row("auroc", 0.1, 0.2)]
    found = judged(plan, estimates_table(rows))
    assert [f.verdict for f in found] == ["met", "not shown", "failed"]
    outcome, sentence = overall_verdict(found, plan)
    assert outcome == "not shown"
    assert sentence == (
        "Success rule: all primary endpoints must be met. Primary endpoints met: P1; not shown: P2. Outcome: not shown."
    )
    assert overall_verdict(found, plan.model_copy(update={"success_rule": "any_primary"}))[0] == "met"
    assert overall_verdict([], plan_of())[0] == "not assessed"


def test_a_fixed_sequence_stops_at_the_first_that_is_not_met() -> None:
    family = {"name": "claims", "endpoints": ["P1", "P2", "P3", "P4"], "method": "fixed_sequence"}
    measures = ("sensitivity", "specificity", "auroc", "ppv")
    plan = plan_of(*(endpoint(f"P{i + 1}", m) for i, m in enumerate(measures)), claim_families=[family])
    limits = [(0.9, 0.95), (0.8, 0.9), (0.9, 0.95), (0.1, 0.2)]
    found = judged(plan, estimates_table([row(m, *limit) for m, limit in zip(measures, limits, strict=True)]))
    assert [f.verdict for f in found] == ["met", "not shown", "not assessed", "failed"]
    assert "ended at P2" in found[2].reason


FAMILY = {"name": "any", "endpoints": ["P1", "P2", "P3"], "method": "holm"}


def claim_row(name: str, measure: str, verdict: str | None, low: float | None = 0.84) -> dict[str, Any]:
    fields = {name: None for name in ANALYSES.columns}
    return {
        **fields, "analysis_id": f"A{name}", "analysis": "claims", "version": "candidate", "target": "lesion",
        "measure": measure, "attribute": "overall", "level": "all", "quantity": f"claim {name}", "value": 0.9,
        "low": low, "high": None if low is None else 0.97, "verdict": verdict, "n_patients": 90, "n_cases": 90,
        "method": "Holm over 3 claims of 'any': 98.3 % interval, Wilson",
    }  # fmt: skip


def test_a_family_takes_claims_away_and_never_a_warning() -> None:
    measures = ("sensitivity", "specificity", "auroc")
    plan = plan_of(*(endpoint(f"P{i + 1}", m) for i, m in enumerate(measures)), claim_families=[FAMILY])
    limits = [(0.86, 0.95), (0.90, 0.95), (0.7, 0.8)]
    estimates = estimates_table([row(m, *limit) for m, limit in zip(measures, limits, strict=True)])
    rows = [claim_row("P1", "sensitivity", "not shown"), claim_row("P2", "specificity", "met", 0.88)]
    rows.append(claim_row("P3", "auroc", "not shown"))
    found = judge(plan, estimates, pd.DataFrame(rows))
    assert [(f.alone, f.verdict) for f in found] == [("met", "not shown"), ("met", "met"), ("failed", "failed")]
    assert found[0].adjusted_id == "AP1"
    assert found[0].family == "Holm over 3 claims of 'any'"
    assert found[0].reason.endswith("98.3 % interval, Wilson: 0.840 to 0.970, not shown")
    without = judge(plan, estimates, NO_ANALYSES)
    assert [f.verdict for f in without] == ["not shown", "not shown", "failed"], "no adjusted limit, no claim"
    assert "does not stand in the evidence" in without[0].reason


@pytest.mark.parametrize(
    ("families", "rule", "message"),
    [
        ([{**FAMILY, "endpoints": ["P1", "P9"]}], "all_primary", "names endpoint P9, which the plan does not have"),
        ([{**FAMILY, "endpoints": ["P1", "D1"]}], "all_primary", "D1, which is descriptive and claims nothing"),
        ([FAMILY, {**FAMILY, "name": "b"}], "all_primary", "P1 is named by claim families 'any' and 'b'"),
        ([FAMILY, {**FAMILY, "endpoints": ["S1"]}], "all_primary", "two claim families are called 'any'"),
        ([{**FAMILY, "endpoints": ["P1", "P1"]}], "all_primary", "keep it in one"),
        ([], "any_primary", "any_primary gives 3 primary endpoints a chance each; name all of them in one"),
        ([{**FAMILY, "endpoints": ["P1", "P2"]}], "any_primary", "with method holm, max_t or fixed_sequence"),
        ([{**FAMILY, "method": "benjamini_hochberg"}], "any_primary", "with method holm, max_t or fixed_sequence"),
    ],
)
def test_families_that_cannot_be_are_refused(families: list[dict[str, Any]], rule: str, message: str) -> None:
    endpoints = [endpoint(f"P{i}") for i in (1, 2, 3)] + [endpoint("S1", role="secondary")]
    endpoints.append(endpoint("D1", role="descriptive", criterion=None))
    with pytest.raises(ValidationError) as caught:
        plan_of(*endpoints, claim_families=families, success_rule=rule)
    assert message in str(caught.value)


def test_one_primary_endpoint_needs_no_family() -> None:
    assert plan_of(endpoint("P1"), success_rule="any_primary").claim_families == ()
    assert plan_of(*(endpoint(f"P{i}") for i in (1, 2, 3)), claim_families=[FAMILY], success_rule="any_primary")


def test_descriptive_endpoints_have_no_verdict() -> None:
    plan = plan_of(endpoint("P1"), endpoint("D1", "auroc", "descriptive", criterion=None))
    found = judged(plan, estimates_table([row("sensitivity", 0.9, 0.95), row("auroc", 0.8, 0.9)]))
    assert (found[1].verdict, found[1].criterion) == ("not assessed", "")
    assert "descriptive" in found[1].reason


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"measure": "sensitivty"}, "endpoint P1: no measure 'sensitivty'; task 'classification' offers auroc"),
        ({"measure": "dice"}, "endpoint P1: measure 'dice' needs column dice; task 'classification' offers"),
        ({"measure": "auroc", "target": "mask"}, "needs columns score and reference; task 'segmentation' offers dice"),
        ({"target": "score"}, "measure 'sensitivity' needs an operating point"),
        ({"group": {"attribute": "maker", "level": "Elm"}}, "no case has maker 'Elm'; levels: Alder, Cedar Systems"),
        ({"group": {"attribute": "maker & sex", "level": "Alder"}}, "is no level of 'maker & sex'"),
        ({"criterion": {"kind": "minimum", "value": 85}}, "85 lies outside the range of 'sensitivity'"),
        ({"measure": "calibration_slope", "criterion": SUPERIOR}, "'calibration_slope' is best at 1"),
    ],
)
def test_a_plan_that_cannot_be_judged_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match="endpoint P1") as caught:
        check_plan(plan_of(endpoint("P1", **changes)), LEVELS)
    assert message in str(caught.value)


def test_a_good_plan_passes() -> None:
    cells = {"attribute": "maker & sex", "level": "Cedar Systems & F"}
    check_plan(plan_of(endpoint("P1"), endpoint("P2", group=cells), endpoint("P3", "dice", target="mask")), LEVELS)
