"""Lossy JPEG 2000 and back, as an archive or a teleradiology link may do it before the device sees the image."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from openjpeg.utils import decode, encode_array

from audit.records import BadInput, FloatArray

LEAST_BITS, MOST_BITS = 8, 16


def compressed(pixels: FloatArray, ratio: float) -> FloatArray:
    """The image after irreversible JPEG 2000 (9-7 wavelet, one layer, one tile) at ``ratio``, each slice by itself.

    ``ratio`` is stored bits over compressed bits. The stored bits are the least number, 8 to 16, that holds the range
    of an image of whole numbers; any other image is first rounded to 16 bits over its range. A constant image comes
    back as it is. Sources: ISO/IEC 15444-1; DICOM PS3.5 section 8.2.4; European Society of Radiology, Insights
    Imaging 2011;2:103 (which ratios are in use).
    """
    low, high = float(pixels.min()), float(pixels.max())
    if low == high:
        return pixels
    step, bits = _scale(pixels, high - low)
    stored = np.rint((pixels - low) / step).astype(np.uint16 if bits > LEAST_BITS else np.uint8)
    slices = stored.reshape(-1, *stored.shape[-2:])
    back = np.stack([_there_and_back(each, bits, ratio) for each in slices]).reshape(stored.shape)
    return np.asarray(back * step + low, dtype=np.float64)


def _scale(pixels: FloatArray, extent: float) -> tuple[float, int]:
    """Size of one stored step and the number of stored bits."""
    if bool(np.all(pixels == np.rint(pixels))) and extent < 2**MOST_BITS:
        return 1.0, max(LEAST_BITS, math.ceil(math.log2(extent + 1)))
    return extent / (2**MOST_BITS - 1), MOST_BITS


def _there_and_back(stored: NDArray[np.unsignedinteger], bits: int, ratio: float) -> NDArray[np.float64]:
    try:
        stream = encode_array(stored, bits_stored=bits, photometric_interpretation=2, compression_ratios=[ratio])
        return np.asarray(decode(stream, j2k_format=0), dtype=np.float64)
    except (RuntimeError, ValueError) as error:
        size = " x ".join(map(str, stored.shape))
        raise BadInput(f"JPEG 2000 at ratio {ratio:g} cannot hold a picture of {size} pixels ({error})") from error
