"""Recorded marks: cases without marks are rows, cases that the file does not name are failures."""

import pandas as pd
import pytest

from audit.model_refs import RecordedPredictions
from audit.models.recorded import recorded_version
from audit.models.recorded_marks import read_recorded_marks
from audit.plan import Target
from audit.records import BadInput

CASES = pd.DataFrame({"case_id": pd.Series(["a", "b", "c"], dtype="string")})
IOU = {"rule": "iou", "at_least": 0.3, "further_marks": "ignored"}
HEAD = "case_id,label,x,y,width,height,rating\n"


def target(output="Nodule", **changes):
    fields = {"task": "detection", "output": output, "reference": "r", "localisation": IOU}
    return Target.model_validate({**fields, **changes})


def read(tmp_path, text, targets=None, name="marks.csv"):
    path = tmp_path / name
    path.write_text(text)
    ref = RecordedPredictions(kind="recorded", name="d", version="1", marks=name)
    return read_recorded_marks(ref, path, targets or {"t": target()}, CASES)


def test_every_case_is_a_row_and_labels_choose_the_marks(tmp_path):
    text = HEAD + "a,Nodule,1,2,3,4,0.9\na,Mass,5,6,7,8,0.8\na,Nodule,9,9,2,2,0.1\nb,,,,,,\n"
    predictions, marks = read(tmp_path, text, {"t": target(), "m": target("Mass"), "other": classification()})
    assert predictions[["case_id", "target", "error"]].values.tolist() == [
        ["a", "t", pd.NA],
        ["b", "t", pd.NA],
        ["c", "t", "no recorded prediction"],
        ["a", "m", pd.NA],
        ["b", "m", pd.NA],
        ["c", "m", "no recorded prediction"],
    ]
    assert marks[["case_id", "target", "mark", "rating"]].values.tolist() == [
        ["a", "t", 1, 0.9],
        ["a", "t", 2, 0.1],
        ["a", "m", 1, 0.8],
    ]


def classification():
    return Target(task="classification", output="p", reference="r")


def test_without_labels_all_marks_belong(tmp_path):
    _, marks = read(tmp_path, "case_id,x,y,width,height,rating\na,1,2,3,4,0.9\n")
    assert len(marks) == 1


def test_a_device_that_marked_nothing_at_all(tmp_path):
    predictions, marks = read(tmp_path, "case_id,x,y,width,height,rating\na,,,,,\n")
    assert marks.empty
    assert predictions["error"].tolist() == [pd.NA, "no recorded prediction", "no recorded prediction"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + "z,Nodule,1,2,3,4,0.9\n", "1 cases are not in the validation set .first: 'z'"),
        (HEAD + "a,Nodule,1,2,3,4,\n", "data row 1 is a mark without a rating"),
        (HEAD + "a,Mass,1,2,3,4,0.9\n", "has no label 'Nodule' .labels: Mass"),
        ("case_id,x,y,rating\na,1,2,0.9\n", "rule 'iou' needs boxes, and data row 1 of marks.csv is a point"),
    ],
)
def test_refused(tmp_path, text, said):
    with pytest.raises(BadInput, match=said):
        read(tmp_path, text)


def test_the_version_is_all_its_files(tmp_path):
    for name in ("scores.csv", "marks.csv"):
        (tmp_path / name).write_text(name)
    ref = RecordedPredictions(kind="recorded", name="d", version="1", scores="scores.csv", marks="marks.csv")
    version = recorded_version(ref, [tmp_path / name for name in ref.files], {"t": target()})
    assert set(version.digests) == {"scores.csv", "marks.csv"}
    assert version.uri == "scores.csv, marks.csv"
