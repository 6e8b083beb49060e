"""What a case yields from two masks, and what the measures make of it, against independent answers.

Reference topic 07 (MedPy, MONAI, MetricsReloaded, panoptica) through the catalogue's entries; MONAI once more on random
volumes with anisotropic voxels; three-dimensional masks whose answers are counted by hand.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from monai.metrics import compute_average_surface_distance, compute_dice, compute_hausdorff_distance, compute_iou
from monai.metrics.panoptic_quality import compute_panoptic_quality
from monai.metrics.surface_dice import compute_surface_dice
from scipy import ndimage

from audit.catalogue import entries
from audit.grids import Grid
from audit.measures.choice import measures_for
from audit.measures.samples import COLUMNS
from audit.plan import Plan, Target
from audit.records import BadInput, Rows, Undefined
from audit.tables import OBSERVATIONS, PREDICTIONS, REFERENCES
from audit.tasks.observations import observe
from tests.statistics.conftest import Case
from tests.statistics.test_segmentation_reference import _mask as drawn

ONE_TO_ONE = {"connectivity": "faces", "match": "one_to_one", "iou": 0.5}


def observed(pairs: list[tuple[Any, Any]], grids: list[Grid] | None = None, others=None, **spec: Any) -> pd.DataFrame:
    """OBSERVATIONS of (reference, prediction) pairs; ``others`` are the predictions' grids where they differ."""
    n = len(pairs)
    ids = [f"c{i}" for i in range(n)]
    texts = [grid.text() for grid in grids] if grids else [None] * n
    theirs = [grid.text() for grid in others] if others else texts
    common = {"case_id": ids, "target": "t"}
    made = {**common, "version": "candidate", "score": None, "artifact": ids, "seconds": None, "error": None}
    read = {**common, "reader": "reference", "value": None, "artifact": ids}
    return observe(
        "candidate",
        "t",
        Target.model_validate({"task": "segmentation", "output": "o", "reference": "r", **spec}),
        pd.DataFrame({"case_id": ids, "patient_id": ids, "slice_thickness_mm": 1.0}),
        REFERENCES.conform(pd.DataFrame({**read, "grid": texts})),
        PREDICTIONS.conform(pd.DataFrame({**made, "grid": theirs})),
        lambda case: pairs[int(case[1:])][1],
        lambda case: pairs[int(case[1:])][0],
    )


def rows(table: pd.DataFrame) -> Rows:
    columns = {name: table[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in COLUMNS}
    return Rows(np.arange(len(table)), columns)


def point(name: str, table: pd.DataFrame) -> float | Undefined:
    return entries("measures")[name].point(rows(table))


def case(shared: Path, name: str) -> Case:
    folder = shared / "reference"
    return Case(json.loads((folder / "cases" / f"{name}.json").read_text(encoding="utf-8")), folder / "data")


ENTRY_OF = {"dice": "dice", "iou": "iou", "hd95_max_of_directed": "hd95", "assd_pooled": "assd",
            "relative_volume_difference": "relative_volume_difference"}  # fmt: skip


def test_toy_masks_through_the_entries(shared: Path) -> None:
    reference = case(shared, "07-segmentation-toy-masks")
    names = list(reference.inputs)
    pairs = [tuple(drawn(reference.inputs[name][kind]) for kind in ("reference", "prediction")) for name in names]
    grids = [Grid(pair[0].shape, tuple(map(float, reference.inputs[name]["spacing"])))
             for name, pair in zip(names, pairs, strict=True)]  # fmt: skip
    compared = 0
    for tolerance in (1, 2):
        table = observed(pairs, grids, surface_tolerance_mm=float(tolerance))
        for i, name in enumerate(names):
            one = table.iloc[[i]]
            got = {key: point(entry, one) for key, entry in ENTRY_OF.items()}
            got[f"nsd_voxel_tau{tolerance}"] = point("normalised_surface_distance", one)
            got["volume_difference"] = 1000 * point("volume_difference", one)
            for key, value in got.items():
                if f"{name}.{key}" in reference.expected:
                    expected = reference.expected[f"{name}.{key}"]
                    found = None if isinstance(value, Undefined) else value
                    assert found == (None if expected is None else pytest.approx(expected, rel=1e-6, abs=1e-9)), (
                        name,
                        key,
                    )
                    compared += 1
    assert compared > 130


@pytest.mark.parametrize("threshold", [0.5, 0.25])
def test_toy_lesions_through_the_entries(shared: Path, threshold: float) -> None:
    reference = case(shared, "07-lesionwise-toy")
    for name, toy in reference.inputs.items():
        pair = tuple(drawn({"shape": toy["shape"], "boxes": toy[f"{k}_boxes"]}) for k in ("reference", "prediction"))
        table = observed([pair], lesions={**ONE_TO_ONE, "iou": threshold})
        expected = {key: reference.expected[f"{name}.iou{threshold}.{key}"] for key in ("f1", "pq", "recall", "fp")}
        assert point("lesion_f1", table) == pytest.approx(expected["f1"])
        assert point("panoptic_quality", table) == pytest.approx(expected["pq"])
        assert point("lesion_sensitivity", table) == pytest.approx(expected["recall"])
        assert point("pooled_lesion_sensitivity", table) == pytest.approx(expected["recall"])
        assert table["lesions_false"].tolist() == [expected["fp"]]
        touched = observed([pair], lesions={"connectivity": "faces", "match": "any_overlap"})
        answers = [reference.expected[f"{name}.any_overlap.{key}"]
                   for key in ("reference_detected", "false_positive_predictions")]  # fmt: skip
        assert touched[["lesions_found", "lesions_false"]].iloc[0].tolist() == answers
        assert touched["lesion_iou"].isna().all()


def blobs(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    field = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), (1, 2, 2))
    return np.asarray(field > np.quantile(field, 0.9))


@pytest.mark.parametrize("seed", range(4))
def test_monai_agrees_on_volumes_with_anisotropic_voxels(seed: int) -> None:
    shape, spacing, tolerance = (9, 22, 25), (3.0, 0.5, 0.7), 1.2
    mask = blobs(seed, shape)
    other = np.roll(mask, (1, 2, -1), (0, 1, 2)) ^ (blobs(seed + 50, shape) & blobs(seed + 90, shape))
    table = observed([(mask, other)], [Grid(shape, spacing)], surface_tolerance_mm=tolerance, lesions=ONE_TO_ONE)
    prediction, reference = (torch.from_numpy(each[None, None]) for each in (other, mask))
    expected = {
        "dice": compute_dice(prediction, reference),
        "iou": compute_iou(prediction, reference),
        "hd95": compute_hausdorff_distance(prediction, reference, True, "euclidean", 95, False, spacing),
        "assd": compute_average_surface_distance(prediction, reference, True, True, "euclidean", spacing),
        "normalised_surface_distance": compute_surface_dice(prediction, reference, [tolerance], True, spacing=spacing),
        "panoptic_quality": compute_panoptic_quality(
            *(torch.from_numpy(ndimage.label(each)[0]) for each in (other, mask)), match_iou_threshold=0.5
        ),
    }
    for name, value in expected.items():
        assert point(name, table) == pytest.approx(float(value), rel=1e-5), name


def volume(*voxels: tuple[slice, ...] | tuple[int, ...]) -> np.ndarray:
    mask = np.zeros((4, 8, 8), dtype=bool)
    for each in voxels:
        mask[each] = True
    return mask


def test_two_columns_of_voxels_counted_by_hand() -> None:
    """One column three voxels deep, and the same two columns apart: 2 x 0.5 mm sideways, slices 3 mm."""
    reference, prediction = volume((slice(0, 3), 2, 2)), volume((slice(0, 3), 2, 4))
    table = observed([(reference, prediction)], [Grid((4, 8, 8), (3.0, 0.5, 0.5))], surface_tolerance_mm=1.0)
    assert table[["dice", "iou"]].iloc[0].tolist() == [0, 0]
    assert table[["hd95_mm", "assd_mm", "surface_within"]].iloc[0].tolist() == [1.0, 1.0, 1.0]
    assert table["volume_predicted_ml"].tolist() == pytest.approx([3 * 3.0 * 0.5 * 0.5 / 1000])
    deeper = observed([(reference, volume((slice(1, 4), 2, 2)))], [Grid((4, 8, 8), (3.0, 0.5, 0.5))],
                      surface_tolerance_mm=2.9)  # fmt: skip
    assert deeper["dice"].tolist() == pytest.approx([4 / 6])
    assert deeper["surface_within"].tolist() == pytest.approx([4 / 6])
    assert deeper["hd95_mm"].tolist() == pytest.approx([np.percentile([0, 0, 3], 95)])
    assert deeper["assd_mm"].tolist() == pytest.approx([1.0])


def test_empty_masks_are_counted_apart() -> None:
    full, empty = volume((slice(0, 2), slice(1, 4), slice(1, 4))), volume()
    grids = [Grid((4, 8, 8), (3.0, 0.5, 0.5))] * 4
    table = observed([(full, full), (full, empty), (empty, full), (empty, empty)], grids,
                     surface_tolerance_mm=1.0, lesions=ONE_TO_ONE)  # fmt: skip
    assert table["reference"].tolist() == [1, 1, 0, 0]
    assert table["decision"].tolist() == [1, 0, 1, 0]
    for name in ("dice", "iou", "surface_within"):
        assert table[name].tolist() == [1, 0, 0, pd.NA], name
    for name in ("hd95_mm", "assd_mm"):
        assert table[name].tolist() == [0, pd.NA, pd.NA, pd.NA], name
    assert table["lesions_found"].tolist() == [1, 0, 0, 0]
    assert entries("measures")["hd95"].denominators(rows(table))["cases with a predicted and a reference mask"] == 1
    counted = {"dice": 3, "lesion_sensitivity": 2, "lesion_f1": 3, "panoptic_quality": 3, "hd95": 1,
               "relative_volume_difference": 2}  # fmt: skip
    assert {name: len(entries("measures")[name].contributing(rows(table))) for name in counted} == counted


def test_connectivity_decides_what_one_lesion_is() -> None:
    by_edge, by_corner = volume((1, 1, 1), (1, 2, 2)), volume((1, 1, 1), (2, 2, 2))
    found = {
        rule: observed([(by_edge, by_edge), (by_corner, by_corner)], lesions={**ONE_TO_ONE, "connectivity": rule})
        for rule in ("faces", "edges", "corners")
    }
    counts = {rule: table["lesions_reference"].tolist() for rule, table in found.items()}
    assert counts == {"faces": [2, 2], "edges": [1, 2], "corners": [1, 1]}


def test_lesions_of_a_lost_case_are_still_counted() -> None:
    table = observed([(volume((1, 1, 1), (3, 3, 3)), volume())], [Grid((4, 8, 8), (3.0, 1.0, 1.0))],
                     [Grid((4, 8, 8), (3.0, 1.1, 1.0))], lesions=ONE_TO_ONE)  # fmt: skip
    assert table["lesions_reference"].tolist() == [2]
    assert table["lesions_found"].isna().all()
    assert table["decision"].isna().all()
    assert table["reference"].tolist() == [1]
    lost = entries("measures")["pooled_lesion_sensitivity"]
    assert lost.point(lost.worst_case(rows(table), np.array([True]))) == 0


AXES = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
PLACED = Grid((4, 8, 8), (3.0, 0.5, 0.5), (10.0, -20.0, 30.0), AXES)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"shape": (4, 8, 9)}, "4 x 8 x 8 voxels against 4 x 8 x 9"),
        ({"spacing_mm": (3.0, 0.5, 0.6)}, "spacing, voxels up to 0.7 mm apart"),
        ({"origin_mm": (10.0, -20.0, 33.0)}, "origin, voxels up to 3 mm apart"),
        ({"directions": ((0.0, 0.0, -1.0), *AXES[1:])}, "orientation, voxels up to 18 mm apart"),
        ({"origin_mm": (10.00005, -20.0, 30.0)}, None),
        ({"origin_mm": None}, None),
        ({"directions": None, "origin_mm": None}, None),
        ({"spacing_mm": None}, None),
    ],
)
def test_grids_are_compared_by_voxels_and_geometry(changes: dict[str, Any], words: str | None) -> None:
    other = replace(PLACED, **changes)
    assert PLACED.mismatch(other, 1e-4) == words
    assert Grid.of_text(other.text()) == other
    assert PLACED.mismatch(PLACED, 1e-12) is None


def test_a_case_on_another_grid_yields_nothing_that_compares() -> None:
    mask = volume((1, slice(2, 5), slice(2, 5)))
    table = observed([(mask, mask)] * 2, [PLACED] * 2, [PLACED, replace(PLACED, origin_mm=(11.0, -20.0, 30.0))])
    assert table["dice"].tolist() == [1, pd.NA]
    assert table["volume_predicted_ml"].isna().tolist() == [False, True]
    assert table["volume_reference_ml"].isna().tolist() == [False, False]


def test_masks_of_unknown_grids_and_two_shapes_are_refused() -> None:
    with pytest.raises(BadInput, match="case c0: the predicted mask has 2 x 2 pixels, the reference mask 4 x 4"):
        observed([(np.ones((4, 4), bool), np.ones((2, 2), bool))])


def plan_of(**spec: Any) -> Plan:
    target = {"task": "segmentation", "output": "o", "reference": "r", **spec}
    model = {"kind": "recorded", "name": "d", "version": "1", "scores": "s.csv"}
    return Plan.model_validate({"id": "p", "title": "t", "intended_purpose": "i", "model": model,
                                "validation_sets": ["s"], "targets": {"t": target}})  # fmt: skip


def test_thresholds_come_from_the_plan_or_the_measure_is_not_offered() -> None:
    bare = [measure.name for measure in measures_for(plan_of(), "t")]
    assert bare[:2] == ["dice", "iou"]
    assert {"hd95", "assd", "absolute_volume_error"} <= set(bare)
    assert not {"normalised_surface_distance", "lesion_f1", "panoptic_quality"} & set(bare)
    whole = [m.name for m in measures_for(plan_of(surface_tolerance_mm=2, lesions=ONE_TO_ONE), "t")]
    assert {"normalised_surface_distance", "lesion_f1", "panoptic_quality"} <= set(whole)
    touch = {"connectivity": "corners", "match": "any_overlap"}
    assert "panoptic_quality" not in [m.name for m in measures_for(plan_of(lesions=touch), "t")]
    for spec, name, words in (
        ({}, "normalised_surface_distance", "surface_tolerance_mm"),
        ({}, "lesion_f1", "'lesions' with 'connectivity' and 'match'"),
        ({"lesions": touch}, "panoptic_quality", "one_to_one"),
    ):
        with pytest.raises(BadInput, match=words):
            measures_for(plan_of(measures=[name], **spec), "t")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"lesions": {"connectivity": "faces", "match": "one_to_one"}}, "need 'iou'"),
        ({"lesions": {"connectivity": "faces", "match": "any_overlap", "iou": 0.1}}, "take no 'iou'"),
        ({"label": 0}, "0 is the background"),
        ({"task": "classification", "label": 1}, "'label' belongs to task segmentation"),
    ],
)
def test_contradictions_about_masks_are_refused(spec: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        plan_of(**spec)


def test_labels_of_the_reference_follow_the_prediction_unless_named() -> None:
    assert plan_of(label=2).targets["t"].labels_of_reference == (2,)
    both = plan_of(label=1, reference_label=[2, 3]).targets["t"]
    assert (both.label, both.labels_of_reference) == ((1,), (2, 3))
    assert plan_of().targets["t"].labels_of_reference == ()


small = arrays(np.bool_, (2, 4, 4))


@settings(max_examples=40, deadline=None)
@given(small, small, st.sampled_from(["faces", "edges", "corners"]))
def test_laws_of_two_masks(one: np.ndarray, two: np.ndarray, rule: str) -> None:
    spec = {"surface_tolerance_mm": 0.8, "lesions": {**ONE_TO_ONE, "connectivity": rule}}
    table = observed([(one, two), (two, one), (one, one)], [Grid((2, 4, 4), (2.0, 0.5, 0.7))] * 3, **spec)
    first, second, same = (table.iloc[i] for i in range(3))
    for name in ("dice", "iou", "surface_within", "hd95_mm", "assd_mm", "lesion_iou"):
        assert (first[name] is pd.NA) == (second[name] is pd.NA)
        assert first[name] is pd.NA or first[name] == pytest.approx(second[name])
    if first["dice"] is not pd.NA:
        assert first["iou"] == pytest.approx(first["dice"] / (2 - first["dice"]))
        assert (first["dice"] == 1) == bool((one == two).all())
    assert first["lesions_found"] <= first["lesions_reference"]
    if one.any():
        assert same[["dice", "surface_within", "hd95_mm"]].tolist() == [1, 1, 0]
        assert same["lesions_found"] == same["lesions_reference"] == same["lesion_iou"]


def test_rows_conform() -> None:
    OBSERVATIONS.conform(observed([(volume((1, 1, 1)), volume())]))
