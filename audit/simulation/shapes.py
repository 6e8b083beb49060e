"""Soft-edged shapes and smooth random fields in millimetres, sampled on a pixel grid.

Axes: x grows to the image's right, y downwards (posterior), both in mm from the middle of the image. A coverage is the
share of a pixel inside a shape (0 to 1), so that border pixels hold mixtures: partial volume.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from audit.records import FloatArray

WAVES = 24
_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Grid:
    """A square image: coordinates of the pixel centres (mm) and the distance between them (mm)."""

    x: FloatArray
    y: FloatArray
    spacing_mm: float


@dataclass(frozen=True, slots=True)
class Ellipse:
    """Centre and half axes in mm, rotation in radians."""

    x: float
    y: float
    a: float
    b: float
    angle: float = 0.0


def grid(size: int, spacing_mm: float) -> Grid:
    """``size`` x ``size`` pixels, the origin in the middle of the image."""
    line = (np.arange(size) + 0.5 - size / 2) * spacing_mm
    y, x = np.meshgrid(line, line, indexing="ij")
    return Grid(x, y, spacing_mm)


def depth(ellipse: Ellipse, at: Grid, wobble: FloatArray | float = 0.0) -> FloatArray:
    """Distance to the border in mm, positive inside, first order in the distance; ``wobble`` is a relative waviness."""
    cos, sin = math.cos(ellipse.angle), math.sin(ellipse.angle)
    u = ((at.x - ellipse.x) * cos + (at.y - ellipse.y) * sin) / ellipse.a
    v = ((at.y - ellipse.y) * cos - (at.x - ellipse.x) * sin) / ellipse.b
    radius = np.hypot(u, v)
    per_mm = (np.hypot(u / ellipse.a, v / ellipse.b) + _TINY) / (radius + _TINY)
    return np.asarray((1.0 - radius * (1.0 + wobble)) / per_mm)


def coverage(depth_mm: FloatArray, at: Grid) -> FloatArray:
    """Share of each pixel on the positive side of a border that lies ``depth_mm`` away."""
    return np.asarray(np.clip(0.5 + depth_mm / at.spacing_mm, 0.0, 1.0))


def waves(seed: int, wavelength_mm: float, at: Grid, count: int = WAVES) -> FloatArray:
    """A smooth random field, mean 0 and SD 1: ``count`` plane waves of about ``wavelength_mm`` in random directions.

    It depends on the seed and the place in mm only, so the same patient looks the same on every pixel grid.
    """
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0.0, 2.0 * math.pi, count)
    number = 2.0 * math.pi / (wavelength_mm * rng.uniform(0.75, 1.35, count))
    phase = rng.uniform(0.0, 2.0 * math.pi, count)
    total = np.zeros_like(at.x)
    for k, direction, shift in zip(number, angle, phase, strict=True):
        total += np.cos(k * (at.x * math.cos(direction) + at.y * math.sin(direction)) + shift)
    return np.asarray(total * math.sqrt(2.0 / count))
