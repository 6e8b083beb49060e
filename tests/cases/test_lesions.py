"""Lesions of a validation set: which file speaks of which case, numbers, weights, and what is refused."""

import hashlib
import json

import pandas as pd
import pytest

from audit.cases.lesions import lesions_table
from audit.cases.manifest import read_set
from audit.cases.references import references_table
from audit.plan import Target
from audit.records import BadInput

SET = """
name: boxes
version: "1"
licence: CC0
description: Boxes by hand.
simulated: true
sampling: {kind: enriched, how: by hand}
reference: {kind: exact, how: by hand}
"""
CENTRE = {"rule": "centre_inside", "further_marks": "ignored"}


def a_set(folder, files, cells, **columns):
    """A set whose cases c0, c1, ... name the files in ``cells`` (None: blank)."""
    folder.mkdir()
    (folder / "set.yaml").write_text(SET)
    for name, content in files.items():
        (folder / name).write_text(content)
    digests = [hashlib.sha256((folder / cell).read_bytes()).hexdigest() if cell else None for cell in cells]
    ids = [f"c{i}" for i in range(len(cells))]
    frame = pd.DataFrame({"case_id": ids, "patient_id": ids, "boxes": cells, "boxes_sha256": digests, **columns})
    frame.to_csv(folder / "manifest.csv", index=False)
    return read_set(folder)


def targets(**changes):
    fields = {"task": "detection", "output": "o", "reference": "boxes", "localisation": CENTRE}
    return {"t": Target.model_validate({**fields, **changes})}


BOXES = "case_id,label,x,y,width,height\nc0,Nodule,1,2,3,4\nc0,Mass,5,6,7,8\nc1,,,,,\n"


def test_one_file_for_all_and_a_blank_cell_is_no_reference(tmp_path):
    read = a_set(tmp_path / "s", {"b.csv": BOXES}, ["b.csv", "b.csv", None])
    lesions = lesions_table(read, targets())
    assert lesions[["case_id", "lesion", "weight", "x"]].values.tolist() == [["c0", 1, 0.5, 1], ["c0", 2, 0.5, 5]]
    known = references_table(read.cases, targets(), lesions=lesions)
    assert known["value"].tolist() == [2, 0, pd.NA]
    assert known["artifact"].tolist() == ["b.csv", "b.csv", pd.NA]


def test_labels_make_targets(tmp_path):
    read = a_set(tmp_path / "s", {"b.csv": BOXES}, ["b.csv", "b.csv"])
    lesions = lesions_table(read, targets(positive=["Mass"]))
    assert lesions[["lesion", "weight", "x"]].values.tolist() == [[1, 1.0, 5]]


def test_coco_files_one_per_case(tmp_path):
    files = {
        f"{case}.json": json.dumps(
            {
                "images": [{"id": 1, "file_name": f"{case}.png"}],
                "annotations": [{"image_id": 1, "bbox": [1, 2, 3, 4]}] * n,
            }
        )
        for case, n in (("c0", 2), ("c1", 0))
    }
    read = a_set(tmp_path / "s", files, ["c0.json", "c1.json"])
    assert lesions_table(read, targets())["case_id"].tolist() == ["c0", "c0"]


def test_weights_are_kept(tmp_path):
    weighted = "case_id,x,y,width,height,weight\nc0,1,1,1,1,0.7\nc0,5,5,1,1,0.3\n"
    read = a_set(tmp_path / "s", {"b.csv": weighted}, ["b.csv"])
    assert lesions_table(read, targets())["weight"].tolist() == [0.7, 0.3]


@pytest.mark.parametrize(
    ("content", "changes", "said"),
    [
        ("case_id,x,y,width,height\nc9,1,2,3,4\n", {}, "b.csv does not speak of case c0"),
        ("case_id,x,y,width,height,weight\nc0,1,2,3,4,0.4\n", {}, "weights of its lesions add up to 0.4"),
        ("case_id,x,y\nc0,1,2\n", {}, "needs boxes, and case c0 has a lesion given as a point"),
        (
            "case_id,x,y\nc0,1,2\n",
            {"localisation": {"rule": "distance", "within": 5, "further_marks": "ignored"}},
            "a distance in mm needs the manifest's 'spacing_mm', which case c0 lacks",
        ),
    ],
)
def test_refused_before_any_image_is_loaded(tmp_path, content, changes, said):
    read = a_set(tmp_path / "s", {"b.csv": content}, ["b.csv"])
    with pytest.raises(BadInput, match=said):
        lesions_table(read, targets(**changes))


def test_a_mask_is_no_file_of_lesions(tmp_path):
    read = a_set(tmp_path / "s", {"b.png": "x"}, ["b.png"])
    with pytest.raises(BadInput, match=r"names b.png; lesions are read from"):
        lesions_table(read, targets())
