"""Marks of a network, from pixels of the array that it was given to pixels of the image.

Slots are (N, slots, n): 3 or 5 columns in an image, 4 or 7 in a volume (``docs/detection.md``). Between image and
network lie a turn of the axes (``axes: x_first``) and a change of size (Resize); both are undone here, as for maps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch

MarkAxes = Literal["columns_first", "rows_first"]
COLUMNS = {2: (3, 5), 3: (4, 7)}


def are_slots(value: torch.Tensor, given: Sequence[int]) -> bool:
    """Whether an output holds marks; ``given``: spatial size of the network's input, which a map would have."""
    return value.ndim == 3 and tuple(value.shape[1:]) != tuple(given) and value.shape[2] in COLUMNS.get(len(given), ())


def placed(
    value: torch.Tensor, given: Sequence[int], image: Sequence[int], x_first: bool, axes: MarkAxes
) -> torch.Tensor:
    """Slots in pixels of the image, x along its columns.

    ``given``: spatial size of the network's input; ``image``: the same before any change of size.
    With ``columns_first`` the first number counts along the last axis of the input, as in COCO; with ``rows_first``
    along the first, as MONAI's boxes do.
    """
    n = len(given)
    factors = [size / old for size, old in zip(image, given, strict=True)]  # along the axes of the network's input
    along = list(range(n)) if axes == "rows_first" else list(range(n))[::-1]
    groups = [list(range(start, start + n)) for start in range(0, value.shape[2] - 1, n)]
    out = value.clone()
    for group in groups:
        for place, axis in zip(group, along, strict=True):
            out[..., place] = value[..., place] * factors[axis]
    if x_first == (axes == "columns_first"):
        order = [place for group in groups for place in reversed(group)] + [value.shape[2] - 1]
        out = out[..., order]
    return out
