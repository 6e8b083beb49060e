"""What a file asks of a display, against pydicom's own windowing."""

import io

import numpy as np
import pydicom
import pytest
from numpy.testing import assert_allclose
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import apply_voi_lut
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from audit.cases.dicom import decode_dicom
from audit.explanations.overlays import AS_ASKED, plane_of
from audit.records import Image

TOP = 2**12 - 1
STORED = np.linspace(0, TOP, 64 * 64).round().astype(np.uint16).reshape(64, 64)


def dataset(**asked: object) -> Dataset:
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID = SecondaryCaptureImageStorage
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID = generate_uid(entropy_srcs=["display"])
    made.Modality, made.PhotometricInterpretation = "OT", "MONOCHROME2"
    made.Rows, made.Columns = STORED.shape
    made.SamplesPerPixel, made.PixelRepresentation = 1, 0
    made.BitsAllocated, made.BitsStored, made.HighBit = 16, 12, 11
    made.PixelData = STORED.tobytes()
    for name, value in asked.items():
        setattr(made, name, value)
    return made


def table(bits: int = 12) -> Sequence:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [1000, 500, bits])
    item.add_new("LUTData", "US", (np.linspace(0, 1, 1000) ** 2 * (2**bits - 1)).round().astype(int).tolist())
    return Sequence([item])


def image_of(made: Dataset) -> Image:
    out = io.BytesIO()
    pydicom.dcmwrite(out, made, enforce_file_format=True)
    return decode_dicom(out.getvalue(), "case c1")


def brightness(image: Image) -> np.ndarray:
    assert image.display is not None
    return np.interp(image.pixels, *image.display)


ASKED = {
    "window": {"WindowCenter": 1200, "WindowWidth": 900},
    "exact window": {"WindowCenter": 1200, "WindowWidth": 900, "VOILUTFunction": "LINEAR_EXACT"},
    "sigmoid": {"WindowCenter": 1500, "WindowWidth": 800, "VOILUTFunction": "SIGMOID"},
    "first of two": {"WindowCenter": [800, 3000], "WindowWidth": [500, 100]},
    "table": {"VOILUTSequence": table()},
    "table as words": {"VOILUTSequence": table()},
    "table before window": {"VOILUTSequence": table(), "WindowCenter": 3000, "WindowWidth": 10},
}


@pytest.mark.parametrize("asked", ASKED)
def test_brightness_is_that_of_pydicom(asked: str) -> None:
    made = dataset(**ASKED[asked])
    if asked == "table as words":
        item = made.VOILUTSequence[0]
        item.add_new("LUTData", "OW", np.array(list(item.LUTData), dtype="<u2").tobytes())
    expected = apply_voi_lut(STORED, made, prefer_lut=True) / TOP
    image = image_of(made)
    assert_allclose(brightness(image), expected, atol=0.006)
    assert_allclose(image.pixels, STORED)  # what a model sees is not windowed


def test_a_table_of_eight_bits_has_more_than_256_entries() -> None:
    image = image_of(dataset(VOILUTSequence=table(8)))
    assert_allclose(brightness(image), np.clip((STORED - 500.0) / 999, 0, 1) ** 2, atol=0.006)


def test_monochrome1_is_shown_turned_round() -> None:
    asked = ASKED["window"]
    image = image_of(dataset(PhotometricInterpretation="MONOCHROME1", **asked))
    assert_allclose(brightness(image), 1 - apply_voi_lut(STORED, dataset(**asked)) / TOP, atol=0.006)


def test_a_window_means_rescaled_values() -> None:
    image = image_of(dataset(RescaleSlope=2, RescaleIntercept=-1000, WindowCenter=0.5, WindowWidth=401))
    assert_allclose(brightness(image), np.clip((STORED * 2.0 - 1000 + 200) / 400, 0, 1), atol=1e-6)


@pytest.mark.parametrize("asked", [{}, {"WindowCenter": 5, "WindowWidth": 0}, {"WindowCenter": 5}])
def test_nothing_or_nonsense_leaves_the_choice_to_the_pixels(asked: dict[str, object]) -> None:
    assert image_of(dataset(**asked)).display is None


def test_pictures_heed_it_and_say_so_unless_nothing_would_be_seen() -> None:
    heeded = plane_of(image_of(dataset(**ASKED["window"])), np.zeros((64, 64), np.float32), None)
    useless = plane_of(image_of(dataset(WindowCenter=60000, WindowWidth=10)), np.zeros((64, 64), np.float32), None)
    plain = plane_of(image_of(dataset()), np.zeros((64, 64), np.float32), None)
    assert heeded.note == AS_ASKED
    assert np.abs(heeded.gray - plain.gray).max() > 0.3
    assert useless.note == plain.note == ""
    assert_allclose(useless.gray, plain.gray)
