"""Marks against lesions: the plan's rule, who gets a lesion, what an order of rows may not change."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.data.box_utils import box_iou

from audit.plan import Localisation, OperatingPoint, Target
from audit.records import BadInput
from audit.tables import LESIONS, LOCALISATIONS, MARKS, PREDICTIONS, REFERENCES
from audit.tasks.localising import iou, localise, spacing_zyx
from audit.tasks.observations import observe

IOU = Localisation(rule="iou", at_least=0.3, further_marks="ignored")
INSIDE = Localisation(rule="centre_inside", further_marks="ignored")
NEAR = Localisation(rule="distance", within=5, unit="pixels", further_marks="ignored")
GEOMETRY = ("x", "y", "z", "width", "height", "depth")


def lesions(*boxes, case="c0"):
    rows = [
        {"case_id": case, "target": "t", "lesion": i, "weight": 1 / len(boxes), **place(box)}
        for i, box in enumerate(boxes, start=1)
    ]
    return LESIONS.conform(pd.DataFrame(rows, columns=list(LESIONS.columns)))


def marks(*rated, case="c0"):
    rows = [
        {"version": "candidate", "case_id": case, "target": "t", "mark": i, "rating": rating, **place(box)}
        for i, (rating, box) in enumerate(rated, start=1)
    ]
    return MARKS.conform(pd.DataFrame(rows, columns=list(MARKS.columns)))


def place(box):
    names = {2: ("x", "y"), 3: ("x", "y", "z"), 4: ("x", "y", "width", "height"), 6: GEOMETRY}[len(box)]
    return dict.fromkeys(GEOMETRY) | dict(zip(names, box, strict=True))


def no_spacing(_):
    raise AssertionError("a rule in pixels asks for no spacing")


def found(rule, these, those, processed=("c0",), spacing=no_spacing):
    rows = localise(rule, frozenset(processed), these, those, spacing)
    return [
        (None if pd.isna(r["mark"]) else r["mark"], None if pd.isna(r["lesion"]) else r["lesion"], r["outcome"])
        for r in rows.to_dict("records")
    ]


def test_hit_false_and_missed():
    rows = found(IOU, lesions((0, 0, 10, 10), (50, 50, 10, 10)), marks((0.9, (1, 1, 10, 10)), (0.4, (80, 80, 9, 9))))
    assert rows == [(1, 1, "hit"), (2, None, "false"), (None, 2, "missed")]


def test_the_highest_rating_gets_the_lesion():
    these = lesions((0, 0, 10, 10))
    worse_but_higher = marks((0.5, (0, 0, 10, 10)), (0.9, (3, 0, 10, 10)))
    assert found(IOU, these, worse_but_higher) == [(1, 1, "further"), (2, 1, "hit")]


def test_further_marks_are_false_where_the_plan_says_so():
    rule = IOU.model_copy(update={"further_marks": "false"})
    two = marks((0.5, (0, 0, 10, 10)), (0.9, (3, 0, 10, 10)))
    assert found(rule, lesions((0, 0, 10, 10)), two) == [(1, 1, "false"), (2, 1, "hit")]


def test_a_mark_on_two_lesions_takes_the_better_fit_and_leaves_the_other():
    rows = found(NEAR, lesions((0, 0), (6, 0)), marks((0.9, (4, 0))))
    assert rows == [(1, 2, "hit"), (None, 1, "missed")]
    both = found(NEAR, lesions((0, 0), (6, 0)), marks((0.9, (4, 0)), (0.8, (5, 0))))
    assert both == [(1, 2, "hit"), (2, 1, "hit")], "the second mark takes the lesion that is free, though further away"


def test_equal_ratings_the_better_fit_first():
    assert found(NEAR, lesions((0, 0)), marks((0.5, (3, 0)), (0.5, (1, 0)))) == [(1, 1, "further"), (2, 1, "hit")]


def test_centre_inside_takes_points_and_the_edge_counts():
    these = lesions((10, 10, 4, 4))
    assert found(INSIDE, these, marks((0.5, (14, 12)))) == [(1, 1, "hit")]
    assert found(INSIDE, these, marks((0.5, (14.01, 12))))[0] == (1, None, "false")
    assert found(INSIDE, these, marks((0.5, (0, 0, 24, 24)))) == [(1, 1, "hit")]


def test_distance_in_mm_uses_every_axis():
    rule = Localisation(rule="distance", within=5, unit="mm", further_marks="ignored")
    spacing = {"c0": np.array([3.0, 0.5, 0.5])}
    two_slices_off = found(rule, lesions((10, 10, 4)), marks((0.5, (10, 10, 6))), spacing=spacing.get)
    assert two_slices_off[0][2] == "false"
    eight_columns_off = found(rule, lesions((10, 10, 4)), marks((0.5, (18, 10, 4))), spacing=spacing.get)
    assert eight_columns_off == [(1, 1, "hit")]


def test_a_case_that_was_not_processed_has_lost_lesions():
    rows = found(IOU, lesions((0, 0, 5, 5)), marks(), processed=())
    assert rows == [(None, 1, "unprocessed")]


def test_a_volume_and_an_image_do_not_mix():
    with pytest.raises(BadInput, match="case c0: marks and lesions must both be in pixels"):
        found(NEAR, lesions((0, 0)), marks((0.5, (0, 0, 0))))


@pytest.mark.parametrize(
    "bad",
    [
        {"rule": "iou", "further_marks": "ignored"},
        {"rule": "iou", "at_least": 0.5, "within": 3, "further_marks": "ignored"},
        {"rule": "centre_inside", "at_least": 0.5, "further_marks": "ignored"},
        {"rule": "distance", "at_least": 0.5, "further_marks": "ignored"},
        {"rule": "centre_inside"},
    ],
)
def test_a_rule_has_just_its_own_number(bad):
    with pytest.raises(ValueError, match=r"localisation rule|Field required"):
        Localisation.model_validate(bad)


coordinate = st.integers(0, 30)
box = st.tuples(coordinate, coordinate, st.integers(1, 20), st.integers(1, 20))


rated = st.tuples(st.sampled_from([0.1, 0.5, 0.9]), box)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([IOU, INSIDE, NEAR]), st.lists(box, max_size=4), st.lists(rated, max_size=6), st.integers(0, 99))
def test_each_lesion_has_one_hit_and_rows_may_come_in_any_order(rule, boxes, made, seed):
    these, those = lesions(*boxes), marks(*made)
    rows = localise(rule, frozenset(["c0"]), these, those, no_spacing)
    hit = rows[rows["outcome"] == "hit"]
    assert not hit["lesion"].duplicated().any()
    assert sorted(rows["mark"].dropna()) == list(range(1, len(made) + 1))
    assert sorted(rows["lesion"][rows["outcome"].isin(["hit", "missed"])]) == list(range(1, len(boxes) + 1))
    shuffled = those.iloc[np.random.default_rng(seed).permutation(len(made))]
    again = localise(rule, frozenset(["c0"]), these, shuffled, no_spacing)
    for outcome in ("hit", "false", "further", "missed"):
        one, other = (sorted(frame["rating"][frame["outcome"] == outcome]) for frame in (rows, again))
        assert one == pytest.approx(other, nan_ok=True)


def test_iou_is_monais():
    rng = np.random.default_rng(3)
    for axes in (2, 3):
        low, size = rng.uniform(0, 20, (40, axes)), rng.uniform(1, 15, (40, axes))
        corners = np.hstack([low, low + size])
        mine = iou(low[:20], size[:20], low[20:], size[20:])
        np.testing.assert_allclose(mine, box_iou(corners[:20], corners[20:]), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("spacing", "thickness", "expected"),
    [("0.5", None, (1, 0.5, 0.5)), (0.5, 4, (4, 0.5, 0.5)), ("0.5 x 0.7", 2, (2, 0.5, 0.7)), ("3\\1\\2", 9, (3, 1, 2))],
)
def test_spacing(spacing, thickness, expected):
    assert spacing_zyx(spacing, thickness).tolist() == list(expected)


@pytest.mark.parametrize("spacing", ["wide", "0", "", "1 x 2 x 3 x 4"])
def test_no_spacing(spacing):
    with pytest.raises(BadInput, match="is no spacing"):
        spacing_zyx(spacing, None)


def test_one_row_per_case_and_nothing_marked_is_zero_not_missing():
    target = Target(
        task="detection",
        output="t",
        reference="boxes",
        localisation=NEAR,
        operating_point=OperatingPoint(threshold=0.5, chosen_on="tuning"),
    )
    ids = pd.Series(["hit", "miss", "healthy", "failed", "unread"], dtype="string")
    cases = pd.DataFrame({"case_id": ids, "patient_id": ids})
    known = pd.DataFrame(
        {"case_id": ids, "target": "t", "reader": "reference", "value": [2, 1, 0, 1, None], "artifact": "boxes.csv"}
    )
    made = pd.DataFrame(
        {
            "version": "candidate",
            "case_id": ids,
            "target": "t",
            "score": None,
            "artifact": None,
            "seconds": None,
            "error": [None, None, None, "crash", None],
        }
    )
    these = pd.concat(
        [lesions((0, 0), (90, 90), case="hit"), lesions((0, 0), case="miss"), lesions((0, 0), case="failed")]
    )
    those = pd.concat(
        [marks((0.9, (1, 0)), (0.3, (89, 90)), (0.7, (40, 40)), case="hit"), marks((0.2, (50, 0)), case="unread")]
    )
    rows = localise(NEAR, frozenset(ids) - {"failed"}, these, those, no_spacing)
    table = LOCALISATIONS.conform(rows.assign(version="candidate", target="t"))
    seen = observe(
        "candidate",
        "t",
        target,
        cases,
        REFERENCES.conform(known),
        PREDICTIONS.conform(made),
        no_spacing,
        no_spacing,
        table,
    ).set_index("case_id")
    assert seen["lesions_reference"].tolist() == [2, 1, 0, 1, pd.NA]
    assert seen["reference"].tolist() == [1, 1, 0, 1, pd.NA]
    assert seen["marks"].tolist() == [3, 0, 0, pd.NA, 1]
    assert seen["score"].tolist() == [0.9, pd.NA, pd.NA, pd.NA, 0.2]
    assert seen["decision"].tolist() == [1, 0, 0, pd.NA, 0]
    assert seen["lesions_found"].tolist() == [1, 0, 0, pd.NA, 0]
    assert seen["lesions_false"].tolist() == [1, 0, 0, pd.NA, 0]
