"""DICOM by pydicom: stored values -> modality values, one frame (rows, columns), several (frames, rows, columns).

Windowing (VOI) is never applied to the pixels: what a model sees is the modality's own scale; pictures may heed it
(``display``). Sources: DICOM PS3.3 C.7.6.3 (image
pixel), C.11.1 (modality LUT), C.7.6.16 (functional groups of enhanced objects).
"""

from __future__ import annotations

import io
import warnings
import zlib
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.errors import InvalidDicomError
from pydicom.pixels import apply_color_lut, apply_modality_lut, pixel_array

from audit.cases.arrays import as_pixels
from audit.cases.codestreams import check_codestreams
from audit.cases.display import display_of
from audit.cases.frames import frames_of
from audit.cases.headers import functional_group, header_facts
from audit.cases.limits import MAX_VOXELS, check_shape
from audit.cases.raster import luminance
from audit.records import BadInput, Image

_DEFLATED = b"1.2.840.10008.1.2.1.99"


def decode_dicom(data: bytes, where: str) -> Image:
    """The image of one DICOM file; raises ``BadInput`` for a damaged file, one without pixels, one no decoder reads.

    MONOCHROME1 (white is low) is turned round within the range of the stored bits, so that bright is high everywhere.
    """
    dataset = read_dataset(data, where)
    try:
        pixels = modality_values(dataset, stored_of(dataset, where))
        frames = frames_of(dataset, pixels.shape, where)
        ordered = as_pixels(frames.placed(pixels), where)
        display = display_of(dataset, _turned_about(dataset))
        return Image(ordered, frames.spacing_mm, header_facts(dataset), frames.origin_mm, frames.directions, display)
    except BadInput:
        raise
    except Exception as error:  # elements are parsed on first use, and damaged ones break there
        raise BadInput(f"{where}: the DICOM file is damaged ({type(error).__name__}); export it again.") from error


def read_dataset(data: bytes, where: str) -> pydicom.Dataset:
    """The parsed file. Reasons name the kind of damage only: the parser's own messages may quote a header value."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _refuse_deflate_bomb(data, where)
            dataset = pydicom.dcmread(io.BytesIO(data))
            _walk(dataset)
            return dataset
    except BadInput:
        raise
    except InvalidDicomError as error:
        raise BadInput(f"{where}: not a DICOM file (no 'DICM' after the preamble); export it again.") from error
    except Exception as error:  # damaged files break the parser in many ways
        raise BadInput(f"{where}: the DICOM file is damaged and cannot be parsed ({type(error).__name__}).") from error


def _refuse_deflate_bomb(data: bytes, where: str) -> None:
    """A deflated data set is unpacked whole by the parser: it may not grow beyond the limit for pixels."""
    if _DEFLATED not in data[132:2048]:
        return
    start = 144 + int.from_bytes(data[140:144], "little")
    unpacker, grown = zlib.decompressobj(-zlib.MAX_WBITS), 0
    chunk = data[start:]
    while chunk and grown <= 4 * MAX_VOXELS:
        grown += len(unpacker.decompress(chunk, 1 << 24))
        chunk = unpacker.unconsumed_tail
    if grown > 4 * MAX_VOXELS:
        raise BadInput(f"{where}: the deflated DICOM file unpacks to more than {4 * MAX_VOXELS:,} bytes, the limit.")


def _walk(dataset: pydicom.Dataset) -> None:
    for keyword in ("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "BitsAllocated", "PixelSpacing"):
        dataset.get(keyword)


def stored_values(data: bytes, where: str) -> NDArray[Any]:
    """Values as stored, before any lookup or inversion; colour as RGB on the last axis."""
    return stored_of(read_dataset(data, where), where)


def stored_of(dataset: pydicom.Dataset, where: str) -> NDArray[Any]:
    """Values as stored of a parsed file; raises ``BadInput`` where it has none or no decoder reads them."""
    if not any(name in dataset for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise BadInput(f"{where}: the DICOM file holds no pixel data (only a header); remove it from the manifest.")
    if not any(dataset.get(name) is not None for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise BadInput(f"{where}: the element for pixel data is there but empty; export the file again.")
    syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    if syntax is None or not syntax.is_transfer_syntax:
        raise BadInput(f"{where}: the DICOM file names no known transfer syntax, so its pixels cannot be read.")
    check_shape(_declared_shape(dataset, where), where)
    check_codestreams(dataset, where)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.asarray(pixel_array(dataset))
    except Exception as error:  # every decoder has its own kinds
        raise BadInput(
            f"{where}: the pixel data ({syntax.name}) cannot be decoded ({_why(error)}); "
            "the file is damaged or no installed decoder reads it."
        ) from error


def _why(error: Exception) -> str:
    text = str(error)
    if "bytes of pixel data is less than expected" in text:
        return "fewer bytes than its header declares"
    if "missing dependencies" in text:
        return "decoder not installed"
    if isinstance(error, RuntimeError):
        return "every installed decoder gave up"
    return type(error).__name__


def _declared_shape(dataset: pydicom.Dataset, where: str) -> tuple[int, ...]:
    try:
        frames = int(dataset.get("NumberOfFrames") or 1)
        return frames, int(dataset.Rows), int(dataset.Columns), int(dataset.get("SamplesPerPixel") or 1)
    except (AttributeError, TypeError, ValueError) as error:
        raise BadInput(f"{where}: the DICOM header does not declare rows and columns.") from error


def modality_values(dataset: pydicom.Dataset, stored: NDArray[Any]) -> NDArray[Any]:
    """Stored values -> the modality's own scale: palette, rescale, modality LUT, MONOCHROME1; colour as luminance."""
    if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
        return luminance(_eight_bit(apply_color_lut(stored, dataset)))
    if int(dataset.get("SamplesPerPixel") or 1) == 3:
        return luminance(stored.astype(np.float32))
    values, about = _rescaled(dataset, stored), _turned_about(dataset)
    return values if about is None else np.asarray(about - values.astype(np.float64))


def _eight_bit(colour: NDArray[Any]) -> NDArray[np.float32]:
    """Palettes hold 8 or 16 bit entries; both become 0..255."""
    scale = 257.0 if colour.dtype.itemsize > 1 else 1.0
    return np.asarray(colour.astype(np.float32) / scale, dtype=np.float32)


def _rescaled(dataset: pydicom.Dataset, stored: NDArray[Any]) -> NDArray[Any]:
    if "ModalityLUTSequence" in dataset or "RescaleSlope" in dataset:
        return np.asarray(apply_modality_lut(stored, dataset))
    frames = stored if stored.ndim == 3 else stored[None]
    pairs = [_frame_rescale(dataset, index) for index in range(len(frames))]
    if all(pair == (1.0, 0.0) for pair in pairs):
        return stored
    out = np.stack([frame * slope + intercept for frame, (slope, intercept) in zip(frames, pairs, strict=True)])
    return np.asarray(out.reshape(stored.shape))


def _frame_rescale(dataset: pydicom.Dataset, frame: int) -> tuple[float, float]:
    group = functional_group(dataset, "PixelValueTransformationSequence", frame)
    if group is None:
        return 1.0, 0.0
    return float(group.get("RescaleSlope") or 1.0), float(group.get("RescaleIntercept") or 0.0)


def _turned_about(dataset: pydicom.Dataset) -> float | None:
    """MONOCHROME1: low + high, about which v becomes low + high - v: the ends of the stored range, taken through the
    same modality transform. None for every other interpretation."""
    if dataset.get("PhotometricInterpretation") != "MONOCHROME1":
        return None
    bits = int(dataset.BitsStored)
    ends = (-(1 << bits - 1), (1 << bits - 1) - 1) if int(dataset.PixelRepresentation) else (0, (1 << bits) - 1)
    return float(apply_modality_lut(np.array(ends), dataset).sum())
