"""One case: anatomy drawn on the scanner's grid, then acquired."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from numpy.typing import NDArray

from audit.simulation.cohort import SimulatedCase
from audit.simulation.phantom import Slice, draw_slice
from audit.simulation.scanners import acquire

SIZE = 128


def image_case(case: SimulatedCase) -> tuple[NDArray[np.uint16], Slice]:
    """Stored pixels (rows, columns) and the slice with its exact reference."""
    drawn = draw_slice(case.anatomy, SIZE, case.scanner.spacing_mm)
    return acquire(drawn, case.scanner, np.random.default_rng(case.seed)), drawn


def images_and_masks(cases: Sequence[SimulatedCase], workers: int) -> tuple[NDArray[np.uint16], NDArray[np.bool_]]:
    """Stored pixels and lesion masks (cases, rows, columns), in order; the same for any number of ``workers``."""
    if workers < 2:
        pairs = [_pair(case) for case in cases]
    else:
        with ProcessPoolExecutor(workers) as pool:
            pairs = list(pool.map(_pair, cases, chunksize=16))
    return np.stack([image for image, _ in pairs]), np.stack([mask for _, mask in pairs])


def _pair(case: SimulatedCase) -> tuple[NDArray[np.uint16], NDArray[np.bool_]]:
    image, drawn = image_case(case)
    return image, drawn.lesion_mask
