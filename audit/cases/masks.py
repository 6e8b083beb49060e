"""Segmentation masks: any image format; nonzero is inside, or the named values of a label map."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audit.cases.images import read_image
from audit.grids import Grid
from audit.records import BadInput, BoolArray


@dataclass(frozen=True, slots=True)
class Mask:
    """``inside``: True inside, axes as the image's; ``grid``: where its voxels lie, as far as its file says."""

    inside: BoolArray
    grid: Grid


def read_mask(path: Path, sha256: str | None, labels: Sequence[int] = ()) -> Mask:
    """The mask stored at ``path``; of a label map ``labels`` are inside (all but 0 where none is named).

    Values other than whole numbers are refused, for a probability map is not a mask.
    """
    image = read_image(path, sha256)
    inside = image.pixels != 0
    values = image.pixels[inside]
    if not np.array_equal(values, np.rint(values)):
        raise BadInput(f"{path}: a mask must hold whole numbers (0 outside); this file holds fractions; threshold it.")
    if labels:
        inside[inside] = np.isin(values, labels)
    return Mask(inside, Grid(inside.shape, image.spacing_mm, image.origin_mm, image.directions))


def pack_masks(masks: Iterable[tuple[str, BoolArray]]) -> bytes:
    """Masks by case id as one compressed archive; the same masks give the same bytes. Each mask is kept as bits, so
    that no two whole masks need be in memory at once."""
    packed = {f"{case}|{'x'.join(map(str, mask.shape))}": np.packbits(mask) for case, mask in masks}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **dict(sorted(packed.items())))
    return buffer.getvalue()


class PackedMasks(Mapping[str, BoolArray]):
    """Case id -> mask, from the bytes that ``pack_masks`` wrote; a mask is unpacked each time it is asked for."""

    def __init__(self, data: bytes) -> None:
        self._archive = np.load(io.BytesIO(data), allow_pickle=False)
        self._keys = {key.rpartition("|")[0]: key for key in self._archive.files}

    def __getitem__(self, case: str) -> BoolArray:
        shape = tuple(int(n) for n in self._keys[case].rpartition("|")[2].split("x"))
        bits: NDArray[np.uint8] = self._archive[self._keys[case]]
        return np.unpackbits(bits, count=math.prod(shape)).view(np.bool_).reshape(shape)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)
