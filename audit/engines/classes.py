"""From one case's segmentation output to probabilities of the target's voxels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.records import BadInput


def inside(value: NDArray[Any], labels: Sequence[int], axes: int, output: str) -> NDArray[Any]:
    """Probability that each voxel belongs to the target, from (\\*spatial) or (classes, \\*spatial) with ``axes`` axes.

    Without ``labels`` the output holds probabilities. With them it is a label map, or scores of classes 0, 1, ... of
    which the largest counts (the first of equal ones); voxels with one of the labels get 1. Raises ``BadInput`` for
    anything else.
    """
    if value.ndim == axes + 1:
        if not labels:
            raise BadInput(
                f"the model's output '{output}' has {len(value)} classes; name one under 'label' in the plan"
            )
        value = np.argmax(value, axis=0)
    elif value.ndim != axes:
        raise BadInput(f"the model's output '{output}' has {value.ndim} axes; the image has {axes}")
    if not labels:
        return value
    if not np.array_equal(value, np.rint(value)):
        raise BadInput(
            f"the model's output '{output}' is no label map: it holds fractions; remove 'label' from the plan"
        )
    return np.isin(value, list(labels)).astype(np.float32)
