import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from audit.cases.located import drawn, locator
from audit.cases.manifest import ValidationSet, read_set
from audit.plan import Target
from audit.records import BadInput

SCORE = Target(task="classification", output="prob_nodule", reference="Nodule")


@pytest.fixture
def located(tmp_path: Path) -> ValidationSet:
    """Two cases with a mask file for the first and one file of boxes that speaks of both."""
    mask = np.zeros((8, 8), np.uint8)
    mask[1:3, 4:6] = 1
    np.save(tmp_path / "mask.npy", mask)
    np.save(tmp_path / "image.npy", np.ones((8, 8), np.float32))
    boxes = "case_id,x,y,width,height,label\na,4.2,1,1.5,2,Nodule\na,0,0,1,1,Mass\nb,,,,,\n"
    (tmp_path / "boxes.csv").write_text(boxes, encoding="utf-8")
    digest = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in tmp_path.iterdir()}
    rows = pd.DataFrame(
        {
            "case_id": ["a", "b"], "patient_id": ["p", "q"], "image": "image.npy", "sha256": digest["image.npy"],
            "Nodule": [1, 0], "mask": ["mask.npy", None], "mask_sha256": [digest["mask.npy"], None],
            "boxes": "boxes.csv", "boxes_sha256": digest["boxes.csv"],
        }
    )  # fmt: skip
    rows.to_csv(tmp_path / "manifest.csv", index=False)
    facts = {
        "name": "located", "version": "1", "licence": "CC0", "description": "Two images for tests.", "simulated": True,
        "sampling": {"kind": "enriched", "how": "by hand"}, "reference": {"kind": "exact", "how": "by hand"},
    }  # fmt: skip
    (tmp_path / "set.yaml").write_text(yaml.safe_dump(facts), encoding="utf-8")
    return read_set(tmp_path)


def test_boxes_cover_every_pixel_that_they_touch_and_labels_tell_findings_apart(located: ValidationSet) -> None:
    found = locator(located, {"nodule": SCORE}, "nodule", "boxes")
    mask = found("a", (8, 8))
    assert mask is not None
    assert np.argwhere(mask).tolist() == [[1, 4], [1, 5], [2, 4], [2, 5]]
    none = found("b", (8, 8))
    assert none is not None
    assert not none.any()
    assert found("elsewhere", (8, 8)) is None
    with pytest.raises(BadInput, match=r"no box of boxes\.csv bears the label hernia"):
        locator(located, {"hernia": SCORE.model_copy(update={"output": "h", "reference": "h"})}, "hernia", "boxes")(
            "a", (8, 8)
        )


def test_masks_by_column_by_target_or_by_default(located: ValidationSet) -> None:
    outline = Target(task="segmentation", output="m", reference="mask")
    by_column = locator(located, {"nodule": SCORE}, "nodule", "mask")
    by_default = locator(located, {"nodule": SCORE, "outline": outline}, "nodule", None)
    for found in (by_column, by_default):
        mask = found("a", (8, 8))
        assert mask is not None
        assert mask.sum() == 4
        assert found("b", (8, 8)) is None
    assert locator(located, {"nodule": SCORE}, "nodule", None)("a", (8, 8)) is None
    with pytest.raises(BadInput, match=r"located_by: 'nowhere' is no target"):
        locator(located, {"nodule": SCORE}, "nodule", "nowhere")


def test_boxes_in_a_volume_and_beyond_its_border() -> None:
    rows = pd.DataFrame({"x": [2.0, 5.0], "y": [1.0, 5.0], "z": [0.0, np.nan], "width": [2.0, 9.0],
                         "height": [1.0, 9.0], "depth": [2.0, np.nan]})  # fmt: skip
    mask = drawn(rows, (3, 6, 6))
    assert mask[:2, 1, 2:4].all()
    assert not mask[2, 1].any()
    assert mask[:, 5, 5].all()
    assert mask.sum() == 4 + 3
