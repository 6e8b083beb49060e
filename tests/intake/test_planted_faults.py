"""Each fault that can be planted is found, by the right check and with the right rows; the clean twin raises none."""

from __future__ import annotations

import hashlib
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image as Pillow

from audit.places import read_places
from tests.intake.conftest import body, dicom, save, series

PATIENT = {"patient": r"images/(\d+)"}


def names(taken, check):
    """Concerns of a check: (text, files of the rows)."""
    image = dict(zip(taken.intake.cases["case_id"], taken.intake.cases["image"], strict=True))
    return [
        (c.what, sorted(str(image.get(r, r)).removeprefix("source/") for r in c.rows))
        for name, c in taken.concerns
        if name == check
    ]


def only(taken, check):
    [(what, rows)] = names(taken, check)
    return what, rows


def test_clean_pictures_raise_nothing(hospital, said):
    hospital.pictures(30)
    assert said(hospital.take(table=hospital.write_table())) == []


def test_clean_radiographs_raise_nothing(hospital, said):
    hospital.radiographs(24)
    assert said(hospital.take()) == []


def test_clean_series_raises_nothing(hospital, said):
    series(hospital.source)
    assert said(hospital.take()) == []


def changed(hospital, number, change):
    path = hospital.source / f"images/{number:03d}.png"
    pixels = change(np.asarray(Pillow.open(path)).astype(float))
    Pillow.fromarray(np.rint(pixels).clip(0, 255).astype(np.uint8)).save(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda p: 255 - p, "inverted"),
        (lambda p: p[::-1], "upside down"),
        (lambda p: p[::-1, ::-1], "turned by 180"),
        (lambda p: np.full_like(p, 7), "empty"),
        (lambda p: np.where(p > 120, 255, 0), "two values only"),
        (lambda p: np.minimum(p * 2.2, 255), "saturated"),
    ],
)
def test_images_unlike_the_others(hospital, change, words):
    hospital.pictures(30)
    for number in (3, 17):
        changed(hospital, number, change)
    taken = hospital.take(table=hospital.write_table())
    what, rows = only(taken, "appearance")
    assert words in what
    assert rows == ["images/003.png", "images/017.png"]


def test_copies_and_differing_references(hospital):
    hospital.pictures(12)
    shutil.copy(hospital.source / "images/003.png", hospital.source / "images/008.png")  # findings differ
    jpeg = Pillow.open(hospital.source / "images/005.png").resize((150, 150), Pillow.Resampling.BICUBIC)
    jpeg.save(hospital.source / "images/005.jpg", quality=80)
    hospital.table.append(hospital.table[5] | {"image": "images/005.jpg", "patient_id": "0099"})
    found = dict(names(hospital.take(table=hospital.write_table()), "duplicates"))
    same = next(rows for what, rows in found.items() if "share their pixels" in what)
    alike = next(rows for what, rows in found.items() if "look the same" in what)
    differing = next(rows for what, rows in found.items() if "their 'finding' differs" in what)
    assert same == ["images/003.png", "images/008.png"]
    assert alike == ["images/005.jpg", "images/005.png"]
    assert differing == same


def test_leakage_by_patient_pixels_and_look(hospital, tmp_path):
    hospital.pictures(12)
    training = hospital.folder / "train"
    shutil.copytree(hospital.source / "images", training / "images")
    for number in (0, 1, 2, 5, 6, 7, 8, 9, 10, 11):
        (training / f"images/{number:03d}.png").unlink()
    Pillow.open(training / "images/004.png").resize((140, 140)).save(training / "images/004.png")
    hospital.take(training, "training", patient=r"images/(x)")
    listing = hospital.folder / "patients.txt"
    listing.write_text("0007\n", encoding="utf-8")
    table = hospital.write_table()
    taken = hospital.take(table=table, training=(hospital.folder / "training", listing))
    found = {what: rows for what, rows in names(taken, "leakage")}
    assert [rows for what, rows in found.items() if "pixel for pixel" in what] == [["images/003.png"]]
    assert [rows for what, rows in found.items() if "like an image of" in what] == [["images/004.png"]]
    assert [rows for what, rows in found.items() if "of patients of" in what] == [["images/007.png"]]
    assert all(c.severity == "stop" for name, c in taken.concerns if name == "leakage")


def test_patients_leak_through_pseudonyms(hospital):
    hospital.radiographs(4)
    listing = hospital.folder / "patients.csv"
    listing.write_text("patient_id\nP2\n", encoding="utf-8")
    what, rows = only(hospital.take(training=(listing,)), "leakage")
    assert "is of patients" in what
    assert rows == ["d0/2.dcm"]


def test_identifiers_are_named_never_quoted(hospital):
    hospital.radiographs(4)
    save(
        dicom(body(9), PatientID="P9", Modality="CR", PatientName="Secretova^Maria", PatientBirthDate="19610203"),
        hospital.source / "named.dcm",
    )
    taken = hospital.take()
    what, rows = only(taken, "identifiers")
    assert "PatientName (1)" in what
    assert "PatientBirthDate (1)" in what
    assert rows == ["named.dcm"]
    for path in hospital.set.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert b"Secretova" not in data, path
            assert b"19610203" not in data, path
            assert b"P9" not in data or path.suffix == ".sqlite", path


def test_identifying_columns_are_left_out(hospital):
    hospital.pictures(4)
    for row in hospital.table:
        row["patient_name"] = "Secretova"
    what, _ = only(hospital.take(table=hospital.write_table()), "identifiers")
    assert "patient_name" in what
    assert "Secretova" not in (hospital.set / "manifest.csv").read_text(encoding="utf-8")


def written(pixels, text="MUELLER ANNA 12.03.1956", size=14):
    import matplotlib
    from PIL import ImageDraw, ImageFont

    font = f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf"
    picture = Pillow.fromarray((pixels / 16).clip(0, 255).astype(np.uint8))
    ImageDraw.Draw(picture).text((6, 4), text, font=ImageFont.truetype(font, size), fill=255)
    return np.asarray(picture).astype(float) * 16


def test_burned_in_text(hospital):
    hospital.pictures(6, side=256)
    hospital.picture("images/text.png", written(body(40, 256)))
    what, rows = only(hospital.take(table=hospital.write_table()), "burned-in text")
    assert "1 case" in what
    assert rows == ["images/text.png"]


def test_implausible_geometry(hospital):
    hospital.radiographs(6)
    own = {"Modality": "CR", "PatientID": "Q"}
    save(dicom(body(20), PixelSpacing=[80.0, 70.0], **own), hospital.source / "huge.dcm")
    save(dicom(body(21), PixelSpacing=[0.2, 3.0], **own), hospital.source / "oblong.dcm")
    taken = hospital.take()
    found = {what.split(":")[0]: rows for what, rows in names(taken, "geometry")}
    assert sorted(row for rows in found.values() for row in rows) == ["huge.dcm", "oblong.dcm"]
    assert any("pixel shape" in what for what in found)
    assert any("pixel spacing" in what for what in found)


@pytest.mark.parametrize("fault", ["gap", "uneven", "same place", "tilt"])
def test_series_that_make_no_volume_are_named(hospital, fault):
    made = series(hospital.source, 6)
    if fault == "gap":
        next(p for p in hospital.source.iterdir() if number(p) == 3.0 * 3).unlink()
    elif fault == "uneven":
        made[4].ImagePositionPatient = [-30, -40, 13.0]
        replace(hospital, made[4])
    elif fault == "same place":
        made[4].ImagePositionPatient = made[3].ImagePositionPatient
        replace(hospital, made[4])
    else:
        for i, dataset in enumerate(made):
            dataset.ImagePositionPatient = [-30, -40 + 2 * i, 3.0 * i]
            replace(hospital, dataset)
    hospital.radiographs(3)
    what, rows = only(hospital.take(), "geometry")
    words = {"gap": "with a gap", "uneven": "unequally", "same place": "at one place", "tilt": "tilted gantry"}
    assert words[fault] in what
    assert len(rows) == (5 if fault == "gap" else 6)


def number(path):
    import pydicom

    return float(pydicom.dcmread(path).ImagePositionPatient[2])


def replace(hospital, dataset):
    import pydicom

    for path in hospital.source.rglob("*.dcm"):
        if pydicom.dcmread(path).SOPInstanceUID == dataset.SOPInstanceUID:
            save(dataset, path)


def test_mixed_units(hospital):
    hospital.radiographs(12)
    own = {"Modality": "CR", "PatientID": "Q", "RescaleIntercept": 0}
    save(dicom(body(30), PatientAge="000Y", **own), hospital.source / "zero.dcm")
    save(dicom(body(31), PatientAge="540Y", **own), hospital.source / "months.dcm")
    save(dicom(body(32), PixelSpacing=[0.08, 0.07], **own), hospital.source / "cm.dcm")
    mr = {"Modality": "MR", "PatientID": "R", "RescaleIntercept": 0}
    save(dicom(body(33), MagneticFieldStrength=15000, **mr), hospital.source / "gauss.dcm")
    save(dicom(body(34), MagneticFieldStrength=3, **mr), hospital.source / "tesla.dcm")
    save(dicom(body(35), MagneticFieldStrength=30, **mr), hospital.source / "none.dcm")
    found = names(hospital.take(), "units")
    by = {rows[0]: what for what, rows in found if len(rows) == 1}
    assert "placeholder" in by["zero.dcm"]
    assert "no age in years" in by["months.dcm"]
    assert "pixel spacing 8 times" in by["cm.dcm"]
    assert "gauss" in by["gauss.dcm"]
    assert "no magnet" in by["none.dcm"]
    assert "tesla.dcm" not in by


def test_grey_values_in_other_units(hospital):
    for i in range(8):
        shift = 0 if i == 4 else -1024
        save(dicom(body(i) - 100, PatientID=f"P{i}", RescaleIntercept=shift), hospital.source / f"{i}.dcm")
    what, rows = only(hospital.take(), "units")
    assert "Hounsfield" in what
    assert rows == ["4.dcm"]


def test_other_bit_depth(hospital):
    hospital.pictures(6)
    Pillow.fromarray((body(3) * 16).astype(np.uint16)).save(hospital.source / "images/003.png")
    what, rows = only(hospital.take(table=hospital.write_table()), "units")
    assert "bit depth" in what
    assert rows == ["images/003.png"]


def masks(hospital, n=6):
    for i in range(n):
        mask = np.zeros((96, 96), np.uint8)
        if i % 2:
            mask[10 + i : 30, 20:40] = 255
        path = hospital.source / f"masks/{i:03d}.png"
        path.parent.mkdir(exist_ok=True)
        Pillow.fromarray(mask).save(path)


def test_masks_against_labels_and_images(hospital):
    hospital.pictures(6)
    masks(hospital)
    clean = hospital.take(table=hospital.write_table(), masks=("finding=masks/{stem}.png",))
    assert names(clean, "references") == []
    Pillow.fromarray(np.zeros((96, 96), np.uint8)).save(hospital.source / "masks/001.png")  # labelled positive
    shutil.copy(hospital.source / "masks/003.png", hospital.source / "masks/002.png")  # labelled negative
    Pillow.fromarray(np.zeros((48, 96), np.uint8)).save(hospital.source / "masks/004.png")
    (hospital.source / "masks/005.png").write_bytes(b"\x89PNG\r\n\x1a\n damaged")
    (hospital.source / "masks/000.png").unlink()
    found = names(hospital.take(masks=("finding=masks/{stem}.png",), table=hospital.source / "table.csv"), "references")
    by = {rows[0]: what for what, rows in found if len(rows) == 1}
    assert "labelled positive" in by["images/001.png"]
    assert "labelled negative" in by["images/002.png"]
    assert "grid of the image" in by["images/004.png"]
    assert "cannot be used" in by["images/005.png"]
    assert "has no finding_mask" in by["images/000.png"]
    assert any("very same mask" in what for what, rows in found if rows == ["images/002.png", "images/003.png"])


def test_boxes_of_coco(hospital):
    hospital.pictures(4)
    coco = {
        "images": [{"id": i, "file_name": f"{i:03d}.png"} for i in range(4)],
        "categories": [{"id": 1, "name": "Lung Nodule"}],
        "annotations": [
            {"id": 1, "image_id": 0, "category_id": 1, "bbox": [10, 10, 20, 30]},
            {"id": 2, "image_id": 0, "category_id": 1, "bbox": [50, 50, 5, 5]},
            {"id": 3, "image_id": 2, "category_id": 1, "bbox": [90, 10, 20, 5]},
        ],
    }
    path = hospital.folder / "boxes.json"
    path.write_text(json.dumps(coco), encoding="utf-8")
    taken = hospital.take(table=hospital.write_table(), boxes=(path,))
    what, rows = only(taken, "references")
    assert "does not lie inside" in what
    assert rows == ["images/002.png"]
    cases = pd.read_csv(hospital.set / "manifest.csv")
    assert cases.set_index("image")["lung_nodule_boxes"].dropna().to_dict() == {
        "source/images/000.png": 2,
        "source/images/001.png": 0,
        "source/images/003.png": 0,
    }
    assert cases["boxes"].notna().tolist() == cases["lung_nodule_boxes"].notna().tolist()
    places = read_places((hospital.set / "boxes/boxes.csv").read_bytes(), "boxes.csv", set(cases["case_id"]))
    assert sorted(places.cases) == sorted(cases["case_id"][cases["boxes"].notna()])
    assert list(places.rows["label"]) == ["Lung Nodule"] * 2
    digest = hashlib.sha256((hospital.set / "boxes/boxes.csv").read_bytes()).hexdigest()
    assert set(cases["boxes_sha256"].dropna()) == {digest}


def test_one_maker_under_several_names(hospital):
    hospital.radiographs(6)
    for i, path in enumerate(sorted(hospital.source.rglob("*.dcm"))):
        import pydicom

        dataset = pydicom.dcmread(path)
        dataset.Manufacturer = ("SIEMENS", "Siemens Healthineers", "SIEMENS AG")[i % 3]
        save(dataset, path)
    what, _ = only(hospital.take(), "makers")
    assert "3 spellings" in what
    table = hospital.folder / "claims.csv"
    rows = [f"{i}.dcm,{'Siemens' if i % 2 else 'Philips'}" for i in range(6)]
    table.write_text("\n".join(["file,vendor", *rows]) + "\n", encoding="utf-8")
    again = hospital.take(table=table)
    assert any("table claims 2 makers" in what for what, _ in names(again, "makers"))
    assert len(names(again, "table and patients")[0][1]) == 3


def test_table_and_headers_disagree(hospital):
    hospital.radiographs(4)
    table = hospital.folder / "t.csv"
    table.write_text("file,sex,age\n0.dcm,M,30\n1.dcm,F,31\n2.dcm,F,62\n9.dcm,F,1\n", encoding="utf-8")
    found = dict(names(hospital.take(table=table), "table and patients"))
    assert found["1 case has another sex in the table than in the header."] == ["d0/0.dcm"]
    assert found["1 case has another age_years in the table than in the header."] == ["d0/2.dcm"]
    assert found["1 row of the table names no image that could be taken in."] == ["row 4"]
    assert found["1 case has no row in the table."] == ["d0/3.dcm"]
