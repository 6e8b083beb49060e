"""Rician noise: the magnitude of a complex signal with Gaussian noise in both channels.

Source: Gudbjartsson and Patz, Magn Reson Med 1995;34:910. At no signal it is Rayleigh (mean ``SD sqrt(pi/2)``); far
above the noise it is nearly Gaussian with mean ``sqrt(signal^2 + SD^2)``.
"""

from __future__ import annotations

import numpy as np

from audit.records import FloatArray


def rician(signal: FloatArray, sd: float, rng: np.random.Generator) -> FloatArray:
    """Magnitude of ``signal`` (real, signed) plus complex Gaussian noise of ``sd`` per channel."""
    real, imaginary = rng.normal(0.0, sd, (2, *signal.shape))
    return np.asarray(np.hypot(signal + real, imaginary))
