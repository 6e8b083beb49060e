"""Limits that a file must keep before anything is reserved for it. Hostile or damaged headers can claim any size."""

from __future__ import annotations

import math
from collections.abc import Sequence

from audit.records import BadInput

MAX_VOXELS = 1 << 29  # 537 million: 2 GiB as float32, twice the largest whole-body CT in clinical use
MAX_FILE_BYTES = 4 << 30


def check_shape(shape: Sequence[int], where: str) -> None:
    """Refuses empty, negative and absurd dimensions; ``shape`` as the file declares it, colour samples included."""
    if any(n < 1 for n in shape):
        raise BadInput(f"{where}: declares an image of {_times(shape)} pixels; an image needs at least one.")
    if math.prod(shape) > MAX_VOXELS:
        raise BadInput(f"{where}: declares an image of {_times(shape)} values; the limit is {MAX_VOXELS:,}.")


def _times(shape: Sequence[int]) -> str:
    return " x ".join(str(n) for n in shape)
