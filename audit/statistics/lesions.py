"""Lesion-wise detection from two masks.

Lesions are connected components; voxels that share a face belong together, with 'edges' or 'corners' also those that
share only an edge or a corner (6, 18, 26 neighbours in three dimensions; 4, 8, 8 in two). Sources: Kirillov et al.,
Panoptic segmentation, CVPR 2019. Kofler et al., panoptica, arXiv 2312.02608 (match at IoU >= threshold; the
panoptic-quality paper uses > 0.5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage

from audit.records import BadInput, FloatArray, IntArray, Undefined
from audit.statistics.surfaces import cropped, masks

Connectivity = Literal["faces", "edges", "corners"]
_RANK = {"faces": 1, "edges": 2, "corners": 3}
NO_LESIONS = Undefined("no lesions in the reference or in the prediction")


@dataclass(frozen=True, slots=True)
class LesionMatch:
    """One-to-one matches by decreasing IoU; ``ious`` holds the IoU of each match."""

    n_reference: int
    n_prediction: int
    ious: FloatArray

    @property
    def tp(self) -> int:
        return int(self.ious.size)

    @property
    def fp(self) -> int:
        return self.n_prediction - self.tp

    @property
    def fn(self) -> int:
        return self.n_reference - self.tp

    @property
    def f1(self) -> float | Undefined:
        """Recognition quality; undefined without any lesion."""
        total = self.n_reference + self.n_prediction
        return 2 * self.tp / total if total else NO_LESIONS

    @property
    def segmentation_quality(self) -> float | Undefined:
        """Mean IoU of the matches, 0 when nothing matches; undefined without any lesion."""
        if not self.n_reference + self.n_prediction:
            return NO_LESIONS
        return float(self.ious.mean()) if self.tp else 0.0

    @property
    def panoptic_quality(self) -> float | Undefined:
        """Sum of IoU over (tp + fp/2 + fn/2); undefined without any lesion."""
        total = self.n_reference + self.n_prediction
        return 2 * float(self.ious.sum()) / total if total else NO_LESIONS

    @property
    def precision(self) -> float | Undefined:
        return self.tp / self.n_prediction if self.n_prediction else Undefined("no predicted lesions")

    @property
    def recall(self) -> float | Undefined:
        return self.tp / self.n_reference if self.n_reference else Undefined("no reference lesions")


@dataclass(frozen=True, slots=True)
class AnyOverlap:
    """Detection by touch: a reference lesion with any predicted voxel is detected, many-to-one allowed."""

    n_reference: int
    n_prediction: int
    reference_detected: int
    false_positive_predictions: int

    @property
    def f1(self) -> float | Undefined:
        """Detected lesions twice over themselves, missed ones and predictions that touch nothing."""
        total = self.n_reference + self.reference_detected + self.false_positive_predictions
        return 2 * self.reference_detected / total if total else NO_LESIONS


def match_lesions(
    reference: ArrayLike, prediction: ArrayLike, threshold: float = 0.5, connectivity: Connectivity = "faces"
) -> LesionMatch:
    """Greedy one-to-one matching of lesions with IoU of at least ``threshold`` (0 < threshold <= 1)."""
    if not 0 < threshold <= 1:
        raise BadInput(f"a matching threshold must lie in (0, 1], got {threshold}.")
    first, second, n_first, n_second = _labelled(reference, prediction, connectivity)
    pairs = np.bincount((first * (n_second + 1) + second).ravel(), minlength=(n_first + 1) * (n_second + 1))
    overlap = pairs.reshape(n_first + 1, n_second + 1)
    sizes = overlap.sum(axis=1)[1:, None] + overlap.sum(axis=0)[None, 1:]
    inner = overlap[1:, 1:]
    values = inner / np.maximum(sizes - inner, 1)
    return LesionMatch(n_first, n_second, _greedy(values, threshold))


def any_overlap(reference: ArrayLike, prediction: ArrayLike, connectivity: Connectivity = "faces") -> AnyOverlap:
    """Lesions touched and predictions that touch nothing."""
    first, second, n_first, n_second = _labelled(reference, prediction, connectivity)
    both = (first > 0) & (second > 0)
    touching = int(np.unique(second[both]).size)
    return AnyOverlap(n_first, n_second, int(np.unique(first[both]).size), n_second - touching)


def _labelled(
    reference: ArrayLike, prediction: ArrayLike, connectivity: Connectivity
) -> tuple[IntArray, IntArray, int, int]:
    first, second = cropped(*masks(reference, prediction))
    together = ndimage.generate_binary_structure(first.ndim, min(_RANK[connectivity], first.ndim))
    labelled, n_first = ndimage.label(first, together)
    others, n_second = ndimage.label(second, together)
    return labelled.astype(np.int64), others.astype(np.int64), int(n_first), int(n_second)


def _greedy(values: FloatArray, threshold: float) -> FloatArray:
    rows, columns = np.nonzero(values >= threshold)
    order = np.argsort(-values[rows, columns], kind="stable")
    used_rows: set[int] = set()
    used_columns: set[int] = set()
    found: list[float] = []
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if row not in used_rows and column not in used_columns:
            used_rows.add(row)
            used_columns.add(column)
            found.append(float(values[row, column]))
    return np.array(found, dtype=np.float64)
