"""Altered copies of an image for the robustness arms (Regulation (EU) 2024/1689, Art. 15(4))."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter

from audit.plan import Perturbation
from audit.records import BadInput, Image

FWHM_PER_SD = 2.0 * math.sqrt(2.0 * math.log(2.0))
Perturb = Callable[[Image, np.random.Generator], Image]


def perturbation(arm: Perturbation) -> Perturb:
    """The function that alters an image as the plan's arm says; randomness comes from its generator alone."""
    kinds = {"rician_noise": rician_noise, "blur": blur, "gain": gain}
    alter = kinds[arm.kind]
    return lambda image, generator: alter(image, arm.size, generator)


def rician_noise(image: Image, size: float, generator: np.random.Generator) -> Image:
    """Magnitude of the image plus complex Gaussian noise whose SD is ``size`` times the image's SD.

    Undefined for negative pixels, which no magnitude image has. Source: Gudbjartsson and Patz, Magn Reson Med
    1995;34:910.
    """
    if float(image.pixels.min()) < 0:
        raise BadInput("Rician noise needs a magnitude image; this one has negative pixels")
    sigma = size * float(image.pixels.std(dtype=np.float64))
    real, imaginary = generator.normal(0.0, sigma, (2, *image.pixels.shape))
    return _with(image, np.hypot(image.pixels + real, imaginary))


def blur(image: Image, size: float, generator: np.random.Generator) -> Image:  # noqa: ARG001
    """Gaussian point spread of ``size`` mm full width at half maximum along every axis; needs the pixel spacing."""
    if image.spacing_mm is None:
        raise BadInput("blur in mm needs the pixel spacing, which the image does not state")
    sigma = [size / FWHM_PER_SD / spacing for spacing in image.spacing_mm]
    return _with(image, gaussian_filter(image.pixels.astype(np.float64), sigma, mode="nearest"))


def gain(image: Image, size: float, generator: np.random.Generator) -> Image:  # noqa: ARG001
    """Every pixel times ``size``."""
    return _with(image, image.pixels * np.float64(size))


def _with(image: Image, pixels: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Image:
    return Image(np.asarray(pixels, dtype=np.float32), image.spacing_mm, image.header)
