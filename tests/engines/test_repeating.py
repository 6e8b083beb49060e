from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.engines.files import file_outputs
from audit.engines.local import Arm, run_pass
from audit.engines.repeating import drawn_to_repeat, repeated
from audit.engines.shards import Shard
from audit.plan import Target
from audit.records import BadInput, Image, StoredFile
from audit.tables import MARKS, PREDICTIONS

SCORE = Target(task="classification", output="score", reference="r")
MASK = Target(task="segmentation", output="mask", reference="m")
TARGETS = {"lesion": SCORE, "outline": MASK}


def shard(scores: list[float | None], masks: np.ndarray | None = None) -> Shard:
    rows = [
        {"version": "candidate", "case_id": f"c{i}", "target": "lesion", "score": score, "artifact": None,
         "seconds": None, "error": None if score is not None else "failed"}
        for i, score in enumerate(scores)
    ]  # fmt: skip
    if masks is not None:
        rows += [
            {"version": "candidate", "case_id": f"c{i}", "target": "outline", "score": None,
             "artifact": f"shards/00000.npz#candidate/outline[{i}]", "seconds": None, "error": None}
            for i in range(len(masks))
        ]  # fmt: skip
    frame = PREDICTIONS.conform(pd.DataFrame(rows, columns=list(PREDICTIONS.columns)))
    marks = MARKS.conform(pd.DataFrame([], columns=list(MARKS.columns)))
    return Shard(0, frame, {} if masks is None else {"candidate/outline": masks.astype(np.float16)}, marks)


def test_marks_are_compared_one_by_one() -> None:
    def marked(scores: list[float]) -> Shard:
        bare = shard([None])
        rows = bare.rows.assign(error=pd.array([None], dtype="string"))
        shared = {"version": "candidate", "case_id": "c0", "target": "lesion", "x": 1.0, "y": 2.0}
        marks = [{**shared, "mark": i + 1, "rating": score} for i, score in enumerate(scores)]
        return replace(bare, rows=rows, marks=MARKS.conform(pd.DataFrame(marks, columns=list(MARKS.columns))))

    assert repeated(marked([0.5, 0.25]), marked([0.5, 0.5]), 0.0)[0]["largest_difference"] == 0.25
    assert repeated(marked([0.5]), marked([0.5]), 0.0)[0]["within"]
    assert repeated(marked([]), marked([]), 0.0)[0]["compared"] == 1
    assert repeated(marked([0.5]), marked([]), 0.0)[0]["unequal"] == 1


def test_scores_and_masks_are_compared_and_the_tolerance_decides() -> None:
    masks = np.zeros((2, 4, 4))
    other = masks.copy()
    other[1, 2, 2] = 0.25
    score, mask = repeated(shard([0.5, 0.25], masks), shard([0.5, 0.5], other), 0.25)
    assert (score["largest_difference"], score["within"]) == (0.25, True)
    assert (mask["largest_difference"], mask["compared"], mask["within"]) == (0.25, 2, True)
    assert not repeated(shard([0.5]), shard([0.75]), 0.2)[0]["within"]


def test_an_answer_in_one_pass_only_is_not_the_same_answer() -> None:
    [record] = repeated(shard([0.5, None, None]), shard([0.5, 0.5, None]), 1.0)
    assert (record["cases"], record["compared"], record["unequal"], record["within"]) == (3, 1, 1, False)


def test_nothing_to_compare_has_no_largest_difference() -> None:
    [record] = repeated(shard([None]), shard([None]), 0.0)
    assert record["largest_difference"] is None
    assert record["within"]


@given(st.permutations([f"c{i}" for i in range(9)]), st.integers(0, 5))
def test_the_draw_does_not_depend_on_the_order_of_the_cases(cases: list[str], seed: int) -> None:
    assert drawn_to_repeat(cases, 4, seed) == drawn_to_repeat(sorted(cases), 4, seed)


def test_arms_that_read_files_stand_beside_arms_that_take_pixels() -> None:
    image = Image(np.ones((2, 2), np.float32), None)
    seen: list[list[str]] = []

    def read_files(files):
        seen.append(sorted(files))
        answer = {"score": np.float32(0.25), "mask": np.full((2, 2), 0.5, np.float32)}
        return {case: "no row" if case == "b" else answer for case in files}

    def predict(batch):
        return {"score": batch.mean((1, 2, 3)), "mask": batch[:, 0]}

    def load_file(case: str) -> StoredFile:
        if case == "d":
            raise BadInput("the file is gone")
        return StoredFile(".dcm", b"")

    shards: list[Shard] = []
    arms = [Arm("candidate", None, TARGETS, read_files=read_files), Arm("comparator", predict, TARGETS)]
    run_pass(
        list("abcde"), lambda _: image, arms, 2, 3, set(), shards.append, lambda _: None,
        seed=1, clock=lambda: 0.0, load_file=load_file,
    )  # fmt: skip
    rows = pd.concat([each.rows for each in shards]).set_index(["version", "case_id", "target"])
    assert seen == [["a", "b", "c"], ["e"]]
    assert rows.loc[("candidate", "b", "lesion"), "error"] == "no row"
    assert rows.loc[("candidate", "d", "outline"), "error"] == "the file is gone"
    assert rows.loc[("candidate", "e", "lesion"), "score"] == 0.25
    assert rows.loc[("comparator", "d", "lesion"), "score"] == 1.0
    np.testing.assert_array_equal(shards[0].masks["candidate/outline"], np.full((2, 2, 2), 0.5))


def test_an_output_that_the_command_lacks_is_bad_input() -> None:
    arm = Arm("candidate", None, TARGETS, read_files=lambda files: {case: {"score": np.float32(1)} for case in files})
    with pytest.raises(BadInput, match="names output 'mask'"):
        run_pass(["a"], lambda _: None, [arm], 2, 3, set(), list().append, lambda _: None, seed=1, clock=lambda: 0.0,
                 load_file=lambda _: StoredFile(".npy", b""))  # fmt: skip


def test_a_case_without_answer_is_a_row() -> None:
    found = file_outputs(["a"], lambda _: StoredFile(".npy", b""), lambda files: {})
    assert found == {"a": "the version gave no answer for this case"}
