"""Movement of the patient during an MR acquisition, as the phase errors it leaves in k-space."""

from __future__ import annotations

import numpy as np

from audit.records import FloatArray

MOVEMENTS = 8


def moved(
    pixels: FloatArray, spacing_mm: tuple[float, float], size_mm: float, generator: np.random.Generator
) -> FloatArray:
    """Magnitude of the slice when the patient's in-plane displacement over the lines has a root mean square of
    ``size_mm``.

    Lines run along the second axis and are acquired in order of the first (phase encoding), a Cartesian spin or
    gradient echo without correction; a volume (slices, rows, columns) meets the same trajectory in every slice, as in
    interleaved multi-slice imaging. A translation d multiplies a line by exp(-2 pi i k d), so displacement scales the
    phase error: blurring and ghosts along the first axis. The line at the centre of k-space is acquired at rest, so
    that the picture stays on its reference mask. Rotation and movement through the slice are not modelled. Sources:
    Zaitsev, Maclaren & Herbst, J Magn Reson Imaging 2015;42:887. Shaw et al., IEEE Trans Med Imaging 2020;39:2881.
    """
    rows, columns = pixels.shape[-2:]
    places = size_mm * trajectory(rows, generator)
    along = np.fft.fftfreq(rows, spacing_mm[0])[:, None] * _fft_order(places[:, 0])[:, None]
    across = np.fft.fftfreq(columns, spacing_mm[1])[None, :] * _fft_order(places[:, 1])[:, None]
    lines = np.fft.fft2(pixels) * np.exp(-2j * np.pi * (along + across))
    return np.asarray(np.abs(np.fft.ifft2(lines)))


def trajectory(lines: int, generator: np.random.Generator) -> FloatArray:
    """Places (lines, 2) of a patient who moves abruptly ``MOVEMENTS`` times, in order of acquisition.

    Zero at the centre of k-space (line lines // 2), root mean square length 1 over all lines (0 where none moves).
    """
    times = np.sort(generator.uniform(0.0, lines, MOVEMENTS))
    stops = generator.normal(0.0, 1.0, (MOVEMENTS + 1, 2))
    places = stops[np.searchsorted(times, np.arange(lines), side="right")]
    places = places - places[lines // 2]
    length = float(np.sqrt(np.square(places).sum(axis=1).mean()))
    return np.asarray(places / length if length > 0 else places)


def _fft_order(values: FloatArray) -> FloatArray:
    """From order of acquisition (lowest frequency first, zero at n // 2) to that of the transform."""
    return np.fft.ifftshift(values)
