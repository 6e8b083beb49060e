"""Multi-frame objects go by geometry; what a display is asked for is recorded; masks lie where their image lies."""

from __future__ import annotations

import nibabel
import numpy as np
import pandas as pd
import pytest
from pydicom.dataset import Dataset

from audit.cases.dicom import decode_dicom
from audit.cases.loading import image_loader, mask_loader
from audit.cases.manifest import read_set
from audit.grids import Grid
from audit.intake.check_masks import TOLERANCE_MM
from audit.records import BadInput
from tests.intake.conftest import body, dicom, save, series

FRAMES = np.stack([body(200 + i, 48) for i in range(5)])


def enhanced(places, frames=FRAMES, orientations=None):
    """One object; ``places`` in mm along the normal of each stored frame."""
    dataset = dicom(frames, SOPClassUID="1.2.840.10008.5.1.4.1.1.2.1", RescaleIntercept=0)
    del dataset.PixelSpacing
    shared, measures = Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [0.8, 0.7], 3.0
    shared.PixelMeasuresSequence = [measures]
    dataset.SharedFunctionalGroupsSequence = [shared]
    dataset.PerFrameFunctionalGroupsSequence = []
    for i, place in enumerate(places):
        group, position, direction = Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient = [-30, -40, place]
        direction.ImageOrientationPatient = (orientations or {}).get(i, [1, 0, 0, 0, 1, 0])
        group.PlanePositionSequence, group.PlaneOrientationSequence = [position], [direction]
        dataset.PerFrameFunctionalGroupsSequence.append(group)
    return dataset


def decoded(dataset, tmp_path):
    return decode_dicom(save(dataset, tmp_path / "e.dcm").read_bytes(), "e.dcm")


def test_frames_stored_in_any_order_make_the_same_volume(tmp_path):
    order = [3, 0, 4, 1, 2]
    sorted_ = decoded(enhanced([3.0 * i for i in range(5)]), tmp_path)
    shuffled = decoded(enhanced([3.0 * i for i in order], FRAMES[order]), tmp_path)
    np.testing.assert_array_equal(shuffled.pixels, sorted_.pixels)
    np.testing.assert_array_equal(sorted_.pixels, FRAMES)
    assert shuffled.spacing_mm == sorted_.spacing_mm == (3.0, 0.8, 0.7)
    assert shuffled.origin_mm == (-30, -40, 0)
    assert shuffled.directions == ((0, 0, 1), (0, 1, 0), (1, 0, 0))


@pytest.mark.parametrize(
    ("places", "orientations", "words"),
    [
        ([0, 3, 6, 12, 15], None, "a slice is missing"),
        ([0, 3, 6, 10.2, 12], None, "unequally spaced"),
        ([0, 3, 6, 9, 12], {2: [0, 1, 0, 0, 0, 1]}, "do not lie parallel"),
    ],
)
def test_frames_that_make_no_volume_are_refused_by_name(hospital, tmp_path, places, orientations, words):
    dataset = enhanced(places, orientations=orientations)
    with pytest.raises(BadInput, match=words):
        decoded(dataset, tmp_path)
    save(dataset, hospital.source / "e.dcm")
    hospital.radiographs(2)
    hospital.take()
    [refused] = hospital.report()["refused"]
    assert refused["file"] == "e.dcm"
    assert words in refused["reason"]


def test_frames_that_repeat_places_keep_their_order_without_a_distance(hospital, said):
    save(enhanced([0, 3, 6, 0, 3]), hospital.source / "e.dcm")
    taken = hospital.take()
    assert [text for text in said(taken) if "repeat places" in text] != []
    image = image_loader(read_set(hospital.set))(taken.intake.cases["case_id"][0])
    np.testing.assert_array_equal(image.pixels, FRAMES)
    assert image.spacing_mm is None


def test_an_image_of_dicom_says_where_its_pixels_lie(tmp_path):
    place = {"ImagePositionPatient": [1, 2, 3], "ImageOrientationPatient": [0, 1, 0, 0, 0, -1]}
    image = decoded(dicom(body(1), **place), tmp_path)
    assert image.origin_mm == (1, 2, 3)
    assert image.directions == ((0, 0, -1), (0, 1, 0))
    assert decoded(dicom(body(1)), tmp_path).origin_mm is None


def grid_of(read, case, loader, *words):
    found = loader(read, *words)(case)
    return getattr(found, "grid", None) or Grid(found.pixels.shape, found.spacing_mm, found.origin_mm, found.directions)


def test_masks_drawn_from_reference_objects_lie_on_their_image(hospital):
    import highdicom as hd

    made = [enhanced([3.0 * i for i in (3, 0, 4, 1, 2)], FRAMES[[3, 0, 4, 1, 2]])]
    slices = series(hospital.source / "ct", 5)
    code = hd.sr.CodedConcept("1", "99TEST", "lesion")
    described = hd.seg.SegmentDescription(1, "lesion", code, code, hd.seg.SegmentAlgorithmTypeValues.MANUAL)
    mask = np.zeros((5, 48, 48), bool)
    mask[1:4, 10:20, 15:30] = True
    uid, kind = hd.UID, hd.seg.SegmentationTypeValues.BINARY
    save(hd.seg.Segmentation(slices, mask, kind, [described], uid(), 9, uid(), 1, "m", "m", "1", "0"),
         hospital.source / "seg.dcm")  # fmt: skip
    save(made[0], hospital.source / "enhanced.dcm")
    assert [name for name, _ in hospital.take().concerns if name == "references"] == []
    read = read_set(hospital.set)
    case = read.cases.loc[read.cases["lesion_mask"].notna(), "case_id"].iloc[0]
    assert grid_of(read, case, image_loader).mismatch(grid_of(read, case, mask_loader, "lesion_mask"), 1e-4) is None


@pytest.mark.parametrize("fault", ["none", "shifted", "flipped", "coarser"])
def test_a_mask_file_elsewhere_in_the_patient_is_named(hospital, said, fault):
    place = {"ImagePositionPatient": [-30, -40, 12], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
    save(dicom(body(3), **place), hospital.source / "a.dcm")
    affine = np.diag([-0.7, -0.8, 3.0, 1.0])
    affine[:3, 3] = [30, 40, 12]
    if fault == "shifted":
        affine[0, 3] += 0.7
    elif fault == "flipped":
        affine[:3, 1] *= -1
    elif fault == "coarser":
        affine[:3, :2] *= 2
    mask = np.zeros((96, 96, 1), np.uint8)
    mask[20:30, 40:60] = 1
    nibabel.save(nibabel.Nifti1Image(mask, affine), hospital.source / "a_mask.nii")
    taken = hospital.take(masks=("lesion={stem}_mask.nii",))
    told = [text for text in said(taken) if "grid of the image" in text]
    words = {"shifted": "origin", "flipped": "orientation", "coarser": "spacing"}
    assert len(told) == (fault != "none")
    assert all(words[fault] in text for text in told)
    read = read_set(hospital.set)
    case = read.cases["case_id"][0]
    how = grid_of(read, case, image_loader).mismatch(grid_of(read, case, mask_loader, "lesion_mask"), TOLERANCE_MM)
    assert (how is None) == (fault == "none")


def test_what_a_display_is_asked_for_is_recorded_and_not_applied(hospital):
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [4, 0, 16], np.array([0, 20000, 40000, 65535], "<u2").tobytes()
    save(dicom(body(1), VOILUTSequence=[table], RescaleIntercept=0), hospital.source / "table.dcm")
    save(dicom(body(2), VOILUTFunction="SIGMOID", WindowCenter=100, WindowWidth=400), hospital.source / "s.dcm")
    save(dicom(body(3)), hospital.source / "none.dcm")
    hospital.take()
    cases = pd.read_csv(hospital.set / "manifest.csv").set_index("image")
    assert cases["voi_lut"].dropna().to_dict() == {"source/table.dcm": "sequence", "source/s.dcm": "sigmoid"}
    case = cases.loc["source/table.dcm", "case_id"]
    np.testing.assert_array_equal(image_loader(read_set(hospital.set))(case).pixels, body(1))
    assert hospital.report()["display"] == {"window": 1, "sequence": 1, "sigmoid": 1}
    assert "VOI LUT" in (hospital.set / "intake/report.txt").read_text(encoding="utf-8")
