"""Altered copies of an image for the robustness arms (Regulation (EU) 2024/1689, Art. 15(4)).

Each arm follows the physics of the modality: what a scanner, a patient who moves or an archive does to a medical
image, not what a camera does to a photograph. Each is deterministic for one seed, arm and case, keeps shape, spacing
and header, and leaves every structure in its place, so that reference masks stay valid.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter

from audit.engines.coarsening import coarsened
from audit.engines.compression import compressed
from audit.engines.motion import moved
from audit.plan import Perturbation
from audit.records import BadInput, FloatArray, Image

FWHM_PER_SD = 2.0 * math.sqrt(2.0 * math.log(2.0))
FIELD_ORDER = 3
Perturb = Callable[[Image, np.random.Generator], Image]


def perturbation(arm: Perturbation) -> Perturb:
    """The function that alters an image as the plan's arm says; randomness comes from its generator alone."""
    kinds = {
        "rician_noise": rician_noise,
        "blur": blur,
        "gain": gain,
        "motion": motion,
        "contrast": contrast,
        "compression": compression,
        "spacing": spacing,
        "bias_field": bias_field,
    }
    alter = kinds[arm.kind]
    return lambda image, generator: alter(image, arm.size, generator)


def rician_noise(image: Image, size: float, generator: np.random.Generator) -> Image:
    """Magnitude of the image plus complex Gaussian noise whose SD is ``size`` times the image's SD.

    Undefined for negative pixels, which no magnitude image has. Source: Gudbjartsson and Patz, Magn Reson Med
    1995;34:910.
    """
    _magnitude(image, "Rician noise")
    sigma = size * float(image.pixels.std(dtype=np.float64))
    real, imaginary = generator.normal(0.0, sigma, (2, *image.pixels.shape))
    return _with(image, np.hypot(image.pixels + real, imaginary))


def blur(image: Image, size: float, generator: np.random.Generator) -> Image:  # noqa: ARG001
    """Gaussian point spread of ``size`` mm full width at half maximum along every axis; needs the pixel spacing."""
    sigma = [size / FWHM_PER_SD / each for each in _spacing_mm(image, "blur")]
    return _with(image, gaussian_filter(image.pixels.astype(np.float64), sigma, mode="nearest"))


def gain(image: Image, size: float, generator: np.random.Generator) -> Image:  # noqa: ARG001
    """Every pixel times ``size``."""
    return _with(image, image.pixels * np.float64(size))


def motion(image: Image, size: float, generator: np.random.Generator) -> Image:
    """MR only: the patient moves in the slice during the acquisition, by ``size`` mm root mean square over the lines
    of k-space; see ``audit.engines.motion``. Needs a magnitude image and the pixel spacing.
    """
    _magnitude(image, "motion")
    rows, columns = _spacing_mm(image, "motion")[-2:]
    return _with(image, moved(image.pixels.astype(np.float64), (rows, columns), size, generator))


def contrast(image: Image, size: float, generator: np.random.Generator) -> Image:  # noqa: ARG001
    """Pixels p become m (p / m) ** ``size``, m being the mean of the foreground (pixels above the image's mean).

    ``size`` 1 changes nothing; above 1 tissues move apart, below 1 together; 0 and m stay. For tissues of equal
    proton density a spin echo, exp(-TE / T2), changes just so when the echo time is multiplied by ``size``. Needs a
    magnitude image. Source: Nyul & Udupa, Magn Reson Med 1999;42:1072 (tissue intensities differ between protocols).
    """
    _magnitude(image, "contrast")
    pixels = image.pixels.astype(np.float64)
    foreground = pixels[pixels > pixels.mean()]
    if not foreground.size:
        return image
    pivot = float(foreground.mean())
    return _with(image, pivot * (pixels / pivot) ** size)


def compression(image: Image, size: float, generator: np.random.Generator) -> Image:  # noqa: ARG001
    """Irreversible JPEG 2000 at ``size`` stored bits for each compressed bit; see ``audit.engines.compression``."""
    return _with(image, compressed(image.pixels.astype(np.float64), size))


def spacing(image: Image, size: float, generator: np.random.Generator) -> Image:  # noqa: ARG001
    """Pixels of ``size`` mm, interpolated back; see ``audit.engines.coarsening``. Raises ``BadInput`` for an image
    that is not finer than ``size`` along any axis.
    """
    own = _spacing_mm(image, "spacing")
    if min(own) >= size:
        shown = " x ".join(f"{each:g}" for each in own)
        raise BadInput(f"a spacing of {size:g} mm is not coarser than the image's own {shown} mm")
    return _with(image, coarsened(image.pixels.astype(np.float64), own, size))


def bias_field(image: Image, size: float, generator: np.random.Generator) -> Image:
    """The image times a smooth field that runs from 1 - ``size`` / 2 to 1 + ``size`` / 2 over it (MR receive coil).

    ``size`` 0.4 is the intensity non-uniformity of 40 % of BrainWeb. The field is a polynomial of third order with
    random coefficients. Sources: Collins et al., IEEE Trans Med Imaging 1998;17:463. Van Leemput et al., IEEE Trans
    Med Imaging 1999;18:885.
    """
    raw = _polynomial(image.pixels.shape, generator)
    extent = float(np.ptp(raw))
    field = np.ones_like(raw) if extent == 0 else 1.0 + size * ((raw - raw.min()) / extent - 0.5)
    return _with(image, image.pixels * field)


def _polynomial(shape: tuple[int, ...], generator: np.random.Generator) -> FloatArray:
    """Random sum of products of Legendre polynomials of total order 1 to ``FIELD_ORDER``."""
    axes = [np.polynomial.legendre.legvander(np.linspace(-1.0, 1.0, n), FIELD_ORDER) for n in shape]
    weights = generator.normal(0.0, 1.0, (FIELD_ORDER + 1,) * len(shape))
    order = np.indices(weights.shape).sum(axis=0)
    field = np.where((order >= 1) & (order <= FIELD_ORDER), weights, 0.0)
    for axis in axes:
        field = np.tensordot(field, axis, axes=(0, 1))
    return np.asarray(field)


def _magnitude(image: Image, what: str) -> None:
    if float(image.pixels.min()) < 0:
        raise BadInput(f"{what} needs a magnitude image; this one has negative pixels")


def _spacing_mm(image: Image, what: str) -> tuple[float, ...]:
    if image.spacing_mm is None:
        raise BadInput(f"{what} in mm needs the pixel spacing, which the image does not state")
    return image.spacing_mm


def _with(image: Image, pixels: FloatArray) -> Image:
    return Image(np.asarray(pixels, dtype=np.float32), image.spacing_mm, image.header)
