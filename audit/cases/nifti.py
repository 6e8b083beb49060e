"""NIfTI-1 and -2 by nibabel: volumes as (slices, rows, columns), single slices as (rows, columns)."""

from __future__ import annotations

import gzip
import io
import logging
import math
import warnings
import zlib

import nibabel
import numpy as np

from audit.cases.arrays import as_pixels
from audit.cases.limits import check_shape
from audit.grids import Vector
from audit.records import BadInput, Image

logging.getLogger("nibabel.global").setLevel(logging.CRITICAL)  # repairs of damaged headers are not for the terminal
_TO_DICOM = np.diag([-1.0, -1.0, 1.0])
_MM_PER_UNIT = {"mm": 1.0, "meter": 1000.0, "micron": 0.001, "unknown": 1.0}


def decode_nifti(data: bytes, where: str) -> Image:
    """Values after the header's slope and intercept; stored axes (i, j, k) become (k, j, i), spacing_mm likewise.

    The orientation is not changed; ``directions`` and ``origin_mm`` tell it, turned from the file's coordinates (right,
    anterior, superior) to DICOM's; a file without qform and sform does not say. Trailing axes of length 1 are dropped;
    a volume of one slice becomes an image, its third spacing stands as ``slice_thickness_mm``. More axes are refused.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _decode(_unpacked(data, where), where)
    except BadInput:
        raise
    except Exception as error:  # nibabel raises many kinds for damaged headers
        raise BadInput(f"{where}: not a readable NIfTI file ({type(error).__name__}).") from error


def _unpacked(data: bytes, where: str) -> bytes:
    """The plain file; a gzip stream is unpacked no further than its own header says it must be."""
    if data[:2] != b"\x1f\x8b":
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            head = stream.read(544)
            return head + stream.read(_expected_bytes(head, where) - len(head))
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{where}: the gzip stream is damaged or cut short.") from error


def _header(head: bytes) -> nibabel.Nifti1Header:
    kind = nibabel.Nifti2Header if head[:4] in (b"\x1c\x02\x00\x00", b"\x00\x00\x02\x1c") else nibabel.Nifti1Header
    return kind.from_fileobj(io.BytesIO(head), check=False)


def _expected_bytes(head: bytes, where: str) -> int:
    header = _header(head)
    shape = tuple(int(n) for n in header.get_data_shape())
    check_shape(shape, where)
    offset = int(header["vox_offset"])
    if not 0 <= offset <= 1 << 26:
        raise BadInput(f"{where}: the header puts the pixels at byte {offset}; the file is damaged.")
    return max(544, offset + math.prod(shape) * int(header.get_data_dtype().itemsize))


def _decode(data: bytes, where: str) -> Image:
    if len(data) < _expected_bytes(data[:544], where) and len(data) < 348:
        raise BadInput(f"{where}: the file is cut short.")
    kind = nibabel.Nifti2Image if isinstance(_header(data[:544]), nibabel.Nifti2Header) else nibabel.Nifti1Image
    image = kind.from_bytes(data)
    shape = [int(n) for n in image.shape]
    while len(shape) > 2 and shape[-1] == 1:
        shape.pop()
    if len(shape) not in (2, 3):
        raise BadInput(f"{where}: has {len(shape)} axes longer than 1; expected one image or one volume.")
    array = np.asarray(image.dataobj).reshape(shape).T
    return Image(as_pixels(array, where), *_geometry(image, len(shape)), *_place(image, len(shape)))


def _geometry(image: nibabel.Nifti1Image, axes: int) -> tuple[tuple[float, ...] | None, dict[str, str | float]]:
    factor = _MM_PER_UNIT[image.header.get_xyzt_units()[0]]
    zooms = [float(z) * factor for z in image.header.get_zooms()[:3]]
    header: dict[str, str | float] = {}
    if axes == 2 and len(zooms) == 3 and zooms[2] > 0:
        header["slice_thickness_mm"] = zooms[2]
    if any(z <= 0 or not math.isfinite(z) for z in zooms[:axes]):
        return None, header
    return tuple(reversed(zooms[:axes])), header


def _place(image: nibabel.Nifti1Image, axes: int) -> tuple[Vector | None, tuple[Vector, ...] | None]:
    """Origin (mm) and unit vectors of the array's axes in DICOM's patient coordinates."""
    if not (int(image.header["qform_code"]) or int(image.header["sform_code"])):
        return None, None
    factor = _MM_PER_UNIT[image.header.get_xyzt_units()[0]]
    affine = _TO_DICOM @ np.asarray(image.affine, dtype=np.float64)[:3]
    lengths = np.linalg.norm(affine[:, :axes], axis=0)
    if not np.isfinite(affine).all() or not lengths.all():
        return None, None
    directions = (affine[:, :axes] / lengths).T[::-1]
    return tuple((affine[:, 3] * factor).tolist()), tuple(tuple(axis) for axis in directions.tolist())
