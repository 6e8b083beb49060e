"""Copies of an image as the same patient might have been imaged: shifted, turned, brighter, noisier.

Test-time augmentation: how far the score moves over such copies says how uncertain the decision is. Source: Wang et
al., Neurocomputing 2019;338:34 (aleatoric uncertainty by test-time augmentation). The copies of a case follow from the
plan's seed, the case and the copy's number alone, so that versions meet the same ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from audit.engines.copies import Copy, Make
from audit.engines.local import case_generator
from audit.engines.perturbations import blur, rician_noise
from audit.plan_decisions import Augmentation, Augmented
from audit.records import Image, Pixels

AUGMENTED = "augmented"


def augmented_copies(asked: Augmented, seed: int) -> Make:
    """The maker of ``asked.copies`` copies of each image, every one altered in all declared ways."""

    def make(case_id: str, image: Image) -> Iterator[Copy]:
        for number in range(1, asked.copies + 1):
            generator = case_generator(seed, f"{AUGMENTED} {number}", case_id)
            altered = image
            for each in asked.by:
                altered = _altered(altered, each, generator)
            yield Copy(AUGMENTED, str(number), altered.pixels.astype(np.float32, copy=False))

    return make


def _altered(image: Image, how: Augmentation, generator: np.random.Generator) -> Image:
    if how.kind == "rician_noise":
        return rician_noise(image, how.size, generator)
    if how.kind == "blur":
        return blur(image, max(1e-6, how.size * generator.random()), generator)
    kinds = {"shift": _shifted, "rotation": _rotated, "flip": _flipped, "gain": _gained}
    return Image(kinds[how.kind](image.pixels, how.size, generator), image.spacing_mm, image.header)


def _shifted(pixels: Pixels, size: float, generator: np.random.Generator) -> Pixels:
    """Moved in the plane by up to ``size`` of each side, edges repeated."""
    by = generator.uniform(-size, size, 2) * np.array(pixels.shape[-2:])
    return np.asarray(ndimage.shift(pixels, [0.0] * (pixels.ndim - 2) + list(by), order=1, mode="nearest"))


def _rotated(pixels: Pixels, size: float, generator: np.random.Generator) -> Pixels:
    angle = float(generator.uniform(-size, size))
    return np.asarray(ndimage.rotate(pixels, angle, axes=(-1, -2), reshape=False, order=1, mode="nearest"))


def _flipped(pixels: Pixels, size: float, generator: np.random.Generator) -> Pixels:  # noqa: ARG001
    """Every second copy, on average, is a mirror image."""
    return np.ascontiguousarray(pixels[..., ::-1]) if generator.random() < 0.5 else pixels


def _gained(pixels: Pixels, size: float, generator: np.random.Generator) -> Pixels:
    return np.asarray(pixels * np.float32(math.exp(generator.uniform(-1, 1) * math.log(size))))
