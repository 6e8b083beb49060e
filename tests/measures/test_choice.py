"""What a plan is offered: values from the target's keys, refusals by name, words and meaning by kind of set."""

from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from audit.measures.choice import checked, known_measures, measures_for
from audit.measures.measure import Measure
from audit.measures.setting import Setting, setting_of
from audit.plan import Plan, Target
from audit.records import BadInput, Rows, Undefined

POINT = {"threshold": 0.5, "chosen_on": "tuning set"}
KEYS: dict[str, Any] = {
    "prevalence": 0.02, "at_specificity": 0.9, "at_sensitivity": [0.8, 0.95],
    "partial_auroc": {"sensitivity": [0.9, 1]}, "net_benefit_thresholds": [0.05, 0.1],
}  # fmt: skip


def target_of(**keys: Any) -> Target:
    fields = {"task": "classification", "output": "p", "reference": "r", "operating_point": POINT, **keys}
    return Target.model_validate({name: value for name, value in fields.items() if value is not None})


def plan_of(*endpoints: str, **keys: Any) -> Plan:
    asked = [
        {"id": f"D{i}", "role": "descriptive", "measure": name, "target": "lesion"} for i, name in enumerate(endpoints)
    ]
    primary = {
        "id": "P", "role": "primary", "measure": "auroc", "target": "lesion",
        "criterion": {"kind": "minimum", "value": 0.8},
    }  # fmt: skip
    return Plan.model_validate(
        {
            "id": "p", "title": "t", "intended_purpose": "x", "model": {"kind": "mlflow", "name": "m", "version": 1},
            "validation_sets": ["v"], "targets": {"lesion": target_of(**keys)}, "endpoints": [primary, *asked],
        }
    )  # fmt: skip


def names(measures: list[Measure]) -> set[str]:
    return {measure.name for measure in measures}


def test_each_key_of_the_target_gives_its_measures() -> None:
    plain, given = names(measures_for(plan_of(), "lesion")), names(measures_for(plan_of(**KEYS), "lesion"))
    assert plain < given
    assert given - plain == {
        "ppv_at_prevalence_0.02", "npv_at_prevalence_0.02", "sensitivity_at_specificity_0.9",
        "specificity_at_sensitivity_0.8", "specificity_at_sensitivity_0.95", "partial_auroc_sensitivity_0.9_1",
        "partial_auroc_standardised_sensitivity_0.9_1", "net_benefit_at_0.05", "net_benefit_at_0.1",
        "net_benefit_over_all_at_0.05", "net_benefit_over_all_at_0.1",
    }  # fmt: skip
    assert given <= names(known_measures(plan_of(**KEYS)))


def test_without_an_operating_point_only_scores_are_measured() -> None:
    found = measures_for(plan_of(operating_point=None, **KEYS), "lesion")
    assert not [measure.name for measure in found if "decision" in measure.columns]
    assert {"average_precision", "net_benefit_at_0.1", "sensitivity_at_specificity_0.9"} <= names(found)


@pytest.mark.parametrize(
    ("name", "keys", "said"),
    [
        ("sensitivity_at_specificity_0.9", {}, "needs a value from the plan; give the target 'at_specificity'"),
        ("sensitivity_at_specificity", {"at_specificity": 0.8}, "the target has sensitivity_at_specificity_0.8"),
        ("net_benefit_at_0.2", {"net_benefit_thresholds": [0.1]}, "the target has net_benefit_at_0.1"),
        ("partial_auroc", {}, "give the target 'partial_auroc'"),
        ("ppv_at_prevalence_0.1", {}, "give the target 'prevalence'"),
        ("f2", {}, "no measure 'f2'; task 'classification' offers auroc"),
        ("f1", {"operating_point": None}, "needs an operating point"),
    ],
)
def test_a_measure_that_lacks_its_value_is_refused_by_name(name: str, keys: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match="endpoint P1: ") as error:
        checked(name, target_of(**keys), "endpoint P1")
    assert said in str(error.value)
    with pytest.raises(BadInput):
        measures_for(plan_of(name, **keys), "lesion")


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"at_specificity": 1.0}, "less than 1"),
        ({"at_sensitivity": [0.9, 0.9]}, "named twice"),
        ({"prevalence": 0}, "greater than 0"),
        ({"partial_auroc": {"specificity": [0.9, 1], "sensitivity": [0.9, 1]}}, "give one"),
        ({"partial_auroc": {"specificity": [1, 0.9]}}, "low < high"),
        ({"net_benefit_thresholds": [1.5]}, "less than 1"),
        ({"task": "segmentation", "prevalence": 0.1}, "belongs to task classification or triage"),
    ],
)
def test_contradictions_are_refused_with_the_plan(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        target_of(**keys)


def test_an_enriched_set_has_predictive_values_only_at_a_stated_prevalence() -> None:
    enriched = setting_of([{"reference": {"kind": "pathology"}, "sampling": {"kind": "enriched"}}])
    assert enriched == Setting(standard=True, sampling="enriched")
    rows = Rows(*counted())
    silent = {m.name: m for m in measures_for(plan_of(net_benefit_thresholds=0.3), "lesion", enriched)}
    for name in ("ppv", "npv", "net_benefit_at_0.3"):
        value = silent[name].point(rows)
        assert isinstance(value, Undefined)
        assert value.reason.startswith("enriched set")
        assert silent[name].denominators(rows)
    assert isinstance(silent["accuracy"].point(rows), float)
    stated = plan_of(prevalence=0.02, net_benefit_thresholds=0.3)
    found = {m.name: m for m in measures_for(stated, "lesion", enriched)}
    assert not {"ppv", "npv"} & set(found)
    assert 0 < found["ppv_at_prevalence_0.02"].point(rows) < 0.2
    assert isinstance(found["net_benefit_at_0.3"].point(rows), float)
    consecutive = setting_of([{"reference": {"kind": "exact"}, "sampling": {"kind": "consecutive"}}])
    assert {"ppv", "npv"} <= names(measures_for(stated, "lesion", consecutive))


def counted() -> tuple[Any, dict[str, Any]]:
    frame = pd.DataFrame(
        {"reference": [1.0] * 20 + [0.0] * 20, "decision": [1.0] * 16 + [0.0] * 4 + [0.0] * 15 + [1.0] * 5}
    )
    frame["score"] = 0.2 + 0.6 * frame["decision"]
    return frame.index.to_numpy(), {name: frame[name].to_numpy() for name in frame}


@pytest.mark.parametrize("kind", ["single_reader", "report_mining"])
def test_without_a_reference_standard_there_is_agreement(kind: str) -> None:
    setting = setting_of([{"reference": {"kind": kind}, "sampling": {"kind": "consecutive"}}])
    found = {m.name: m.title for m in measures_for(plan_of(**KEYS), "lesion", setting)}
    assert found["sensitivity"] == "positive percent agreement"
    assert found["specificity"] == "negative percent agreement"
    assert found["sensitivity_at_specificity_0.9"].startswith("positive percent agreement at a negative one of 0.9")
    assert not [title for title in found.values() if "sensitivity" in title or "specificity" in title]


def test_the_weakest_of_several_sets_counts() -> None:
    good = {"reference": {"kind": "pathology"}, "sampling": {"kind": "consecutive"}}
    poor = {"reference": {"kind": "report_mining"}, "sampling": {"kind": "convenience"}}
    assert setting_of([good]) == Setting()
    assert setting_of([good, poor]) == Setting(standard=False, sampling="convenience")
