"""Segmentation masks: any image format, nonzero is inside."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.cases.images import read_image
from audit.records import BadInput, BoolArray


def read_mask(path: Path, sha256: str | None) -> BoolArray:
    """The mask stored at ``path``: True inside, axes as the image's. Values other than whole numbers are refused, for a
    probability map is not a mask."""
    values = read_image(path, sha256).pixels
    if not np.array_equal(values, np.rint(values)):
        raise BadInput(
            f"{path}: a reference mask must hold whole numbers (0 outside); this file holds fractions; threshold it."
        )
    return np.asarray(values != 0)


def pack_masks(masks: Mapping[str, BoolArray]) -> bytes:
    """Masks by case id as one compressed archive; the same masks give the same bytes. Each mask
    is kept as bits."""
    packed: dict[str, NDArray[Any]] = {}
    for case, mask in sorted(masks.items()):
        packed[f"{case}|{'x'.join(map(str, mask.shape))}"] = np.packbits(mask)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **packed)
    return buffer.getvalue()


def unpack_masks(data: bytes) -> dict[str, BoolArray]:
    """Case id -> mask, from the bytes that ``pack_masks`` wrote."""
    masks: dict[str, BoolArray] = {}
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        for key in archive.files:
            case, _, size = key.rpartition("|")
            shape = tuple(int(n) for n in size.split("x"))
            masks[case] = np.unpackbits(archive[key], count=int(np.prod(shape))).astype(bool).reshape(shape)
    return masks
