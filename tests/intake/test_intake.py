"""An intake as a whole: what it writes can be read as a set, is resumed, is the same whatever the workers."""

from __future__ import annotations

import csv
import hashlib

import nibabel
import numpy as np
import pandas as pd
import pydicom
import pytest

from audit.cases.loading import image_loader, mask_loader
from audit.cases.manifest import read_set
from audit.intake import making
from audit.records import BadInput
from tests.intake.conftest import body, dicom, save, series


def manifest(hospital, name="set"):
    return pd.read_csv(hospital.folder / name / "manifest.csv", dtype=str)


def test_what_is_written_is_a_validation_set(hospital):
    hospital.radiographs(4)
    made = series(hospital.source / "ct", 5)
    hospital.take()
    cases = read_set(hospital.set)
    load = image_loader(cases)
    volume = cases.cases[cases.cases["modality"] == "CT"].iloc[0]
    image = load(volume["case_id"])
    expected = np.stack([d.pixel_array.astype(float) - 1024 for d in made])
    np.testing.assert_array_equal(image.pixels, expected)
    np.testing.assert_allclose(image.spacing_mm, (3, 0.8, 0.7), rtol=1e-6)
    assert volume["spacing_mm"] == "3 x 0.8 x 0.7"
    assert sorted(cases.cases["manufacturer"].unique()) == ["GE HealthCare", "Philips", "Siemens Healthineers"]
    assert set(cases.cases["manufacturer_as_written"]) >= {"SIEMENS", "GE MEDICAL SYSTEMS"}
    assert cases.facts.sampling.kind == "convenience"
    assert not cases.cases["patient_id"].str.startswith("P").any()


def test_slices_may_stay_cases(hospital):
    series(hospital.source, 5)
    hospital.take(slices=True)
    assert len(manifest(hospital)) == 5


def test_a_series_of_two_echoes_becomes_two_volumes(hospital):
    first = series(hospital.source / "a", 4, EchoTime=10)
    second = series(hospital.source / "b", 4, EchoTime=80)
    for dataset, twin in zip(second, first, strict=True):
        dataset.SeriesInstanceUID, dataset.StudyInstanceUID = twin.SeriesInstanceUID, twin.StudyInstanceUID
        save(dataset, hospital.source / f"b/{dataset.InstanceNumber}_.dcm")
    for path in (hospital.source / "b").iterdir():
        if not path.stem.endswith("_"):
            path.unlink()
    hospital.take()
    assert sorted(manifest(hospital)["slices"]) == ["4", "4"]
    assert sorted(manifest(hospital)["echo_time_ms"]) == ["10", "80"]


def test_missing_levels_have_a_reason(hospital):
    save(dicom(body(1), PatientSex="", PatientAge="abc"), hospital.source / "a.dcm")
    hospital.take()
    assert manifest(hospital)["missing"][0] == (
        "sex: the header does not say; age_years: what is written is not understood"
    )


def test_a_killed_intake_goes_on_where_it_stopped(hospital, monkeypatch):
    hospital.radiographs(80)
    read = []
    real = making.scan

    def until_killed(root, name, size, key):
        read.append(name)
        if len(read) == 50:
            raise KeyboardInterrupt
        return real(root, name, size, key)

    monkeypatch.setattr(making, "scan", until_killed)
    with pytest.raises(KeyboardInterrupt):
        hospital.take()
    monkeypatch.setattr(making, "scan", lambda *task: (read.append(task[1]), real(*task))[1])
    hospital.take()
    assert len(read) == 50 + 80 - 32  # one chunk of 32 was kept, the second was under way
    assert len(manifest(hospital)) == 80
    hospital.take()
    assert len(read) == 98


def test_a_changed_file_is_read_again(hospital):
    hospital.radiographs(3)
    hospital.take()
    save(dicom(body(77), PatientID="P1", Modality="CR", RescaleIntercept=0), hospital.source / "d0/1.dcm")
    (hospital.source / "d0/2.dcm").unlink()
    hospital.take()
    cases = manifest(hospital)
    assert list(cases["image"]) != []
    assert len(cases) == 2
    data = (hospital.source / "d0/1.dcm").read_bytes()
    assert hashlib.sha256(data).hexdigest() in set(cases["sha256"])
    assert len(read_set(hospital.set).cases) == 2


def test_workers_do_not_change_what_is_written(hospital):
    hospital.radiographs(5)
    series(hospital.source / "ct", 4)
    hospital.take(name="one", workers=0)
    hospital.take(name="two", workers=2)
    for file in ("manifest.csv", "intake/files.csv"):
        assert (hospital.folder / "one" / file).read_bytes() == (hospital.folder / "two" / file).read_bytes()


def test_a_set_yaml_of_a_person_is_kept(hospital):
    hospital.radiographs(3)
    hospital.take()
    facts = hospital.set / "set.yaml"
    facts.write_text(facts.read_text(encoding="utf-8").replace("licence: not stated", "licence: CC0-1.0"), "utf-8")
    hospital.take()
    assert "licence: CC0-1.0" in facts.read_text(encoding="utf-8")
    assert (hospital.set / "set.skeleton.yaml").is_file()


def outlined(made):
    mask = np.zeros((5, 48, 48), bool)
    mask[1:4, 10:20, 15:30] = True
    return mask


def test_segmentations_land_on_the_grid_of_their_volume(hospital):
    import highdicom as hd

    made = series(hospital.source / "ct", 5)
    mask = outlined(made)
    code = hd.sr.CodedConcept("1", "99TEST", "lesion")
    described = hd.seg.SegmentDescription(1, "Liver Lesion", code, code, hd.seg.SegmentAlgorithmTypeValues.MANUAL)
    kind = hd.seg.SegmentationTypeValues.BINARY
    uid = hd.UID
    seg = hd.seg.Segmentation(made, mask, kind, [described], uid(), 9, uid(), 1, "maker", "model", "1", "0")
    save(seg, hospital.source / "seg.dcm")
    taken = hospital.take()
    assert taken.concerns == []
    cases = read_set(hospital.set)
    np.testing.assert_array_equal(mask_loader(cases, "liver_lesion_mask")(cases.cases["case_id"][0]).inside, mask)


def test_structure_sets_are_filled_slice_by_slice(hospital):
    made = series(hospital.source / "ct", 5)
    mask = outlined(made)
    structures = dicom(np.zeros((2, 2)), SOPClassUID="1.2.840.10008.5.1.4.1.1.481.3", Modality="RTSTRUCT")
    for name in ("PixelData", "Rows", "Columns"):
        delattr(structures, name)
    roi, contours = pydicom.Dataset(), pydicom.Dataset()
    roi.ROINumber, roi.ROIName = 1, "GTV 1"
    contours.ReferencedROINumber, contours.ContourSequence = 1, []
    for k in range(1, 4):
        item = pydicom.Dataset()
        x = [-30 + 0.7 * c for c in (14.5, 29.5, 29.5, 14.5)]
        y = [-40 + 0.8 * r for r in (9.5, 9.5, 19.5, 19.5)]
        item.ContourGeometricType, item.NumberOfContourPoints = "CLOSED_PLANAR", 4
        item.ContourData = [round(v, 4) for point in zip(x, y, [3.0 * k] * 4, strict=True) for v in point]
        image = pydicom.Dataset()
        image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = made[k].SOPClassUID, made[k].SOPInstanceUID
        item.ContourImageSequence = [image]
        contours.ContourSequence.append(item)
    structures.StructureSetROISequence, structures.ROIContourSequence = [roi], [contours]
    save(structures, hospital.source / "rt.dcm")
    assert hospital.take().concerns == []
    cases = read_set(hospital.set)
    np.testing.assert_array_equal(mask_loader(cases, "gtv_1_mask")(cases.cases["case_id"][0]).inside, mask)
    contours.ContourSequence[0].ContourData = [v + 1.4 if i % 3 == 2 else v for i, v in enumerate(x + y + x)]
    save(structures, hospital.source / "rt.dcm")
    [(name, concern)] = hospital.take().concerns
    assert (name, concern.rows) == ("references", ("rt.dcm",))
    assert "does not lie in a slice" in concern.what


def test_a_table_without_images_makes_cases_for_recorded_predictions(hospital):
    table = hospital.source / "cases.csv"
    table.write_text("case_id,patient_id,center,patient_age\nc1,p1,A,60\nc2,p2,B,61\n", encoding="utf-8")
    hospital.take(table)
    cases = read_set(hospital.set).cases
    assert list(cases["case_id"]) == ["c1", "c2"]
    assert list(cases["site"]) == ["A", "B"]
    assert list(cases["age_years"]) == [60, 61]


EXPECTED = {
    "read": {"case", "slice"},
    "no pixel data: usable as header only": {"header only"},
    "pixel data cannot be decoded: must be reported for this file by name, the run goes on": {"refused"},
    "refuse or force-read with a warning: no DICOM preamble": {"refused"},
}
GPL_OR_GDCM_ONLY = {  # JPEG Lossless and 12-bit JPEG need a GPL decoder; one JPEG-LS stream only GDCM reads
    "files/MR1__MR1_JLSL.dcm",
    "files/MR1__MR1_JPLL.dcm",
    "files/NM1__JPGExtended.dcm",
    "files/GEPETST__GH184.dcm",
}


def test_vendor_files_fare_as_their_index_says(hospital, shared):
    source = shared / "data/dicom_vendors"
    index = pd.read_csv(source / "index.csv", dtype=str, keep_default_na=False)
    hospital.take(source)
    with (hospital.set / "intake/files.csv").open(encoding="utf-8") as stream:
        files = {row["path"]: row for row in csv.DictReader(stream)}
    for row in index.itertuples():
        found = files[row.file]
        assert found["sha256"] == row.sha256 or found["fate"] == "other"
        if row.file in GPL_OR_GDCM_ONLY:
            assert found["fate"] == "refused", row.file
            assert "cannot be decoded" in found["reason"]
            continue
        assert found["fate"] in EXPECTED[row.expected_handling], (row.file, found)
        if row.expected_handling == "read":
            assert found["pixel_sha256"] == row.pixel_sha256, row.file
    for group in ("d2n-GE-MR750", "d2n-Siemens-Trio"):
        _same_volume(hospital, source / f"volumes/{group}.nii.gz", files[_one_of(index, group)]["case_id"])


def _one_of(index, group):
    return index[index["file"].str.startswith(f"series/{group}/")]["file"].iloc[0]


def _same_volume(hospital, expected, case_id):
    """The same voxel values at the same places in the patient, whichever way the axes run."""
    ours = nibabel.as_closest_canonical(nibabel.load(hospital.set / f"volumes/{case_id}.nii"))
    theirs = nibabel.as_closest_canonical(nibabel.load(expected))
    np.testing.assert_array_equal(np.asarray(ours.dataobj), np.asarray(theirs.dataobj))
    np.testing.assert_allclose(ours.affine, theirs.affine, atol=1e-2)


def test_files_that_cannot_be_read_are_not_taken_for_a_table_without_images(hospital):
    (hospital.source / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n damaged")
    table = hospital.folder / "t.csv"
    table.write_text("case_id,finding\na,1\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"none of its 1 files could be read; the first, a\.png"):
        hospital.take(table=table)
