"""One shard of the pass: rows of PREDICTIONS and the masks they cite, as values and as bytes."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

GRID = 1024
Half = NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Shard:
    """Predictions of a fixed run of cases.

    ``rows`` follow PREDICTIONS, ordered by arm, case, target. ``masks`` maps 'version/target' (with '/64x64' appended
    where image sizes differ within the shard) to float16 probabilities (n, \\*spatial) on a grid of 1/1024. ``marks``
    follow MARKS, in the same order as ``rows``.
    """

    index: int
    rows: pd.DataFrame
    masks: Mapping[str, Half]
    marks: pd.DataFrame

    @property
    def masks_file(self) -> str:
        """Where the masks are kept inside the audit, as cited by ``rows.artifact``."""
        return masks_file(self.index)


def masks_file(index: int) -> str:
    """Path inside the audit of a shard's masks."""
    return f"shards/{index:05d}.npz"


def quantised(probabilities: NDArray[np.floating[Any]]) -> Half:
    """Probabilities rounded down to multiples of 1/1024, exact in float16.

    Rounding down keeps every decision ``probability >= threshold`` for thresholds on the grid (0.5 among them) and
    lets the near-zero background compress.
    """
    return (np.floor(np.asarray(probabilities, dtype=np.float64) * GRID) / GRID).astype(np.float16)


def masks_bytes(masks: Mapping[str, Half]) -> bytes:
    """The masks as a compressed npz archive; the same masks give the same bytes (entries sorted, no clock)."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **{key: masks[key] for key in sorted(masks)})
    return buffer.getvalue()


def mask_of(data: bytes, key: str, row: int) -> Half:
    """One case's probabilities from the bytes that ``masks_bytes`` wrote."""
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return np.asarray(archive[key][row], dtype=np.float16)


def cited(artifact: str) -> tuple[str, str, int]:
    """File, key and row of an artifact citation ``file.npz#key[row]``."""
    file, _, rest = artifact.partition("#")
    key, _, row = rest.rpartition("[")
    return file, key, int(row.rstrip("]"))
