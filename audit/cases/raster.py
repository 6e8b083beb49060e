"""PNG, JPEG and TIFF by Pillow: one grey image, colour as luminance, nothing larger than the limit."""

from __future__ import annotations

import io
import warnings

import numpy as np
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from audit.cases.limits import check_shape
from audit.records import BadInput, Image

FORMATS = ("PNG", "JPEG", "TIFF")
_GREY = ("1", "L", "I", "F", "I;16", "I;16B", "I;16L")

_PILLOW_LIMIT = Pillow.MAX_IMAGE_PIXELS or 0  # Pillow refuses twice as many


def decode_raster(data: bytes, where: str) -> Image:
    """Pixels as stored (8 or 16 bit), colour and palette as luminance; spacing unknown, for a raster does not say.

    Alpha is dropped. A file with several pages is refused: which page is meant is not ours to guess.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Pillow.open(io.BytesIO(data), formats=FORMATS) as picture:
                return Image(_pixels(picture, where), None)
    except BadInput:
        raise
    except Pillow.DecompressionBombError as error:
        raise BadInput(f"{where}: declares too large an image; the limit is {2 * _PILLOW_LIMIT:,} pixels.") from error
    except UnidentifiedImageError as error:
        raise BadInput(f"{where}: not a PNG, JPEG or TIFF file, whatever its name says.") from error
    except Exception as error:  # Pillow's decoders raise many kinds for damaged files
        raise BadInput(f"{where}: the image is damaged and cannot be decoded ({type(error).__name__}).") from error


def _pixels(picture: Pillow.Image, where: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    check_shape((picture.height, picture.width), where)
    if getattr(picture, "n_frames", 1) != 1:
        raise BadInput(f"{where}: holds {getattr(picture, 'n_frames', 1)} pages; store one image in each file.")
    grey = picture if picture.mode in _GREY else picture.convert("RGB")
    stored = np.asarray(grey, dtype=np.float32)
    return stored if stored.ndim == 2 else luminance(stored)


def luminance(
    colour: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Red, green, blue on the last axis -> luma (ITU-R BT.601)."""
    weights = np.array([0.299, 0.587, 0.114], dtype=np.float32)
    return np.asarray(colour[..., :3].astype(np.float32) @ weights, dtype=np.float32)
