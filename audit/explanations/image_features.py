"""Features of a case's pixels: intensity, texture, region, size. What an error may go with although no table has it.

All are computed within the body (``anatomy.body_of``) unless they say otherwise; volumes as a whole, their texture in
the plane of the slices. Sources: Haralick, Shanmugam and Dinstein, IEEE Trans Syst Man Cybern 1973;3:610
(co-occurrence); Immerkaer, Comput Vis Image Underst 1996;64:300 (noise).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy import ndimage, stats

from audit.decision_tables import IMAGE_FEATURES
from audit.explanations.anatomy import body_of, border_band
from audit.records import BoolArray, FloatArray, Image, IntArray, Undefined

PREFIX = "image: "
LEVELS, LEAST_PIXELS = 16, 64
BORDER = 0.05
NOISE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float64)
LAPLACE = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], dtype=np.float64)


@dataclass(frozen=True)
class Measured:
    """One image, the body in it, and the reference's mask of the finding, None where there is none."""

    image: Image
    finding: BoolArray | None

    @cached_property
    def pixels(self) -> FloatArray:
        return self.image.pixels.astype(np.float64)

    @cached_property
    def body(self) -> BoolArray:
        return body_of(self.image.pixels).mask

    @cached_property
    def inside(self) -> FloatArray:
        return self.pixels[self.body]

    @cached_property
    def window(self) -> tuple[float, float]:
        """5th and 95th percentile within the body."""
        low, high = np.percentile(self.inside, (5, 95))
        return float(low), float(high)

    @property
    def contrast(self) -> float:
        return self.window[1] - self.window[0]

    @cached_property
    def planes(self) -> FloatArray:
        return self.pixels if self.pixels.ndim == 3 else self.pixels[None]

    @cached_property
    def body_planes(self) -> BoolArray:
        return self.body if self.body.ndim == 3 else self.body[None]

    @cached_property
    def pairs(self) -> FloatArray:
        """Grey-level co-occurrence (16, 16), symmetric, adds up to 1: neighbours at 0, 45, 90, 135 degrees."""
        low, extent = self.window[0], max(self.contrast, 1e-12)
        levels = np.clip(np.floor((self.planes - low) / extent * LEVELS), 0, LEVELS - 1).astype(np.int64)
        table = sum(_co_occurrence(levels, self.body_planes, *step) for step in ((0, 1), (1, 0), (1, 1), (1, -1)))
        total = np.asarray(table, dtype=np.float64)
        total = total + total.T
        return np.asarray(total / max(total.sum(), 1.0))


def _co_occurrence(levels: IntArray, body: BoolArray, down: int, across: int) -> IntArray:
    rows, columns = levels.shape[1:]
    here = slice(None), slice(0, rows - down), slice(max(0, -across), columns - max(0, across))
    there = slice(None), slice(down, rows), slice(max(0, across), columns - max(0, -across))
    both = body[here] & body[there]
    return np.bincount(levels[here][both] * LEVELS + levels[there][both], minlength=LEVELS**2).reshape(LEVELS, LEVELS)


def _filtered(case: Measured, kernel: FloatArray) -> FloatArray:
    made = np.stack([ndimage.convolve(plane, kernel, mode="nearest") for plane in case.planes])
    inner = np.stack([ndimage.binary_erosion(plane) for plane in case.body_planes])
    return made[inner if inner.any() else case.body_planes]


def _relative(value: float, case: Measured) -> float | Undefined:
    return value / case.contrast if case.contrast > 0 else Undefined("the body has no contrast")


def _sharpness(case: Measured) -> float | Undefined:
    return _relative(float(_filtered(case, LAPLACE).std()), case)


def _noise(case: Measured) -> float | Undefined:
    """Standard deviation of the noise, from the mean absolute answer of a filter blind to edges and slopes."""
    return _relative(float(np.sqrt(np.pi / 2) / 6 * np.abs(_filtered(case, NOISE)).mean()), case)


def _skewness(case: Measured) -> float | Undefined:
    if np.ptp(case.inside) == 0:
        return Undefined("the body is uniform")
    return float(stats.skew(case.inside))


def _entropy(case: Measured) -> float:
    shares = case.pairs.sum(axis=1)
    return float(-(shares[shares > 0] * np.log2(shares[shares > 0])).sum())


def _distance() -> FloatArray:
    place = np.arange(LEVELS, dtype=np.float64)
    return np.asarray((place[:, None] - place[None, :]) ** 2)


def _asymmetry(case: Measured) -> float | Undefined:
    """Mean absolute difference between the body's box and its mirror image, left to right."""
    columns = np.flatnonzero(case.body_planes.any(axis=(0, 1)))
    box = case.planes[:, :, columns.min() : columns.max() + 1]
    return _relative(float(np.abs(box - box[:, :, ::-1]).mean()), case)


def _centre(case: Measured, axis: int) -> float | Undefined:
    """Where the intensity above the body's 5th percentile is centred, 0 (top, left) to 1 of the body's extent."""
    weight = np.where(case.body_planes, np.clip(case.planes - case.window[0], 0, None), 0.0)
    profile = weight.sum(axis=tuple(each for each in range(3) if each != axis))
    extent = np.flatnonzero(case.body_planes.any(axis=tuple(each for each in range(3) if each != axis)))
    first, last = int(extent.min()), int(extent.max())
    if profile.sum() <= 0 or first == last:
        return Undefined("the body has no extent")
    return float((np.arange(profile.size) @ profile / profile.sum() - first) / (last - first))


def _border(case: Measured) -> float | Undefined:
    middle = float(np.median(case.inside))
    return _relative(float(case.pixels[border_band(case.pixels.shape, BORDER)].mean()) - middle, case)


def _body_size(case: Measured) -> float | Undefined:
    return _size(case.body, case.image.spacing_mm)


def _finding_size(case: Measured) -> float | Undefined:
    if case.finding is None or not case.finding.any():
        return Undefined("no reference mask of a finding")
    return _size(case.finding, case.image.spacing_mm)


def _finding_contrast(case: Measured) -> float | Undefined:
    """Mean inside the reference mask minus mean of a margin around it, over the body's contrast."""
    if case.finding is None or not case.finding.any():
        return Undefined("no reference mask of a finding")
    if case.finding.shape != case.pixels.shape:
        return Undefined("the reference mask has another size than the image")
    margin = ndimage.binary_dilation(case.finding, iterations=3) & ~ndimage.binary_dilation(case.finding)
    if not margin.any():
        return Undefined("the reference mask leaves no margin")
    return _relative(float(case.pixels[case.finding].mean() - case.pixels[margin].mean()), case)


def _size(mask: BoolArray, spacing_mm: tuple[float, ...] | None) -> float | Undefined:
    if spacing_mm is None or len(spacing_mm) != mask.ndim:
        return Undefined("the image does not state its spacing")
    extent = float(mask.sum() * np.prod(spacing_mm))
    return extent if mask.ndim == 2 else extent / 1000


@dataclass(frozen=True, slots=True)
class Feature:
    """Name, group, unit and meaning of a feature, and how it is computed."""

    name: str
    group: str
    unit: str
    meaning: str
    of: Callable[[Measured], float | Undefined]


FEATURES: tuple[Feature, ...] = (
    Feature("brightness", "intensity", "of the image", "median within the body", lambda c: float(np.median(c.inside))),
    Feature("contrast", "intensity", "of the image", "95th minus 5th percentile within the body", lambda c: c.contrast),
    Feature("skewness", "intensity", "", "skewness of the intensities", _skewness),
    Feature("sharpness", "texture", "of contrast", "SD of the Laplacian over the contrast", _sharpness),
    Feature("noise", "texture", "of contrast", "SD of the noise over the contrast (Immerkaer)", _noise),
    Feature("entropy", "texture", "bit", "entropy of 16 grey levels", _entropy),
    Feature("coarseness", "texture", "", "homogeneity of neighbours' grey levels (Haralick)",
            lambda c: float((c.pairs / (1 + _distance())).sum())),
    Feature("variation", "texture", "levels squared", "contrast between neighbours' grey levels (Haralick)",
            lambda c: float((c.pairs * _distance()).sum())),
    Feature("asymmetry", "region", "of contrast", "difference between left and right half", _asymmetry),
    Feature("centre, down", "region", "of the body", "where the intensity is centred, from the top",
            lambda c: _centre(c, 1)),
    Feature("centre, across", "region", "of the body", "the same from the left", lambda c: _centre(c, 2)),
    Feature("border", "region", "of contrast", "mean of the outer 5 % minus the body's median", _border),
    Feature("body share", "size", "of the image", "share of the image in the body", lambda c: float(c.body.mean())),
    Feature("body size", "size", "mm2 or mL", "size of the body", _body_size),
    Feature("finding size", "size", "mm2 or mL", "size of the reference mask", _finding_size),
    Feature("finding contrast", "intensity", "of contrast", "reference mask minus its margin", _finding_contrast),
)  # fmt: skip
OF_FINDING = frozenset(PREFIX + each.name for each in FEATURES if each.name.startswith("finding"))


def features_of(image: Image, finding: BoolArray | None) -> Mapping[str, float | Undefined]:
    """Every feature of one image, in the order of ``FEATURES``; none is left out, what has no value says why."""
    case = Measured(image, finding)
    if not np.isfinite(image.pixels).all() or case.body.sum() < LEAST_PIXELS:
        reason = Undefined(f"fewer than {LEAST_PIXELS} pixels of body, or pixels that are not finite")
        return {feature.name: reason for feature in FEATURES}
    return {feature.name: feature.of(case) for feature in FEATURES}


def image_features_table(
    cases: Sequence[tuple[str, str]],
    load: Callable[[str], Image],
    load_mask: Callable[[str], BoolArray | None],
    progress: Callable[[int], None] = lambda done: None,  # noqa: ARG005
) -> pd.DataFrame:
    """IMAGE_FEATURES of ``cases`` (case id, patient id); an image that cannot be read is a row with its reason for
    every feature."""
    rows: list[dict[str, Any]] = []
    for case_id, patient_id in cases:
        rows += ({"case_id": case_id, "patient_id": patient_id, **row} for row in _rows(case_id, load, load_mask))
        progress(1)
    return IMAGE_FEATURES.conform(pd.DataFrame(rows, columns=list(IMAGE_FEATURES.columns)))


def _rows(
    case_id: str, load: Callable[[str], Image], load_mask: Callable[[str], BoolArray | None]
) -> Iterator[dict[str, Any]]:
    try:
        found = features_of(load(case_id), load_mask(case_id))
    except Exception as error:  # whatever a hospital's file does, the other cases have features
        found = {each.name: Undefined(" ".join(str(error).split()) or type(error).__name__) for each in FEATURES}
    for name, value in found.items():
        known, reason = (None, value.reason) if isinstance(value, Undefined) else (value, None)
        yield {"feature": name, "value": known, "undefined": reason}
