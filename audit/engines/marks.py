"""Marks that a network gives: for each image a fixed number of slots, filled or not.

One output per detection target, (slots, n) for an image: columns x, y, rating for points and x, y, width, height,
rating for boxes; in volumes x, y, z, rating and x, y, z, width, height, depth, rating. Places are in pixels of the
image (the models room undoes a turn of axes and a change of size), a box's upper left corner first, as in
``audit.places``. A slot rated minus infinity
is empty. The number of slots is part of the exported program; non-maximum suppression belongs to the version.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.records import BadInput, FloatArray

LAYOUTS: dict[int, tuple[str, ...]] = {
    3: ("x", "y", "rating"),
    4: ("x", "y", "z", "rating"),
    5: ("x", "y", "width", "height", "rating"),
    7: ("x", "y", "z", "width", "height", "depth", "rating"),
}


def filled_slots(value: NDArray[Any], output: str, boxes: bool) -> list[dict[str, float]]:
    """The marks in one image's output, in slot order, as columns of MARKS.

    ``boxes``: the plan's localisation rule needs boxes. Raises ``BadInput`` for another shape, for numbers that are
    not finite in a filled slot and for boxes without extent.
    """
    slots = np.atleast_2d(np.asarray(value, dtype=np.float64))  # one slot comes without its axis
    layout = LAYOUTS.get(slots.shape[1]) if slots.ndim == 2 else None
    if layout is None or (boxes and "width" not in layout):
        wanted = " or ".join(f"({', '.join(names)})" for names in LAYOUTS.values() if not boxes or "width" in names)
        raise BadInput(f"the model's output '{output}' has shape {slots.shape}; slots of {wanted} were expected")
    filled = slots[~np.isneginf(slots[:, -1])]
    _refuse_impossible(filled, layout, output)
    return [dict(zip(layout, map(float, row), strict=True)) for row in filled]


def _refuse_impossible(filled: FloatArray, layout: tuple[str, ...], output: str) -> None:
    if not np.isfinite(filled).all():
        raise BadInput(f"the model's output '{output}' is not finite in a filled slot")
    extents = [i for i, name in enumerate(layout) if name in ("width", "height", "depth")]
    if (filled[:, extents] <= 0).any():
        raise BadInput(f"the model's output '{output}' holds a box without extent")
