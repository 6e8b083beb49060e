import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.catalogue import entries
from audit.plan import OperatingPoint, Target
from audit.records import BadInput
from audit.tables import OBSERVATIONS, PREDICTIONS, REFERENCES
from audit.tasks.observations import observe
from audit.tasks.segmentation import binary
from audit.tasks.spacing import mask_spacing, voxel_ml

POINT = OperatingPoint(threshold=0.5, chosen_on="tuning")


def cases(n, **columns):
    ids = pd.Series([f"c{i}" for i in range(n)], dtype="string")
    return pd.DataFrame({"case_id": ids, "patient_id": "p" + ids} | columns)


def predictions(scores, errors=None, artifacts=None, version="candidate"):
    n = len(scores)
    return PREDICTIONS.conform(
        pd.DataFrame(
            {
                "version": version,
                "case_id": [f"c{i}" for i in range(n)],
                "target": "t",
                "score": scores,
                "artifact": artifacts or [None] * n,
                "seconds": 0.1,
                "error": errors or [None] * n,
            }
        )
    )


def references(values, artifacts=None):
    n = len(values)
    return REFERENCES.conform(
        pd.DataFrame(
            {
                "case_id": [f"c{i}" for i in range(n)],
                "target": "t",
                "reader": "reference",
                "value": values,
                "artifact": artifacts or [None] * n,
            }
        )
    )


def classified(scores, values, version="candidate", **changes):
    target = Target.model_validate({"task": "classification", "output": "o", "reference": "r"} | changes)
    made = predictions(scores, version=version)
    return observe(version, "t", target, cases(len(values)), references(values), made, no_mask, no_mask)


def no_mask(_):
    raise AssertionError("classification loads no mask")


def test_the_threshold_itself_is_positive():
    rows = classified([0.5, 0.49999, 0.9], [1, 0, 0], operating_point=POINT)
    assert rows["decision"].tolist() == [1, 0, 1]
    assert rows["reference"].tolist() == [1, 0, 0]
    assert rows["patient_id"].tolist() == ["pc0", "pc1", "pc2"]


def test_scores_outside_0_to_1_are_kept_and_not_finite_ones_are_missing():
    rows = classified([-3.5, float("inf"), float("nan"), 7.0], [1, 0, None, 0], operating_point=POINT)
    assert rows["score"].tolist() == [-3.5, pd.NA, pd.NA, 7.0]
    assert rows["decision"].tolist() == [0, pd.NA, pd.NA, 1]
    assert rows["reference"].tolist() == [1, 0, pd.NA, 0]


def test_no_operating_point_means_no_decision():
    assert classified([0.1, 0.9], [0, 1])["decision"].isna().all()


def test_comparator_and_arms_have_their_own_points():
    both = {"operating_point": POINT, "comparator_operating_point": OperatingPoint(threshold=0.1, chosen_on="x")}
    assert classified([0.2], [1], "comparator", **both)["decision"].tolist() == [1]
    assert classified([0.2], [1], "candidate + noise", **both)["decision"].tolist() == [0]


def test_no_case_is_dropped():
    target = Target(task="classification", output="o", reference="r", operating_point=POINT)
    made = predictions([0.9])
    rows = observe("candidate", "t", target, cases(3), references([1, 0]), made, no_mask, no_mask)
    assert rows["case_id"].tolist() == ["c0", "c1", "c2"]
    assert rows["score"].tolist() == [0.9, pd.NA, pd.NA]
    assert rows["reference"].tolist() == [1, 0, pd.NA]


def test_two_predictions_of_one_case_are_refused():
    target = Target(task="classification", output="o", reference="r")
    twice = pd.concat([predictions([0.9]), predictions([0.8])])
    with pytest.raises(BadInput, match="predictions name case c0 more than once"):
        observe("candidate", "t", target, cases(1), references([1]), twice, no_mask, no_mask)


SQUARE = np.zeros((4, 4), dtype=bool)
SQUARE[:2, :2] = True
EMPTY = np.zeros((4, 4), dtype=bool)


def segmented(predicted, reference, errors=None, point=None, **geometry):
    n = len(predicted)
    target = Target(task="segmentation", output="o", reference="r", operating_point=point)
    made = predictions([None] * n, errors, [None if m is None else f"m#{i}" for i, m in enumerate(predicted)])
    read = references([None] * n, [None if m is None else f"r{i}.png" for i, m in enumerate(reference)])
    return observe(
        "candidate",
        "t",
        target,
        cases(n, **geometry),
        read,
        made,
        lambda artifact: predicted[int(artifact.split("#")[1])],
        lambda case: reference[int(case[1:])],
    )


def test_dice_flags_and_volumes():
    rows = segmented(
        [SQUARE, EMPTY, SQUARE, EMPTY], [SQUARE, SQUARE, EMPTY, EMPTY], spacing_mm=0.5, slice_thickness_mm=4.0
    )
    assert rows["dice"].tolist() == [1, 0, 0, pd.NA]
    assert rows["reference"].tolist() == [1, 1, 0, 0]
    assert rows["decision"].tolist() == [1, 0, 1, 0]
    assert rows["volume_predicted_ml"].tolist() == pytest.approx([0.004, 0, 0.004, 0])
    assert rows["volume_reference_ml"].tolist() == pytest.approx([0.004, 0.004, 0, 0])
    assert rows["score"].isna().all()
    OBSERVATIONS.conform(rows)


def test_missing_masks_errors_and_unknown_thickness_are_missing():
    rows = segmented([None, SQUARE, SQUARE], [SQUARE, None, SQUARE], ["crash", None, "late"], spacing_mm=0.5)
    assert rows["dice"].isna().all()
    assert rows["decision"].tolist() == [pd.NA, 1, pd.NA]
    assert rows["reference"].tolist() == [1, pd.NA, 1]
    assert rows["volume_reference_ml"].isna().all()


def test_probabilities_are_cut_at_the_operating_point():
    probabilities = np.where(SQUARE, 0.4, 0.1)
    assert segmented([probabilities], [SQUARE])["dice"].tolist() == [0]
    point = OperatingPoint(threshold=0.4, chosen_on="tuning")
    assert segmented([probabilities], [SQUARE], point=point)["dice"].tolist() == [1]


def test_masks_of_two_grids_are_refused():
    with pytest.raises(BadInput, match="case c0: the predicted mask has 2 x 2 pixels, the reference mask 4 x 4"):
        segmented([SQUARE[:2, :2]], [SQUARE])


@pytest.mark.parametrize("mask", [np.array([[0, 255]], np.uint8), np.array([[0.1, 1.2]]), np.array([[np.nan]])])
def test_ambiguous_masks_are_refused(mask):
    with pytest.raises(BadInput, match="predicted mask holds"):
        binary(mask, 0.5, "here")


@pytest.mark.parametrize(
    ("spacing", "thickness", "axes", "expected"),
    [
        (0.5, 4, 2, 0.001),
        ("0.5 x 1.0", "4", 2, 0.002),
        ("3.0x0.5x0.5", None, 3, 0.00075),
        ("[0.5, 1.0]", 4.0, 2, 0.002),
        (0.5, 4, 3, 0.001),
        ("5 x 0.5 x 0.5", None, 2, 0.00125),
        (0.5, None, 3, np.nan),
        (0.5, None, 2, np.nan),
        (None, 4, 2, np.nan),
        (pd.NA, pd.NA, 2, np.nan),
        ("unknown", 4, 2, np.nan),
        (0, 4, 2, np.nan),
    ],
)
def test_voxel_volume(spacing, thickness, axes, expected):
    sides = mask_spacing(spacing, thickness, axes)
    assert voxel_ml(sides, spacing, thickness) == pytest.approx(expected, nan_ok=True)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from([0, 1, None])), min_size=1, max_size=20))
def test_decisions_agree_with_scores(pairs):
    rows = classified([s for s, _ in pairs], [v for _, v in pairs], operating_point=POINT)
    assert rows["decision"].tolist() == [float(s >= 0.5) for s, _ in pairs]


def test_every_entry_declares_what_it_needs():
    assert {"classification", "segmentation"} <= set(entries("tasks"))
    for name, entry in entries("tasks").items():
        assert entry.name == name
        assert entry.measures
        assert entry.needs
