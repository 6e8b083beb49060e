"""How an image looks: a fingerprint that survives re-encoding, a thumbnail, and how much of it is clipped.

The fingerprint is a difference hash: the image in 17 x 16 averaged cells, one bit for each cell that is darker than
its right neighbour. It does not change with window, gain, bit depth or size. Source: Krawetz, Kind of like that (2013),
as in the library ImageHash; 16 x 16 in place of 8 x 8, because chest radiographs of two people share most of 64 bits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from scipy import ndimage

from audit.records import Pixels

HASH_SIDE = 16
THUMB_SIDE = 16
LEAST_CLIPPED = 0.02
SMOOTH = 0.08
MOSTLY_CLIPPED = 0.5
HASH_BITS = HASH_SIDE * HASH_SIDE


@dataclass(frozen=True, slots=True)
class Looks:
    """``dhash`` as 64 hex digits; ``thumb`` uint8 of 16 x 16, 0..255 over the image's own range; ``share_clipped`` of
    pixels at the highest value to which the picture rises smoothly, collimated corners aside; values that occur (up to
    1000); range and mean of all frames."""

    dhash: str
    thumb: bytes
    share_clipped: float
    levels: int
    low: float
    high: float
    mean: float


def looks_of(pixels: Pixels) -> Looks:
    """``pixels`` (rows, columns), or several frames of which the middle one is looked at."""
    frame = middle(pixels)
    low, high = float(frame.min()), float(frame.max())
    return Looks(
        dhash=dhash(frame),
        thumb=thumbnail(frame),
        share_clipped=_clipped(frame, low, high) if high > low else 1.0,
        levels=min(1000, len(np.unique(frame[:: max(1, frame.shape[0] // 256)]))),
        low=float(pixels.min()),
        high=float(pixels.max()),
        mean=float(pixels.mean(dtype=np.float64)),
    )


def _clipped(frame: Pixels, low: float, high: float) -> float:
    """Share of pixels at the highest value, where the picture rises smoothly to it: a white border ends in a step,
    clipped anatomy does not. Patches that hold a corner are left out: they are collimator, not patient."""
    highest = frame == high
    if highest.mean() < LEAST_CLIPPED:
        return 0.0
    if highest.mean() > MOSTLY_CLIPPED:
        return float(highest.mean())
    patches, _ = ndimage.label(highest)
    inside = highest & ~np.isin(patches, patches[[0, 0, -1, -1], [0, -1, 0, -1]])
    if not inside.any():
        return 0.0
    beside = ndimage.binary_dilation(inside) & ~highest
    step = float(np.quantile(high - frame[beside], 0.25)) / (high - low)
    return float(inside.mean()) if step <= SMOOTH else 0.0


def middle(pixels: Pixels) -> Pixels:
    """The middle frame of several, or the one there is."""
    return pixels if pixels.ndim == 2 else pixels[len(pixels) // 2]


def dhash(frame: Pixels) -> str:
    """Difference hash of one frame, 256 bits as hex digits."""
    cells = _cells(frame, HASH_SIDE + 1, HASH_SIDE)
    return np.packbits(cells[:, 1:] > cells[:, :-1]).tobytes().hex()


def thumbnail(frame: Pixels) -> bytes:
    """16 x 16 averaged cells, 0..255 between the darkest and the brightest."""
    cells = _cells(frame, THUMB_SIDE, THUMB_SIDE)
    low, high = float(cells.min()), float(cells.max())
    scaled = (cells - low) * (255.0 / (high - low)) if high > low else np.zeros_like(cells)
    return np.rint(scaled).astype(np.uint8).tobytes()


def _cells(frame: Pixels, columns: int, rows: int) -> NDArray[np.float32]:
    picture = Pillow.fromarray(np.ascontiguousarray(frame, dtype=np.float32))
    return np.asarray(picture.resize((columns, rows), Pillow.Resampling.BOX), dtype=np.float32)
