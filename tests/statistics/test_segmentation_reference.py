"""Masks that can be checked by hand, against MedPy, MONAI, MetricsReloaded, DeepMind and panoptica."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from audit.records import BadInput, Undefined
from audit.statistics.lesions import any_overlap, match_lesions
from audit.statistics.surfaces import (
    agreement_on_absence,
    dice,
    iou,
    relative_volume_difference,
    surface,
    surface_dice_area,
    surface_dice_voxels,
    surface_distances,
    volume,
)


def _mask(description: dict[str, Any]) -> np.ndarray:
    mask = np.zeros(description["shape"], dtype=bool)
    for box in description.get("boxes", []):
        mask[tuple(slice(low, high) for low, high in box)] = True
    grid = np.indices(mask.shape)
    for one in description.get("ellipsoids", []):
        parts = zip(grid, one["center"], one["radii"], strict=True)
        mask |= sum(((axis - centre) / radius) ** 2 for axis, centre, radius in parts) <= 1
    for box in description.get("subtract_boxes", []):
        mask[tuple(slice(low, high) for low, high in box)] = False
    return mask


def test_toy_masks(reference) -> None:
    case = reference("07-segmentation-toy-masks")
    got: dict[str, Any] = {}
    for name, pair in case.inputs.items():
        first, second, spacing = _mask(pair["reference"]), _mask(pair["prediction"]), tuple(pair["spacing"])
        found = {f"{name}.{key}": value for key, value in _all_measures(first, second, spacing).items()}
        got |= {key: value for key, value in found.items() if key in case.expected}
    case.check(got)


def _all_measures(first: np.ndarray, second: np.ndarray, spacing: tuple[float, ...]) -> dict[str, Any]:
    distances = surface_distances(first, second, spacing)
    parts = {
        "hd": "hausdorff",
        "hd95_max_of_directed": "hd95_max_of_directed",
        "hd95_pooled": "hd95_pooled",
        "assd_pooled": "assd_pooled",
        "masd": "masd",
    }
    undefined = isinstance(distances, Undefined)
    found: dict[str, Any] = {key: distances if undefined else getattr(distances, name) for key, name in parts.items()}
    for tolerance in (1, 2):
        found[f"nsd_voxel_tau{tolerance}"] = surface_dice_voxels(first, second, spacing, tolerance)
        found[f"nsd_surfel_tau{tolerance}"] = surface_dice_area(first, second, spacing, tolerance)
    return found | {
        "n_ref": int(first.sum()),
        "n_pred": int(second.sum()),
        "n_overlap": int((first & second).sum()),
        "vol_ref": volume(first, spacing),
        "vol_pred": volume(second, spacing),
        "dice": dice(first, second),
        "iou": iou(first, second),
        "n_surface_ref": int(surface(first).sum()),
        "n_surface_pred": int(surface(second).sum()),
        "volume_difference": volume(second, spacing) - volume(first, spacing),
        "relative_volume_difference": relative_volume_difference(first, second),
        "agreement_on_absence": agreement_on_absence(first, second),
    }


def test_lesions(reference) -> None:
    case = reference("07-lesionwise-toy")
    got: dict[str, Any] = {}
    for name, toy in case.inputs.items():
        first, second = (
            _mask({"shape": toy["shape"], "boxes": toy[f"{kind}_boxes"]}) for kind in ("reference", "prediction")
        )
        touch = any_overlap(first, second)
        got |= {
            f"{name}.n_reference": touch.n_reference,
            f"{name}.n_prediction": touch.n_prediction,
            f"{name}.any_overlap.reference_detected": touch.reference_detected,
            f"{name}.any_overlap.false_positive_predictions": touch.false_positive_predictions,
        }
        for threshold in (0.5, 0.25):
            found = match_lesions(first, second, threshold)
            got |= {
                f"{name}.iou{threshold}.{key}": getattr(found, part)
                for key, part in {
                    "tp": "tp",
                    "fp": "fp",
                    "fn": "fn",
                    "f1": "f1",
                    "sq": "segmentation_quality",
                    "pq": "panoptic_quality",
                    "precision": "precision",
                    "recall": "recall",
                }.items()
            }
    case.check(got)


def test_two_voxels_three_and_four_apart() -> None:
    first, second = np.zeros((12, 12), bool), np.zeros((12, 12), bool)
    first[2, 2] = second[5, 6] = True
    distances = surface_distances(first, second, (1.0, 1.0))
    assert distances.hausdorff == pytest.approx(5.0)
    assert surface_distances(first, second, (2.0, 1.0)).hausdorff == pytest.approx(52**0.5)


@settings(max_examples=30, deadline=None)
@given(arrays(bool, (5, 6)), arrays(bool, (5, 6)))
def test_symmetry_and_brute_force(first, second) -> None:
    assert dice(first, second) == dice(second, first)
    distances = surface_distances(first, second, (0.5, 2.0))
    if isinstance(distances, Undefined):
        assert not first.any() or not second.any()
        return
    a, b = (np.argwhere(surface(mask)) * (0.5, 2.0) for mask in (first, second))
    matrix = np.linalg.norm(a[:, None] - b[None], axis=2)
    np.testing.assert_allclose(distances.from_reference, matrix.min(axis=1))
    np.testing.assert_allclose(distances.from_prediction, matrix.min(axis=0))


def test_empty_masks_are_undefined_not_perfect() -> None:
    empty, full = np.zeros((4, 4), bool), np.ones((4, 4), bool)
    assert isinstance(dice(empty, empty), Undefined)
    assert dice(full, empty) == 0
    assert isinstance(surface_distances(full, empty, (1.0, 1.0)), Undefined)
    assert isinstance(match_lesions(empty, empty).f1, Undefined)
    assert match_lesions(full, empty).f1 == 0
    assert isinstance(match_lesions(full, empty).precision, Undefined)


def test_wrong_masks_are_refused() -> None:
    with pytest.raises(BadInput, match="shape"):
        dice(np.zeros((2, 2)), np.zeros((2, 3)))
    with pytest.raises(BadInput, match="only 0 and 1"):
        dice(np.full((2, 2), 2), np.zeros((2, 2)))
    with pytest.raises(BadInput, match="spacings"):
        surface_distances(np.ones((2, 2)), np.ones((2, 2)), (1.0,))
