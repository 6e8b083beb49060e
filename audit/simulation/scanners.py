"""Four fictional manufacturers, each with one model and one FLAIR protocol, and what they do to a slice.

Chain: signed FLAIR signal of each tissue, CSF that escaped the inversion, point spread, coil shading, Rician noise,
scale of the stored values. The protocols were tuned on other seeds until a network that had seen only the first two
failed on the others (docs/simulation.md); the makers do not exist.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audit.records import FloatArray
from audit.simulation.noise import rician
from audit.simulation.phantom import TISSUES, Slice
from audit.simulation.relaxation import PROTON_DENSITY, T1_MS, T2_MS, flair_signal
from audit.simulation.shapes import grid, waves

LARGEST_VALUE = 4095
FWHM_PER_SD = 2.0 * math.sqrt(2.0 * math.log(2.0))


@dataclass(frozen=True, slots=True)
class Scanner:
    """One maker's model. Times in ms; ``point_spread_mm`` is a full width at half maximum; ``snr`` white-matter signal
    over noise SD; ``shading`` amplitude of the coil's log sensitivity; ``inflow`` largest share of CSF in a pixel that
    escaped the inversion; ``scale`` stored value of white matter."""

    manufacturer: str
    model: str
    field_strength_t: float
    tr: float
    ti: float
    te: float
    spacing_mm: float
    point_spread_mm: float
    snr: float
    shading: float
    inflow: float
    scale: float


ALDER = Scanner("Alder Imaging", "Meridian 30", 3.0, 9000, 2480, 120, 1.72, 1.6, 22.0, 0.20, 0.02, 900)
BIRCH = Scanner("Birch Medical", "Vale 15", 1.5, 9000, 2445, 115, 1.80, 2.0, 17.0, 0.12, 0.03, 400)
CEDAR = Scanner("Cedar Systems", "Arc 15", 1.5, 8000, 1900, 105, 1.64, 1.7, 11.0, 0.15, 0.42, 1500)
DOGWOOD = Scanner("Dogwood MR", "Fen 30", 3.0, 5500, 2350, 90, 1.88, 2.3, 9.0, 0.28, 0.25, 220)
SCANNERS = (ALDER, BIRCH, CEDAR, DOGWOOD)
SEEN_BY_V1 = (ALDER, BIRCH)


def tissue_signals(scanner: Scanner) -> dict[str, float]:
    """Signed signal of every tissue relative to white matter."""
    t1 = T1_MS[scanner.field_strength_t]
    raw = {
        tissue: flair_signal(PROTON_DENSITY[tissue], t1[tissue], T2_MS[tissue], scanner.tr, scanner.ti, scanner.te)
        for tissue in TISSUES[1:]
    }
    return {"air": 0.0} | {tissue: value / raw["white"] for tissue, value in raw.items()}


def acquire(drawn: Slice, scanner: Scanner, rng: np.random.Generator) -> NDArray[np.uint16]:
    """The stored image (rows, columns), 12 bits in uint16, of one slice on one scanner."""
    seeds = rng.integers(2**31, size=2)
    clean = _tissue_image(drawn, scanner) + _inflow(drawn, scanner, int(seeds[0]))
    blurred = _point_spread(clean, scanner)
    received = blurred * _sensitivity(clean.shape, scanner.shading, rng)
    magnitude = rician(received, 1.0 / scanner.snr, rng)
    gain = scanner.scale * rng.uniform(0.85, 1.15)
    return np.clip(np.rint(magnitude * gain), 0, LARGEST_VALUE).astype(np.uint16)


def _tissue_image(drawn: Slice, scanner: Scanner) -> FloatArray:
    signals = tissue_signals(scanner)
    return np.asarray(np.tensordot([signals[tissue] for tissue in TISSUES], drawn.fractions, axes=1))


def _inflow(drawn: Slice, scanner: Scanner, seed: int) -> FloatArray:
    """Extra signal of CSF that flowed into the slice after the inversion and is fully relaxed, in patches."""
    t1 = T1_MS[scanner.field_strength_t]
    white = flair_signal(PROTON_DENSITY["white"], t1["white"], T2_MS["white"], scanner.tr, scanner.ti, scanner.te)
    relaxed = PROTON_DENSITY["csf"] * math.exp(-scanner.te / T2_MS["csf"]) / white
    extra = relaxed - tissue_signals(scanner)["csf"]
    patches = np.clip(waves(seed, 14.0, grid(drawn.lesion_mask.shape[0], scanner.spacing_mm)) - 0.5, 0.0, 1.0)
    return np.asarray(scanner.inflow * patches * extra * drawn.fractions[TISSUES.index("csf")])


def _point_spread(image: FloatArray, scanner: Scanner) -> FloatArray:
    """Gaussian point spread, applied as its transfer function in k-space."""
    sd = scanner.point_spread_mm / FWHM_PER_SD / scanner.spacing_mm
    rows = np.fft.fftfreq(image.shape[0])[:, None]
    columns = np.fft.rfftfreq(image.shape[1])[None, :]
    transfer = np.exp(-2.0 * (math.pi * sd) ** 2 * (rows**2 + columns**2))
    return np.asarray(np.fft.irfft2(np.fft.rfft2(image) * transfer, image.shape))


def _sensitivity(shape: tuple[int, ...], shading: float, rng: np.random.Generator) -> FloatArray:
    """Receive field of the coil: a tilt in a random direction and a bowl that is brighter at the rim."""
    rows, columns = np.meshgrid(*(np.linspace(-1.0, 1.0, n) for n in shape), indexing="ij")
    turn = rng.uniform(0.0, 2.0 * math.pi)
    tilt = (rows * math.sin(turn) + columns * math.cos(turn)) * rng.uniform(0.4, 1.0)
    bowl = (rows**2 + columns**2 - 2.0 / 3.0) * rng.uniform(0.3, 0.8)
    return np.asarray(np.exp(shading * (tilt + bowl)))
