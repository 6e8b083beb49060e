"""Segmentation masks: any image format, nonzero is inside."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from audit.cases.images import read_image
from audit.records import BadInput, BoolArray


def read_mask(path: Path, sha256: str | None) -> BoolArray:
    """The mask stored at ``path``: True inside, axes as the image's. Values other than whole numbers are refused, for a
    probability map is not a mask."""
    values = read_image(path, sha256).pixels
    if not np.array_equal(values, np.rint(values)):
        raise BadInput(f"{path}: a reference mask must hold whole numbers (0 outside); this file holds fractions.")
    return np.asarray(values != 0)
