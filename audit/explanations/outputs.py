"""Outputs of altered images, in chunks and without gradients."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch

from audit.explanations.scalar import ScalarOutput
from audit.records import FloatArray, Pixels

CHUNK = 16


def outputs_of(scalar: ScalarOutput, image: Pixels, altered: Iterable[Pixels]) -> FloatArray:
    """The explained output of every image (\\*spatial) in ``altered``; a segmentation is summed over what is predicted
    on ``image`` (1, 1, \\*spatial), which they are copies of."""
    region = scalar.region(scalar.batch(image))
    found = []
    with torch.no_grad():
        for chunk in _chunks(altered):
            batch = scalar.batch(np.stack(chunk)[:, None])
            wide = None if region is None else region.expand(len(chunk), *region.shape[1:])
            found.append(scalar(batch, wide).double().cpu().numpy())
    return np.concatenate(found) if found else np.zeros(0)


def _chunks(images: Iterable[Pixels]) -> Iterator[list[Pixels]]:
    chunk: list[Pixels] = []
    for image in images:
        chunk.append(image)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
