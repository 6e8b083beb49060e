"""Marks of a network: slots, and the pass that makes rows of them."""

import numpy as np
import pytest

from audit.engines.local import Arm, run_pass
from audit.engines.marks import filled_slots
from audit.plan import Target
from audit.records import BadInput, Image

EMPTY = -np.inf


def test_layouts():
    assert filled_slots(np.array([[1, 2, 0.5], [0, 0, EMPTY]]), "o", boxes=False) == [{"x": 1, "y": 2, "rating": 0.5}]
    (box,) = filled_slots(np.array([[1, 2, 3, 4, 0.5]]), "o", boxes=True)
    assert box == {"x": 1, "y": 2, "width": 3, "height": 4, "rating": 0.5}
    (point,) = filled_slots(np.array([[1, 2, 3, 0.5]]), "o", boxes=False)
    assert point == {"x": 1, "y": 2, "z": 3, "rating": 0.5}
    (volume,) = filled_slots(np.array([1, 2, 3, 4, 5, 6, 0.5]), "o", boxes=True)
    assert volume["depth"] == 6


@pytest.mark.parametrize(
    ("value", "boxes", "said"),
    [
        (np.zeros((2, 6)), False, "slots of"),
        (np.zeros((2, 3)), True, "slots of"),
        (np.array([[1, np.nan, 0.5]]), False, "not finite in a filled slot"),
        (np.array([[1, 2, np.inf]]), False, "not finite in a filled slot"),
        (np.array([[1, 2, 0, 4, 0.5]]), True, "box without extent"),
    ],
)
def test_refused(value, boxes, said):
    with pytest.raises(BadInput, match=said):
        filled_slots(value, "o", boxes)


def brightest(batch):
    """One mark at the brightest pixel; an image of zeros has none, one of ones breaks the device."""
    flat = batch[:, 0].reshape(len(batch), -1)
    row, column = np.divmod(flat.argmax(axis=1), batch.shape[-1])
    rating = np.where(flat.max(axis=1) > 0, flat.max(axis=1), EMPTY)
    marks = np.stack([column + 0.5, row + 0.5, rating], axis=1)[:, None]
    marks[flat.min(axis=1) == 1, 0, 0] = np.nan
    return {"marks": np.concatenate([marks, np.full_like(marks, EMPTY)], axis=1)}


def test_a_pass_gives_one_row_per_case_and_one_per_mark():
    images = {name: np.zeros((4, 5), np.float32) for name in ("dark", "spot", "bright")}
    images["spot"][2, 3] = 0.7
    images["bright"][:] = 1
    target = Target.model_validate(
        {
            "task": "detection",
            "output": "marks",
            "reference": "r",
            "localisation": {"rule": "distance", "within": 3, "unit": "pixels", "further_marks": "false"},
        }
    )
    shards = []
    run_pass(
        list(images), lambda case: Image(images[case], None), [Arm("candidate", brightest, {"t": target})], 2, 8, set(),
        shards.append, lambda _: None, seed=1, clock=lambda: 0.0,
    )  # fmt: skip
    (shard,) = shards
    assert shard.rows["error"].isna().tolist() == [True, True, False]
    assert "not finite in a filled slot" in shard.rows["error"].iloc[2]
    assert shard.marks[["case_id", "target", "mark", "x", "y"]].values.tolist() == [["spot", "t", 1, 3.5, 2.5]]
    assert shard.marks["rating"].tolist() == pytest.approx([0.7])
