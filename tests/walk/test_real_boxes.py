"""Chest radiographs with a radiologist's boxes and two blob detectors: a detection audit from marks to documents.

Five lesions show nothing about a device; what is tested is that the audit counts right and says so.
"""

import csv
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from toy_walk import MAIN, Walk, audit, pages

from audit.tables import CURVES, DISPOSITIONS, ESTIMATES, LESIONS, LOCALISATIONS, MARKS, OBSERVATIONS
from tests.real.boxes import MARKS_PER_IMAGE, write_boxes_set


@pytest.fixture(scope="module")
def boxes(shared: Path, empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    folder = tmp_path_factory.mktemp("boxes") / "set"
    write_boxes_set(folder, shared / "data" / "nih_cxr_images")
    walk = Walk(folder)
    shutil.copytree(empty_home, walk.home)
    assert audit("lock", walk.plan, "--home", walk.home).code == 0
    run = audit("run", walk.plan, "--home", walk.home, "--json")
    assert run.code in (0, 1), run.err
    documents = audit("dossier", "--home", walk.home, *MAIN, "--json")
    assert documents.code == 0, documents.err
    return walk


def counted_by_hand(walk: Walk, version: str, threshold: float) -> tuple[int, int]:
    """Lesions hit and false marks at the threshold, from the two files: centres inside boxes, nothing more."""
    lesions = [row for row in read(walk, "lesions.csv") if row["x"]]
    read_cases = {row["case_id"] for row in read(walk, "lesions.csv")}
    hit: set[int] = set()
    false = 0
    for mark in read(walk, f"{version}.csv"):
        if mark["case_id"] not in read_cases or not mark["x"] or float(mark["rating"]) < threshold:
            continue
        x, y = (float(mark[a]) + float(mark[b]) / 2 for a, b in (("x", "width"), ("y", "height")))
        on = [
            i
            for i, box in enumerate(lesions)
            if box["case_id"] == mark["case_id"]
            and 0 <= x - float(box["x"]) <= float(box["width"])
            and 0 <= y - float(box["y"]) <= float(box["height"])
        ]
        hit |= set(on)
        false += not on
    return len(hit), false


def read(walk: Walk, name: str) -> list[dict[str, str]]:
    with (walk.folder / name).open(newline="") as stream:
        return list(csv.DictReader(stream))


def estimates(walk: Walk) -> pd.DataFrame:
    rows = walk.store.read_table(ESTIMATES)
    return rows[(rows["kind"] == "value") & (rows["attribute"] == "overall")].set_index(["version", "measure"])


@pytest.mark.parametrize(("version", "threshold"), [("candidate", 0.75), ("comparator", 0.4)])
def test_lesions_and_false_marks_are_counted_right(boxes: Walk, version: str, threshold: float) -> None:
    hit, false = counted_by_hand(boxes, version, threshold)
    found = estimates(boxes)
    assert found.loc[(version, "pooled_lesion_sensitivity"), "value"] == pytest.approx(hit / 5)
    assert found.loc[(version, "false_positives_per_image"), "value"] == pytest.approx(false / 54)
    assert hit > 0
    assert false > 0


def test_every_case_has_a_fate_and_a_row(boxes: Walk) -> None:
    fates = boxes.store.read_table(DISPOSITIONS)
    mine = fates[fates["version"] == "candidate"]
    assert mine["fate"].value_counts().to_dict() == {"excluded": 249, "analysed": 54}
    assert set(mine["reason"].dropna()) == {"no reference standard"}
    seen = boxes.store.read_table(OBSERVATIONS)
    assert len(seen) == 2 * 303
    assert seen["marks"].max() == MARKS_PER_IMAGE
    assert seen["lesions_reference"].sum() == 2 * 5


def test_marks_lesions_and_localisations_agree(boxes: Walk) -> None:
    marks, lesions = boxes.store.read_table(MARKS), boxes.store.read_table(LESIONS)
    table = boxes.store.read_table(LOCALISATIONS)
    assert len(lesions) == 5
    assert table["mark"].notna().sum() == len(marks)
    on = table[table["outcome"].isin(["hit", "missed"])]
    assert on.groupby("version").size().to_dict() == {"candidate": 5, "comparator": 5}
    curve = boxes.store.read_table(CURVES)
    for version, part in curve.groupby("version"):
        assert part["x"].is_monotonic_increasing
        assert part["y"].is_monotonic_increasing
        hits = (table["version"] == version) & (table["outcome"] == "hit")
        assert part["y"].iloc[-1] == pytest.approx(hits.sum() / 5)


def test_five_lesions_bound_little_and_the_documents_say_so(boxes: Walk) -> None:
    found = estimates(boxes)
    row = found.loc[("candidate", "pooled_lesion_sensitivity")]
    assert row["high"] - row["low"] > 0.5
    text = pages(boxes.store.folder / "documents" / "fda_performance_testing.pdf", 60)
    assert "FROC curve, finding" in text
    assert "centre of the mark inside the lesion's box" in text


def test_one_group_can_be_asked(boxes: Walk) -> None:
    asked = audit("ask", "sex=F", "--home", boxes.home, "--json")
    assert asked.code == 0, asked.err
    assert "false_positives_per_image" in asked.out


def test_it_verifies(boxes: Walk) -> None:
    assert audit("verify", "--home", boxes.home).code == 0


def test_a_question_shows_lesions_and_marks(boxes: Walk, tmp_path: Path) -> None:
    asked = audit("ask", "--home", boxes.home, "--pictures", tmp_path, "--sets", boxes.folder, "--json")
    assert asked.code == 0, asked.err
    marked = json.loads(asked.out)["detections"]
    assert sorted(marked) == sorted(map(str, tmp_path.iterdir()))
    hit, _ = counted_by_hand(boxes, "candidate", 0.75)
    told = [said for said in marked.values() if "candidate" in said]
    assert sum("1 missed" in said for said in told) == min(2, 5 - hit)
    assert sum("1 hit" in said for said in told) >= 1
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in tmp_path.iterdir())
    elsewhere = audit("ask", "--home", boxes.home, "--pictures", tmp_path, "--sets", tmp_path)
    assert elsewhere.code == 2
    assert "name its folder with --sets" in elsewhere.err
