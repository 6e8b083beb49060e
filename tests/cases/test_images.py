import gzip
import hashlib
import io
import struct
import zipfile
import zlib

import nibabel
import numpy as np
import pandas as pd
import pydicom
import pytest
from PIL import Image as Pillow
from pydicom.dataset import FileMetaDataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from audit.cases.codestreams import codestream_size
from audit.cases.dicom import decode_dicom, stored_values
from audit.cases.images import decode, read_image
from audit.cases.masks import read_mask
from audit.records import BadInput


def saved(tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data)
    return path


def dicom(pixels, **elements):
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset = pydicom.Dataset()
    dataset.file_meta = meta
    dataset.PatientName, dataset.PatientID = "Secret^Name", "Secret"
    dataset.Rows, dataset.Columns = pixels.shape[-2:]
    if pixels.ndim == 3:
        dataset.NumberOfFrames = len(pixels)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.PixelData = pixels.astype("<u2").tobytes()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


RAMP = np.arange(12).reshape(3, 4)


def test_dicom_rescale_spacing_and_header():
    data = dicom(
        RAMP, RescaleSlope=2, RescaleIntercept=-1000, PixelSpacing=[0.7, 0.5], SliceThickness=4, Manufacturer="ACME"
    )
    image = decode_dicom(data, "x")
    np.testing.assert_array_equal(image.pixels, RAMP * 2.0 - 1000)
    assert image.pixels.dtype == np.float32
    assert image.spacing_mm == (0.7, 0.5)
    assert image.header["manufacturer"] == "ACME"
    assert image.header["slice_thickness_mm"] == 4.0
    assert "Secret" not in repr(dict(image.header))


def test_monochrome1_is_turned_round_in_the_stored_range():
    image = decode_dicom(dicom(RAMP, PhotometricInterpretation="MONOCHROME1"), "x")
    np.testing.assert_array_equal(image.pixels, 4095.0 - RAMP)
    scaled = decode_dicom(
        dicom(RAMP, PhotometricInterpretation="MONOCHROME1", RescaleSlope=2, RescaleIntercept=10), "x"
    )
    np.testing.assert_array_equal(scaled.pixels, 2 * (4095.0 - RAMP) + 10)


def test_frames_come_first():
    image = decode_dicom(dicom(np.stack([RAMP, RAMP + 1]), PixelSpacing=[1, 2], SpacingBetweenSlices=5), "x")
    assert image.pixels.shape == (2, 3, 4)
    assert image.spacing_mm == (5.0, 1.0, 2.0)
    assert decode_dicom(dicom(np.stack([RAMP, RAMP + 1]), PixelSpacing=[1, 2]), "x").spacing_mm is None


def test_per_frame_rescale_of_enhanced_objects():
    groups = []
    for slope in (1, 10):
        transform, group = pydicom.Dataset(), pydicom.Dataset()
        transform.RescaleSlope, transform.RescaleIntercept, transform.RescaleType = slope, 1, "US"
        group.PixelValueTransformationSequence = [transform]
        groups.append(group)
    image = decode_dicom(dicom(np.stack([RAMP, RAMP]), PerFrameFunctionalGroupsSequence=groups), "x")
    np.testing.assert_array_equal(image.pixels, np.stack([RAMP + 1, RAMP * 10 + 1]))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not an image format"),
        (b"\0" * 400, "not an image format"),
        (dicom(RAMP)[:200], "damaged|no pixel data"),
        (dicom(RAMP)[:-10], "fewer bytes|cannot be parsed"),
        (dicom(RAMP, Rows=60000, Columns=60000), "the limit is"),
        (dicom(RAMP, Rows=0), "needs at least one"),
        (dicom(RAMP, NumberOfFrames=100_000_000), "the limit is"),
    ],
)
def test_bad_dicom_is_refused_by_name(tmp_path, data, words):
    with pytest.raises(BadInput, match=words) as raised:
        read_image(saved(tmp_path, "case_17", data), None)
    assert "case_17" in str(raised.value)
    assert "Secret" not in str(raised.value)


def test_deflate_bomb_is_refused(monkeypatch):
    monkeypatch.setattr("audit.cases.dicom.MAX_VOXELS", 1 << 16)
    plain = dicom(RAMP)
    length = int.from_bytes(plain[140:144], "little")
    uid = str(ExplicitVRLittleEndian).encode() + b"\0" * (len(ExplicitVRLittleEndian) % 2)
    new = str(DeflatedExplicitVRLittleEndian).encode()
    new += b"\0" * (len(new) % 2)
    meta = plain[: 144 + length].replace(struct.pack("<H", len(uid)) + uid, struct.pack("<H", len(new)) + new)
    meta = meta[:140] + struct.pack("<I", length + len(new) - len(uid)) + meta[144:]
    deflater = zlib.compressobj(wbits=-15)
    body = deflater.compress(b"\0" * (1 << 22)) + deflater.flush()
    with pytest.raises(BadInput, match="deflated DICOM file unpacks"):
        decode_dicom(meta + body, "bomb")


def test_codestream_size_reads_jpeg_and_jpeg2000():
    for kind in ("JPEG", "JPEG2000"):
        buffer = io.BytesIO()
        Pillow.fromarray(np.zeros((7, 9), np.uint8)).save(buffer, kind)
        data = buffer.getvalue()
        start = data.find(b"\xff\x4f\xff\x51") if kind == "JPEG2000" else 0
        assert codestream_size(data[start:]) == (7, 9)
    assert codestream_size(b"\0" * 64) is None


def index_rows(shared):
    return pd.read_csv(shared / "data/dicom_vendors/index.csv", dtype=str, keep_default_na=False).itertuples()


NOT_BY_DEFAULT = {  # JPEG Lossless and 12-bit JPEG need a GPL decoder; two streams only GDCM reads
    "files/MR1__MR1_JLSL.dcm",
    "files/MR1__MR1_JPLL.dcm",
    "files/NM1__JPGExtended.dcm",
    "files/GEPETST__GH184.dcm",
}


def read_or_reason(path, sha256):
    try:
        return read_image(path, sha256), ""
    except BadInput as error:
        return None, str(error)


def test_every_vendor_file_is_decoded_exactly_or_refused_by_name(shared):
    folder, refused = shared / "data/dicom_vendors", set()
    for row in index_rows(shared):
        path = folder / row.file
        image, reason = read_or_reason(path, row.sha256)
        if image is None:
            assert path.name in reason
            refused.add(row.file)
            continue
        assert row.decodes == "True", row.file
        assert np.isfinite(image.pixels).all()
        stored = stored_values(path.read_bytes(), row.file)
        little = np.ascontiguousarray(stored).astype(stored.dtype.newbyteorder("<"))
        assert hashlib.sha256(little.tobytes()).hexdigest() == row.pixel_sha256, row.file
        found = float(stored.min()), float(stored.max()), float(stored.mean())
        assert found == pytest.approx(tuple(map(float, (row.pixel_min, row.pixel_max, row.pixel_mean))), abs=1e-3)
    undecodable = {row.file for row in index_rows(shared) if row.decodes != "True"}
    assert undecodable <= refused
    assert refused - undecodable <= NOT_BY_DEFAULT


def test_the_trillion_pixel_file_is_refused_before_decoding(shared):
    path = shared / "data/dicom_vendors/files/NM1__JPEG2000-embedded-sequence-delimiter.dcm"
    with pytest.raises(BadInput, match="compressed frame 1 declares 1024 x 3722445056"):
        read_image(path, None)


@pytest.mark.parametrize(("name", "dtype"), [("a.png", np.uint8), ("a.png", np.uint16), ("a.tif", np.float32)])
def test_rasters_keep_their_values(tmp_path, name, dtype):
    Pillow.fromarray(RAMP.astype(dtype)).save(tmp_path / name)
    np.testing.assert_array_equal(read_image(tmp_path / name, None).pixels, RAMP)


def test_colour_becomes_luminance(tmp_path):
    Pillow.fromarray(np.full((2, 2, 3), [100, 50, 200], np.uint8)).save(tmp_path / "c.png")
    np.testing.assert_allclose(read_image(tmp_path / "c.png", None).pixels, 0.299 * 100 + 0.587 * 50 + 0.114 * 200)


def png_header(width, height):
    body = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunk = b"IHDR" + body
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.png", png_header(60000, 60000) + b"\0\0\0\0IEND\xaeB`\x82", "the limit is|damaged"),
        ("a.png", b"GIF89a not a png", "not a PNG, JPEG or TIFF"),
        ("a.jpg", b"", "not a PNG, JPEG or TIFF"),
        ("a.nii", b"short", "not a readable NIfTI|cut short"),
        ("a.nii.gz", gzip.compress(b"x" * 600, mtime=0), "NIfTI|pixels"),
        ("a.nii.gz", b"\x1f\x8bbroken", "gzip"),
        ("a.npy", b"nonsense", "not a readable NumPy"),
        ("a.bmp", b"BM", "not an image format"),
    ],
)
def test_bad_files_are_refused_by_name(tmp_path, name, data, words):
    with pytest.raises(BadInput, match=words) as raised:
        read_image(saved(tmp_path, name, data), None)
    assert name in str(raised.value)


def test_truncated_png(tmp_path):
    buffer = io.BytesIO()
    Pillow.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)).save(buffer, "PNG")
    with pytest.raises(BadInput, match="damaged"):
        read_image(saved(tmp_path, "t.png", buffer.getvalue()[:500]), None)


def test_several_pages_are_refused(tmp_path):
    pages = [Pillow.fromarray(RAMP.astype(np.uint8))] * 2
    pages[0].save(tmp_path / "p.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(BadInput, match="2 pages"):
        read_image(tmp_path / "p.tif", None)


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_nifti_axes_spacing_and_scale(tmp_path, ending, kind):
    volume = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    image = kind(volume, np.diag([0.5, 0.6, 3.0, 1.0]))
    image.header.set_slope_inter(2, 1)
    image.header.set_xyzt_units("mm")
    nibabel.save(image, tmp_path / f"v{ending}")
    read = read_image(tmp_path / f"v{ending}", None)
    assert read.pixels.shape == (4, 3, 2)
    assert read.pixels[3, 2, 1] == pytest.approx(nibabel.load(tmp_path / f"v{ending}").get_fdata()[1, 2, 3])
    assert read.spacing_mm == pytest.approx((3.0, 0.6, 0.5))


def test_nifti_places_voxels_in_dicom_coordinates(tmp_path):
    turned = np.array([[0.0, 0.6, 0.0, 5.0], [-0.5, 0.0, 0.0, -7.0], [0.0, 0.0, 3.0, 9.0], [0, 0, 0, 1]])
    nibabel.save(nibabel.Nifti1Image(np.zeros((2, 3, 4), np.uint8), turned), tmp_path / "t.nii")
    read = read_image(tmp_path / "t.nii", None)
    assert read.origin_mm == (-5.0, 7.0, 9.0)
    assert read.directions == ((0.0, 0.0, 1.0), (-1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    unplaced = nibabel.Nifti1Image(np.zeros((2, 3, 4), np.uint8), None)
    nibabel.save(unplaced, tmp_path / "u.nii")
    read = read_image(tmp_path / "u.nii", None)
    assert (read.origin_mm, read.directions) == (None, None)


def test_nifti_of_one_slice_is_an_image(tmp_path):
    nibabel.save(nibabel.Nifti1Image(np.ones((2, 3, 1), np.float32), np.diag([0.5, 0.6, 3.0, 1.0])), tmp_path / "s.nii")
    read = read_image(tmp_path / "s.nii", None)
    assert read.pixels.shape == (3, 2)
    assert read.header["slice_thickness_mm"] == pytest.approx(3.0)


def test_nifti_that_claims_too_much_is_refused_before_it_is_unpacked(tmp_path):
    nibabel.save(nibabel.Nifti1Image(np.ones((2, 3, 4), np.uint8), np.eye(4)), tmp_path / "b.nii")
    data = bytearray((tmp_path / "b.nii").read_bytes())
    struct.pack_into("<8h", data, 40, 3, 30000, 30000, 30000, 1, 1, 1, 1)
    with pytest.raises(BadInput, match="the limit is"):
        read_image(saved(tmp_path, "b.nii.gz", gzip.compress(bytes(data))), None)
    struct.pack_into("<8h", data, 40, 3, 100, 100, 100, 1, 1, 1, 1)
    with pytest.raises(BadInput, match=r"b\.nii"):
        read_image(saved(tmp_path, "b.nii", bytes(data)), None)


def test_vendor_volumes_are_read(shared):
    for path in sorted((shared / "data/dicom_vendors/volumes").glob("*.nii.gz"))[:2]:
        expected = nibabel.load(path)
        read = read_image(path, None)
        assert read.pixels.shape == tuple(reversed(expected.shape[:3]))
        assert float(read.pixels.mean()) == pytest.approx(float(expected.get_fdata().mean()), rel=1e-4)


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def test_arrays_by_key_and_row(tmp_path):
    stack = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    path = saved(tmp_path, "a.npz", npz(x=stack))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    first = read_image(tmp_path / "a.npz#x[1]", digest).pixels
    np.testing.assert_array_equal(first, stack[1])
    first += 1
    np.testing.assert_array_equal(read_image(tmp_path / "a.npz#x[1]", digest).pixels, stack[1])
    np.testing.assert_array_equal(read_image(tmp_path / "a.npz#x", None).pixels, stack)
    np.save(tmp_path / "b.npy", stack[0].astype(float))
    np.testing.assert_array_equal(read_image(tmp_path / "b.npy", None).pixels, stack[0])


@pytest.mark.parametrize(
    ("fragment", "words"),
    [
        ("", "name one as"),
        ("#y", "no array 'y'"),
        ("#x[2]", "row 2"),
        ("#x[-1]", "name one as"),
        ("#text", "real numbers"),
    ],
)
def test_npz_fragments_that_name_nothing(tmp_path, fragment, words):
    saved(tmp_path, "a.npz", npz(x=np.zeros((2, 3, 4)), text=np.array(["a"])))
    with pytest.raises(BadInput, match=words):
        read_image(tmp_path / f"a.npz{fragment}", None)


def test_pickles_nan_and_oversized_arrays_are_refused(tmp_path, monkeypatch):
    np.save(tmp_path / "o.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "n.npy", np.full((2, 2), np.nan))
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (1 << 20, 1 << 20)})
    (tmp_path / "h.npy").write_bytes(header.getvalue())
    for name, words in (("o", "never unpickled"), ("n", "not finite"), ("h", "the limit is")):
        with pytest.raises(BadInput, match=words):
            read_image(tmp_path / f"{name}.npy", None)
    monkeypatch.setattr("audit.cases.arrays.MAX_VOXELS", 10)
    with zipfile.ZipFile(tmp_path / "z.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", b"\0" * 100_000)
    with pytest.raises(BadInput, match="unpacks to 100,000 bytes"):
        read_image(tmp_path / "z.npz#x", None)


def test_masks_hold_whole_numbers(tmp_path):
    np.save(tmp_path / "m.npy", np.array([[0, 2], [1, 0]]))
    np.testing.assert_array_equal(read_mask(tmp_path / "m.npy", None).inside, [[False, True], [True, False]])
    np.save(tmp_path / "p.npy", np.array([[0.2, 0.7]]))
    with pytest.raises(BadInput, match="whole numbers"):
        read_mask(tmp_path / "p.npy", None)


def whole_files(tmp_path):
    buffers = {name: io.BytesIO() for name in ("a.png", "a.jpg", "a.tif", "a.npy", "a.npz")}
    picture = Pillow.fromarray(np.random.default_rng(0).integers(0, 255, (16, 16), np.uint8))
    for name, kind in (("a.png", "PNG"), ("a.jpg", "JPEG"), ("a.tif", "TIFF")):
        picture.save(buffers[name], kind)
    np.save(buffers["a.npy"], np.ones((4, 4)))
    np.savez_compressed(buffers["a.npz"], x=np.ones((4, 4, 4)))
    nibabel.save(nibabel.Nifti1Image(np.ones((4, 5, 6), np.int16), np.eye(4)), tmp_path / "w.nii.gz")
    files = {name: buffer.getvalue() for name, buffer in buffers.items()}
    return files | {"a.dcm": dicom(RAMP), "a.nii.gz": (tmp_path / "w.nii.gz").read_bytes()}


def test_damaged_bytes_give_an_image_or_one_sentence(tmp_path):
    """Whatever is broken, and wherever, nothing but ``BadInput`` comes out."""
    draw, refused = np.random.default_rng(7), 0
    for name, data in whole_files(tmp_path).items():
        for _ in range(40):
            broken_file = bytearray(data)
            for place in draw.integers(0, min(len(data), 600), 4):
                broken_file[place] = draw.integers(0, 256)
            try:
                decode(
                    bytes(broken_file[: draw.integers(1, len(data) + 1)]), name, "x" if "npz" in name else None, name
                )
            except BadInput as error:
                refused += "\n" not in str(error)
    assert refused > 100
