"""Boxes and points as they come: tables and COCO, and what is refused."""

import json

import pandas as pd
import pytest

from audit.places import read_places
from audit.records import BadInput

HEAD = b"case_id,x,y,width,height,rating\n"


def read(data, name="marks.csv", known=("a", "b"), **more):
    return read_places(data, name, known, **more)


def test_a_row_without_a_place_is_a_case_without_marks():
    found = read(HEAD + b"a,1,2,3,4,0.5\nb,,,,,\n")
    assert found.cases == {"a", "b"}
    assert found.rows[["case_id", "x", "y", "width", "height", "rating", "row"]].values.tolist() == [
        ["a", 1, 2, 3, 4, 0.5, 1]
    ]
    assert found.rows["z"].isna().all()
    assert not found.labels


def test_points_labels_and_another_name_for_the_case():
    found = read(b"image,x,y,z,label\n007,1,2,3,Nodule\n007,4,5,6,Mass\n", case_id="image")
    assert found.cases == {"007"}
    assert found.labels == {"Nodule", "Mass"}
    assert found.rows["width"].isna().all()


def test_parquet(tmp_path):
    frame = pd.DataFrame({"case_id": ["a", "b"], "x": [1.5, None], "y": [2.5, None], "rating": [0.1, None]})
    frame.to_parquet(tmp_path / "m.parquet")
    found = read((tmp_path / "m.parquet").read_bytes(), "m.parquet")
    assert found.cases == {"a", "b"}
    assert len(found.rows) == 1


def coco(**changes):
    content = {
        "images": [{"id": 7, "file_name": "images/a.png"}, {"id": 8, "file_name": "b.png"}],
        "annotations": [{"image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}],
        "categories": [{"id": 1, "name": "Nodule"}, {"id": 2, "name": "Mass"}],
    }
    return json.dumps({**content, **changes}).encode()


def test_coco_images_are_the_cases_looked_at():
    found = read(coco(), "marks.json")
    assert found.cases == {"a", "b"}
    assert found.labels == {"Nodule", "Mass"}
    assert found.rows[["case_id", "label", "x", "y", "width", "height", "rating"]].values.tolist() == [
        ["a", "Nodule", 1, 2, 3, 4, 0.5]
    ]


def test_coco_images_by_case_id_or_number():
    assert read(coco(images=[{"id": 7, "case_id": "b"}], annotations=[]), "m.json").cases == {"b"}
    assert read(coco(images=[{"id": 7}], annotations=[]), "m.json", known=["7"]).cases == {"7"}
    assert read(coco(images=[{"id": 7, "file_name": "z.png"}], annotations=[]), "m.json").cases == {"z.png"}


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (b"case_id,x\na,1\n", "m.csv", "column 'y' is missing"),
        (b"", "m.csv", "not a readable table"),
        (HEAD + b",1,2,3,4,0.5\n", "m.csv", "data row 1 has no case_id"),
        (HEAD + b"a,1,2,3,4,high\n", "m.csv", "data row 1, column 'rating' holds 'high'"),
        (HEAD + b"a,1,2,3,4,inf\n", "m.csv", "column 'rating' holds 'inf'"),
        (HEAD + b"a,1,2,3,,0.5\n", "m.csv", "is half a box"),
        (HEAD + b"a,1,2,0,4,0.5\n", "m.csv", "extent that is not above 0"),
        (HEAD + b"a,,,,,0.5\n", "m.csv", "has no x or no y"),
        (b"case_id,x,y,width,height,depth\na,1,2,3,4,5\n", "m.csv", "depth but no z"),
        (b"case_id,x,y,z,width,height\na,1,2,3,4,5\n", "m.csv", "give width, height and depth"),
        (b"case_id,x,y,weight\na,1,2,0\n", "m.csv", "weight that is not above 0"),
        (b"[]", "m.json", "bare list of COCO results"),
        (b"{", "m.json", "not a readable JSON file"),
        (b'{"images": []}', "m.json", "annotations: this key is required"),
        (coco(annotations=[{"image_id": 9, "bbox": [1, 2, 3, 4]}]), "m.json", "names image 9"),
        (coco(annotations=[{"image_id": 7, "bbox": [1, 2, 3, 4], "iscrowd": 1}]), "m.json", "crowd region"),
        (coco(annotations=[{"image_id": 7, "bbox": [1, 2, 3]}]), "m.json", "bbox"),
        (b"x", "m.xlsx", "are read from"),
    ],
)
def test_refused_with_one_sentence(data, name, said):
    with pytest.raises(BadInput, match=said) as caught:
        read(data, name)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
