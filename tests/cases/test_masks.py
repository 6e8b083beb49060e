"""Masks: label maps, bits in an archive, recorded ones on their way into the evidence."""

import hashlib

import nibabel
import numpy as np
import pandas as pd
import pytest

from audit.cases.images import WrongDigest
from audit.cases.masks import PackedMasks, pack_masks, read_mask
from audit.cases.packing import packed, packed_predictions
from audit.grids import Grid
from audit.plan import Target
from audit.records import BadInput
from audit.tables import PREDICTIONS

LABELS = np.zeros((4, 3, 2), np.uint8)
LABELS[1, 1, 0], LABELS[2, 1, 0], LABELS[3, 2, 1] = 1, 2, 3


def saved(folder, name="m.nii.gz", labels=LABELS):
    nibabel.save(nibabel.Nifti1Image(labels, np.diag([0.5, 0.6, 3.0, 1.0])), folder / name)
    return hashlib.sha256((folder / name).read_bytes()).hexdigest()


def test_a_label_map_holds_several_targets(tmp_path):
    digest = saved(tmp_path)
    read = [read_mask(tmp_path / "m.nii.gz", digest, labels).inside for labels in ((), (2,), (1, 3), (7,))]
    assert [int(mask.sum()) for mask in read] == [3, 1, 2, 0]
    assert read[1][0, 1, 2]
    assert read_mask(tmp_path / "m.nii.gz", digest).grid.spacing_mm == pytest.approx((3.0, 0.6, 0.5))


def test_packed_masks_come_back_and_their_order_does_not_matter():
    rng = np.random.default_rng(0)
    masks = {f"c|{i}": rng.random(shape) > 0.6 for i, shape in enumerate([(3, 5), (2, 3, 7), (1, 1)])}
    data = pack_masks(masks.items())
    assert data == pack_masks(reversed(masks.items()))
    read = PackedMasks(data)
    assert list(read) == list(masks)
    for case, mask in masks.items():
        np.testing.assert_array_equal(read[case], mask)
        assert read[case].dtype == np.bool_


def recorded(folder, files, digests):
    rows = PREDICTIONS.conform(pd.DataFrame({
        "version": "candidate", "case_id": list(files), "target": "organ", "score": None,
        "artifact": list(files.values()), "seconds": None, "error": None,
    }))  # fmt: skip
    target = Target(task="segmentation", output="o", reference="r", label=(1, 2))
    return packed_predictions(rows, "organ", target, digests, folder, "recorded/candidate.organ.npz")


def test_recorded_masks_enter_the_evidence_with_their_grids(tmp_path):
    digest = saved(tmp_path)
    rows, data = recorded(tmp_path, {"a": "m.nii.gz", "b": None}, {"a": digest})
    assert rows["artifact"].tolist() == ["recorded/candidate.organ.npz#a[0]", pd.NA]
    assert Grid.of_text(rows["grid"].iloc[0]).shape == (2, 3, 4)
    assert rows["error"].isna().all()
    assert PackedMasks(data)["a"].sum() == 2


def test_a_recorded_mask_that_cannot_be_read_is_that_cases_error(tmp_path):
    good = saved(tmp_path)
    (tmp_path / "broken.nii").write_bytes(b"no volume")
    broken = hashlib.sha256(b"no volume").hexdigest()
    rows, _ = recorded(tmp_path, {"a": "m.nii.gz", "b": "broken.nii"}, {"a": good, "b": broken})
    assert rows["error"].isna().tolist() == [True, False]
    assert "recorded mask of case b: " in rows["error"].iloc[1]
    assert "broken.nii" not in rows["error"].iloc[1], "what a file is called may name a person"
    assert rows["artifact"].isna().tolist() == [False, True]


def test_absent_and_changed_recorded_masks_are_refused(tmp_path):
    good = saved(tmp_path)
    with pytest.raises(BadInput, match=r"recorded mask of case a: file .gone\.nii. does not exist"):
        recorded(tmp_path, {"a": "gone.nii"}, {"a": good})
    with pytest.raises(WrongDigest, match="recorded mask of case a: the file"):
        recorded(tmp_path, {"a": "m.nii.gz"}, {"a": "0" * 64})


def test_a_reference_mask_that_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "broken.nii").write_bytes(b"no volume")
    with pytest.raises(BadInput, match=r"broken\.nii"):
        packed(["a"], lambda case: read_mask(tmp_path / "broken.nii", None))
