"""Detection measures as entries: the reference values of topic 04, lesions as units, what a plan must say."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from audit.measures.answers import Rules, Side, answer
from audit.measures.choice import checked, measures_for
from audit.measures.marked import marks_of
from audit.measures.samples import case_order, samples
from audit.plan import Plan, Target
from audit.records import BadInput, Interval, Rows, Undefined
from audit.statistics.froc import froc_curve
from audit.tables import LOCALISATIONS
from tests.measures.conftest import make_rows
from tests.statistics.conftest import Case

POINT = {"threshold": 0.5, "chosen_on": "tuning set"}


@pytest.fixture
def froc_case(shared: Path) -> Callable[[str], Case]:
    folder = shared / "reference"
    return lambda name: Case(json.loads((folder / "cases" / f"{name}.json").read_text()), folder / "data")


def target(**changes: Any) -> Target:
    fields = {
        "task": "detection",
        "output": "lesion",
        "reference": "boxes",
        "localisation": {"rule": "iou", "at_least": 0.3, "further_marks": "ignored"},
    }
    return Target.model_validate({**fields, **changes})


def entry(name: str, **changes: Any) -> Any:
    return checked(name, target(operating_point=POINT, **changes), "test")


def rows_of(frame: pd.DataFrame, diseased: pd.Series) -> Rows:
    """Rows from LOCALISATIONS, through the tables that an audit holds."""
    ids = diseased.index.astype(str)
    cases = pd.DataFrame({"case_id": ids, "patient_id": ids})
    about = {"version": "candidate", "target": "lesion"}
    fates = cases.assign(**about, fate="analysed", reason=None)
    found = frame[frame["outcome"] == "hit"]["case_id"].value_counts()
    lesions = frame[frame["outcome"].isin(["hit", "missed"])]["case_id"].value_counts()
    seen = cases.assign(**about, reference=diseased.to_numpy(dtype=float), marks=1.0)
    for name, counted in (("lesions_reference", lesions), ("lesions_found", found)):
        seen[name] = counted.reindex(ids).fillna(0).to_numpy(dtype=float)
    table = LOCALISATIONS.conform(frame.assign(**about))
    return samples(case_order(cases, fates), seen, fates, table)["candidate", "lesion"].rows


def fed(case: Case, treatment: int, reader: int) -> Rows:
    marks, truth = case.table("marks"), case.table("truth")
    mine = marks[(marks["treatment"] == treatment) & (marks["reader"] == reader)]
    lesions = truth[truth["diseased"] == 1][["case", "lesion", "weight"]]
    hits = mine[mine["mark"] == "LL"][["case", "lesion", "rating"]]
    on = lesions.merge(hits, on=["case", "lesion"], how="left")
    on["outcome"] = np.where(on["rating"].isna(), "missed", "hit")
    beside = mine[mine["mark"] == "NL"][["case", "rating"]].assign(lesion=pd.NA, weight=np.nan, outcome="false")
    frame = pd.concat([on, beside], ignore_index=True)
    frame["mark"] = np.where(frame["rating"].isna(), None, np.arange(1, len(frame) + 1))
    frame["case_id"] = frame["case"].astype(str)
    return rows_of(frame.drop(columns="case"), truth.groupby("case")["diseased"].first())


def test_fed_figures_of_merit_through_the_entries(froc_case: Callable[[str], Case]) -> None:
    case = froc_case("04-froc-fed-fom")
    names = {"wAFROC": "wafroc", "AFROC": "afroc", "HrAuc": "inferred_auroc"}
    got: dict[str, Any] = {}
    for treatment in range(1, 6):
        for reader in range(1, 5):
            rows = fed(case, treatment, reader)
            for theirs, ours in names.items():
                got[f"{theirs}.treatment{treatment}.reader{reader}"] = entry(ours).point(rows)
    for name, value in got.items():
        assert value == pytest.approx(case.expected[name], rel=1e-6), name


def test_fed_curve_and_stated_rates_through_the_entries(froc_case: Callable[[str], Case]) -> None:
    case = froc_case("04-froc-fed-curve")
    rows = fed(case, 4, 1)
    curve = froc_curve(marks_of(rows))
    assert not isinstance(curve, Undefined)
    assert curve.false_positives_per_case == pytest.approx(case.expected["froc.nlf"], abs=1e-9)
    assert curve.lesion_sensitivity == pytest.approx(case.expected["froc.llf"], abs=1e-9)
    for rate in (0.01, 0.05, 0.125, 0.25, 0.5):
        value = entry(f"lesion_sensitivity_at_fp_{rate:g}", at_false_positives=[rate]).point(rows)
        assert value == pytest.approx(case.expected[f"sens_at_fppi_{rate}.interpolated"], rel=1e-6)


def test_toy_through_the_entries(froc_case: Callable[[str], Case]) -> None:
    case = froc_case("04-froc-toy")
    lesions = [("4", 1, 0.7, 1.0), ("4", 2, 0.3, None), ("5", 1, 0.5, 1.6), ("5", 2, 0.5, 0.5)]
    false = [("1", 0.5), ("2", 0.2), ("2", 1.4), ("4", 1.2)]
    frame = pd.DataFrame(
        [
            {"case_id": c, "lesion": n, "weight": w, "rating": r, "outcome": "missed" if r is None else "hit"}
            for c, n, w, r in lesions
        ]
        + [{"case_id": c, "rating": r, "outcome": "false"} for c, r in false]
    )
    frame["mark"] = np.where(frame["rating"].isna(), None, np.arange(1, len(frame) + 1))
    rows = rows_of(frame, pd.Series([0, 0, 0, 1, 1], index=["1", "2", "3", "4", "5"]))
    for theirs, ours in (
        ("wAFROC", "wafroc"),
        ("AFROC", "afroc"),
        ("HrAuc", "inferred_auroc"),
        ("MaxLLF", "pooled_lesion_sensitivity"),
    ):
        assert entry(ours).point(rows) == pytest.approx(case.expected[theirs]), theirs


def test_lesions_not_cases_are_counted() -> None:
    rows = make_rows(200)
    found, lesions = rows.columns["lesions_found"].sum(), rows.columns["lesions_reference"].sum()
    measure = entry("pooled_lesion_sensitivity")
    assert measure.point(rows) == pytest.approx(found / lesions)
    assert measure.denominators(rows)["lesions"] == lesions
    interval = measure.interval(rows, 0.95)
    assert isinstance(interval, Interval)
    assert "t" in interval.method, "several lesions of a patient are one cluster, no binomial interval"
    assert measure.goal_interval(rows, 0.95) == interval


def test_one_lesion_each_is_a_proportion_of_patients() -> None:
    rows = make_rows(120)
    single = np.minimum(rows.columns["lesions_reference"], 1)
    once = Rows(
        rows.patient, {**rows.columns, "lesions_reference": single, "lesions_found": single * rows.columns["decision"]}
    )
    measure = entry("pooled_lesion_sensitivity")
    interval, goal = measure.interval(once, 0.95), measure.goal_interval(once, 0.95)
    assert isinstance(interval, Interval)
    assert "Wilson" in interval.method
    assert "Clopper-Pearson" in goal.method


def test_a_change_of_versions_is_paired_on_patients() -> None:
    old = make_rows(150, seed=4)
    better = np.where(np.isneginf(old.columns["lesion_rating"]), 0.4, old.columns["lesion_rating"] + 0.2)
    new = Rows(
        old.patient,
        {**old.columns, "lesion_rating": better, "lesions_found": (better >= 0.5).sum(axis=1).astype(float)},
    )
    for name in ("wafroc", "afroc", "inferred_auroc", "average_precision_voc", "pooled_lesion_sensitivity"):
        sides = tuple(Side(entry(name), rows, Rules(10, 0.95)) for rows in (new, old))
        found = answer("change", sides, lambda _: pytest.fail("an analytic difference asks for no resample"))
        assert found.interval is not None, found.undefined
        assert found.interval.low <= found.value <= found.interval.high
        apart = sum(0.5 * (side.interval.high - side.interval.low) for side in sides)
        assert found.interval.high - found.interval.low < 2 * apart


def test_too_few_lesions_are_not_concluded_on() -> None:
    rows = make_rows(60)
    few = rows.where((rows.columns["reference"] == 0) | (np.cumsum(rows.columns["lesions_reference"]) <= 8))
    found = answer("value", (Side(entry("pooled_lesion_sensitivity"), few, Rules(10, 0.95)),), lambda _: np.zeros(0))
    assert found.value is None
    assert "fewer than 10 lesions" in str(found.undefined)


def plan(**changes: Any) -> Plan:
    fields = {
        "id": "d",
        "title": "D",
        "intended_purpose": "None.",
        "model": {"kind": "recorded", "name": "d", "version": "1", "marks": "m.csv"},
        "validation_sets": ["s"],
        "targets": {"lesion": target(**changes).model_dump(exclude_unset=True)},
    }
    return Plan.model_validate(fields)


def test_what_a_target_offers_follows_from_the_plan() -> None:
    bare = [m.name for m in measures_for(plan(), "lesion")]
    assert bare[0] == "wafroc"
    assert not {"pooled_lesion_sensitivity", "false_positives_per_image", "sensitivity"} & set(bare)
    full = [m.name for m in measures_for(plan(operating_point=POINT, at_false_positives=[0.125, 1]), "lesion")]
    assert {
        "pooled_lesion_sensitivity",
        "false_positives_per_image",
        "sensitivity",
        "lesion_sensitivity_at_fp_0.125",
    } < set(full)
    with pytest.raises(BadInput, match="'at_false_positives'"):
        checked("lesion_sensitivity_at_fp_2", target(), "endpoint P1")
    with pytest.raises(BadInput, match="operating point"):
        checked("pooled_lesion_sensitivity", target(), "endpoint P1")


def test_contradictions_are_refused() -> None:
    with pytest.raises(ValueError, match="needs 'localisation'"):
        Target.model_validate({"task": "detection", "output": "o", "reference": "r"})
    with pytest.raises(ValueError, match="'at_false_positives' belongs to task detection"):
        Target.model_validate({"task": "classification", "output": "o", "reference": "r", "at_false_positives": [1]})
    with pytest.raises(ValueError, match="needs recorded 'marks'"):
        Plan.model_validate(
            {
                **plan().model_dump(exclude_unset=True),
                "model": {"kind": "recorded", "name": "d", "version": "1", "scores": "s.csv"},
            }
        )
    with pytest.raises(ValueError, match="recorded predictions need a file"):
        Plan.model_validate(
            {**plan().model_dump(exclude_unset=True), "model": {"kind": "recorded", "name": "d", "version": "1"}}
        )
