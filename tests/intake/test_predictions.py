"""Recorded predictions and tables that name cases by file or UID land on the cases that they are about."""

from __future__ import annotations

import pandas as pd
import pydicom
import pytest

from audit.records import BadInput
from tests.intake.conftest import series


def table(hospital, name, frame):
    path = hospital.folder / name
    frame.to_csv(path, index=False)
    return path


def test_predictions_by_file_name(hospital, said):
    hospital.radiographs(4)
    rows = pd.DataFrame(
        {"file": ["3.dcm", "0.dcm", "9.dcm"], "score": [0.3, 0.5, 0.9], "PatientID": ["P3", "P0", "P9"]}
    )
    taken = hospital.take(predictions=(table(hospital, "device a.csv", rows),))
    written = pd.read_csv(hospital.set / "predictions/device a.csv")
    image = dict(zip(taken.intake.cases["case_id"], taken.intake.cases["image"], strict=True))
    assert {image[c]: s for c, s in written.to_numpy()} == {"source/d0/3.dcm": 0.3, "source/d0/0.dcm": 0.5}
    assert list(written) == ["case_id", "score"]
    assert [text.partition(": ")[2] for text in said(taken)] == [
        "1 row of the recorded predictions is about no case.",
        "2 cases have no prediction in device a.csv.",
    ]
    assert "score" not in pd.read_csv(hospital.set / "manifest.csv")


def test_series_are_named_by_uid(hospital):
    uids = {}
    for name, n in (("a", 4), ("b", 5)):
        uids[n] = series(hospital.source / name, n)[0].SeriesInstanceUID
    rows = pd.DataFrame({"SeriesInstanceUID": [uids[5], uids[4]], "volume_ml": [50, 40]})
    hospital.take(table=table(hospital, "t.csv", rows), predictions=(table(hospital, "p.csv", rows),))
    cases = pd.read_csv(hospital.set / "manifest.csv").set_index("case_id")
    assert (cases["volume_ml"] == 10 * cases["slices"]).all()
    assert "SeriesInstanceUID" not in cases
    written = pd.read_csv(hospital.set / "predictions/p.csv").set_index("case_id")
    assert (written["volume_ml"] == 10 * cases["slices"][written.index]).all()


def test_one_prediction_for_several_cases_is_refused(hospital):
    hospital.radiographs(4)
    study = pydicom.uid.generate_uid()
    for path in hospital.source.rglob("*.dcm"):
        dataset = pydicom.dcmread(path)
        dataset.StudyInstanceUID = study
        dataset.save_as(path)
    rows = pd.DataFrame({"study": [study], "score": [0.3]})
    with pytest.raises(BadInput, match="one row stands for several cases"):
        hospital.take(predictions=(table(hospital, "p.csv", rows),))


def test_two_tables_of_one_name_are_refused(hospital):
    hospital.radiographs(2)
    one = table(hospital, "p.csv", pd.DataFrame({"file": ["0.dcm"], "score": [1]}))
    (hospital.folder / "other").mkdir()
    other = table(hospital, "other/p.csv", pd.DataFrame({"file": ["0.dcm"], "score": [1]}))
    with pytest.raises(BadInput, match="another table is called"):
        hospital.take(predictions=(one, other))
