"""Measurement, ordinal and triage: what a plan may say, and what becomes of predictions and references."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from audit.cases.flow import dispositions
from audit.cases.references import references_table
from audit.measures.choice import measures_for
from audit.model_refs import RecordedPredictions
from audit.models.recorded import read_recorded
from audit.plan import Plan, Target
from audit.records import BadInput
from audit.tables import PREDICTIONS
from audit.tasks.observations import observe

POINT = {"threshold": 0.5, "chosen_on": "tuning"}
VOLUME = {"task": "measurement", "output": "o", "reference": "r", "unit": "mL"}
SEVERITY = {"task": "ordinal", "output": "o", "reference": "r", "grades": ["none", "mild", "severe"]}
BLEEDING = {"task": "triage", "output": "o", "reference": "r", "operating_point": POINT}
REF = RecordedPredictions(kind="recorded", name="device", version="1", scores="scores.csv")


def plan(target, **changes):
    raw = {"id": "x", "title": "x", "intended_purpose": "x", "validation_sets": ["s"], "targets": {"t": target}}
    raw["model"] = {"kind": "recorded", "name": "d", "version": "1", "scores": "scores.csv"}
    return Plan.model_validate(raw | changes)


def cases(**columns):
    n = len(next(iter(columns.values())))
    ids = pd.Series([f"c{i}" for i in range(n)], dtype="string")
    return pd.DataFrame({"case_id": ids, "patient_id": "p" + ids} | columns)


def recorded(tmp_path: Path, target, frame, table):
    table.to_csv(tmp_path / "scores.csv", index=False)
    return read_recorded(REF, tmp_path / "scores.csv", {"t": Target.model_validate(target)}, frame)


def seen(target, frame, predictions):
    asked = Target.model_validate(target)
    references = references_table(frame, {"t": asked})
    return observe("candidate", "t", asked, frame, references, predictions, None, None)


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ({k: v for k, v in VOLUME.items() if k != "unit"}, "task measurement needs 'unit'"),
        (VOLUME | {"operating_point": POINT}, "'operating_point' has no meaning for task measurement"),
        (VOLUME | {"grades": [1, 2]}, "'grades' belongs to task ordinal, not to measurement"),
        (SEVERITY | {"grades": ["one"]}, "task ordinal needs 'grades': two or more different grades"),
        (SEVERITY | {"grades": [1, 1.0, 2]}, "two or more different grades"),
        (SEVERITY | {"grades": [3, 2, 1]}, "'grades' must rise, lowest first"),
        (SEVERITY | {"grades": [1, "two"]}, "'grades' mix numbers and text"),
        (SEVERITY | {"grade_cuts": [0.5]}, r"one fewer than the grades \(2\), found 1"),
        (SEVERITY | {"positive": ["severe"]}, "'positive' has no meaning for task ordinal"),
        ({k: v for k, v in BLEEDING.items() if k != "operating_point"}, "task triage needs 'operating_point'"),
        (BLEEDING | {"unit": "s"}, "'unit' belongs to task measurement"),
    ],
)
def test_a_target_that_cannot_work_is_refused_at_once(target, sentence):
    with pytest.raises(ValidationError, match=sentence):
        plan(target)


def test_explanations_and_seconds_need_what_they_are_for():
    with pytest.raises(ValidationError, match="explained are classification, triage and segmentation"):
        plan(VOLUME, explanations={"target": "t", "methods": []})
    opened = {"kind": "mlflow", "name": "m", "version": "1"}
    with pytest.raises(ValidationError, match="'seconds' names a column of recorded predictions"):
        plan(BLEEDING | {"seconds": "time"}, model=opened)


@pytest.mark.parametrize(
    ("target", "first", "absent"),
    [(VOLUME, "bias", "auroc"), (SEVERITY, "kappa_quadratic", "sensitivity"), (BLEEDING, "sensitivity", "dice")],
)
def test_each_task_offers_its_own_measures(target, first, absent):
    names = [measure.name for measure in measures_for(plan(target), "t")]
    assert names[0] == first
    assert absent not in names
    with pytest.raises(BadInput, match=f"measure '{absent}' needs"):
        measures_for(plan(target | {"measures": [absent]}), "t")


def test_triage_offers_what_classification_offers():
    triage = {measure.name for measure in measures_for(plan(BLEEDING), "t")}
    classification = {measure.name for measure in measures_for(plan(BLEEDING | {"task": "classification"}), "t")}
    assert classification < triage
    assert triage - classification == {
        "notification_mean", "notification_median", "notification_p90", "notification_p95",
    }  # fmt: skip


def test_a_measurement_keeps_numbers_and_gaps(tmp_path):
    frame = cases(r=["12.5", None, "7"])
    made = recorded(tmp_path, VOLUME, frame, pd.DataFrame({"case_id": ["c0", "c1"], "o": [13.0, 5.5]}))
    rows = seen(VOLUME, frame, made)
    np.testing.assert_array_equal(rows["value_predicted"].to_numpy(float, na_value=np.nan), [13.0, 5.5, np.nan])
    np.testing.assert_array_equal(rows["value_reference"].to_numpy(float, na_value=np.nan), [12.5, np.nan, 7.0])
    assert rows[["score", "reference", "decision", "grade_predicted"]].isna().all(axis=None)
    fates = dispositions(frame, references_table(frame, {"t": Target.model_validate(VOLUME)}), made, plan(VOLUME))
    assert fates["fate"].tolist() == ["analysed", "excluded", "failed"]


def test_a_reference_that_is_no_number_is_refused_by_row():
    with pytest.raises(BadInput, match=r"'r' holds 'about 12' in row 2 \(case c1\); expected a number"):
        references_table(cases(r=["12.5", "about 12"]), {"t": Target.model_validate(VOLUME)})


def test_text_grades_take_their_place(tmp_path):
    frame = cases(r=["none", "severe", None, "mild"])
    table = pd.DataFrame({"case_id": ["c0", "c1", "c2", "c3"], "o": ["mild", "severe", "none", "none"]})
    rows = seen(SEVERITY, frame, recorded(tmp_path, SEVERITY, frame, table))
    np.testing.assert_array_equal(rows["grade_predicted"].to_numpy(float), [1, 2, 0, 0])
    np.testing.assert_array_equal(rows["grade_reference"].to_numpy(float, na_value=np.nan), [0, 2, np.nan, 1])
    assert set(rows["n_grades"]) == {3.0}
    with pytest.raises(
        BadInput, match=r"data row 1 \(case 'c0'\) holds 'moderate'; one of the grades none, mild, severe"
    ):
        recorded(tmp_path, SEVERITY, frame, table.assign(o=["moderate", "none", "none", "none"]))
    with pytest.raises(BadInput, match=r"holds 'worse' in row 2 \(case c1\); expected one of the grades none, mild"):
        references_table(cases(r=["none", "worse"]), {"t": Target.model_validate(SEVERITY)})


def test_numbers_stand_for_themselves_and_cuts_make_grades(tmp_path):
    target = SEVERITY | {"grades": [1, 2, 5], "grade_cuts": [0.3, 0.8]}
    frame = cases(r=["1", "2.0", "5"])
    made = recorded(tmp_path, target, frame, pd.DataFrame({"case_id": ["c0", "c1", "c2"], "o": [0.29, 0.3, 0.95]}))
    rows = seen(target, frame, made)
    np.testing.assert_array_equal(rows["grade_predicted"].to_numpy(float), [0, 1, 2])
    np.testing.assert_array_equal(rows["grade_reference"].to_numpy(float), [0, 1, 2])


def test_an_opened_model_that_gives_no_grade_has_failed():
    target = SEVERITY | {"grades": [0, 1, 2]}
    frame = cases(r=[0, 1, 2])
    made = PREDICTIONS.conform(
        pd.DataFrame({
            "version": "candidate", "case_id": ["c0", "c1", "c2"], "target": "t", "score": [0.0, 1.4, 2.0],
            "artifact": None, "seconds": 0.1, "error": None,
        })
    )  # fmt: skip
    fates = dispositions(frame, references_table(frame, {"t": Target.model_validate(target)}), made, plan(target))
    assert fates["fate"].tolist() == ["analysed", "failed", "analysed"]
    assert fates["reason"].iloc[1] == "the model's score is none of the plan's grades"
    assert seen(target, frame, made)["grade_predicted"].isna().tolist() == [False, True, False]


def test_triage_takes_the_recorded_time(tmp_path):
    target = BLEEDING | {"seconds": "time_s"}
    frame = cases(r=[1, 0, 1])
    table = pd.DataFrame({"case_id": ["c0", "c1", "c2"], "o": [0.9, 0.5, 0.1], "time_s": [61.5, None, 70.0]})
    rows = seen(target, frame, recorded(tmp_path, target, frame, table))
    np.testing.assert_array_equal(rows["decision"].to_numpy(float), [1, 1, 0])
    np.testing.assert_array_equal(rows["seconds"].to_numpy(float, na_value=np.nan), [61.5, np.nan, 70.0])
    with pytest.raises(BadInput, match=r"column 'time_s', data row 2 \(case 'c1'\) holds '-3.0'; a time in seconds"):
        recorded(tmp_path, target, frame, table.assign(time_s=[1.0, -3.0, 2.0]))
    with pytest.raises(BadInput, match=r"column 'time_s' \(seconds of target 't'\) is missing"):
        recorded(tmp_path, target, frame, table.drop(columns="time_s"))
