"""What one slice of one patient shows, in millimetres: head, ventricles, lesions and their mimics.

The shapes are ours and schematic; sizes are in the range of adult heads. Lesions follow the description of
demyelinating lesions on T2-weighted images, at least 3 mm along the long axis, ovoid, most of them beside the
ventricles with the long axis at right angles to them (Filippi et al., Brain 2019;142:1858).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from audit.simulation.shapes import Ellipse, grid
from audit.simulation.shapes import depth as depth_in

LOADS = {"none": (0, 0), "low": (1, 3), "high": (4, 9)}
LESION_STRENGTH = (0.38, 0.95)
MIMIC_STRENGTH = (0.05, 0.17)
SMALLEST_RADIUS, LARGEST_RADIUS = 2.6, 6.5
_CANDIDATES = 400


@dataclass(frozen=True, slots=True)
class Focus:
    """A place where white matter is changed; ``strength`` is the share of lesion tissue in it, 0 to 1."""

    shape: Ellipse
    strength: float
    seed: int


@dataclass(frozen=True, slots=True)
class Anatomy:
    """One slice. ``ventricle_scale`` is the ventricles' width relative to a young adult's, ``sulcus_mm`` the width of
    the outer CSF, ``caps`` the share of lesion tissue in the normal rim of the horns; ``seed`` draws all borders."""

    half_width: float
    half_length: float
    ventricle_scale: float
    sulcus_mm: float
    caps: float
    seed: int
    lesions: tuple[Focus, ...] = ()
    mimics: tuple[Focus, ...] = ()


def draw_frame(sex: str, age_years: int, atrophy_grade: int, rng: np.random.Generator) -> Anatomy:
    """Head and ventricles without lesions; men's heads are 4 % larger, atrophy widens ventricles and sulci."""
    size = 1.0 if sex == "M" else 0.96
    return Anatomy(
        half_width=rng.normal(70.0, 2.0) * size,
        half_length=rng.normal(87.0, 2.5) * size,
        ventricle_scale=0.85 + 0.28 * atrophy_grade + rng.uniform(-0.07, 0.07),
        sulcus_mm=1.2 + 0.8 * atrophy_grade + rng.uniform(-0.2, 0.2),
        caps=float(np.clip(0.04 + 0.0022 * (age_years - 18) + rng.normal(0.0, 0.03), 0.0, 0.22)),
        seed=int(rng.integers(2**31)),
    )


def with_foci(anatomy: Anatomy, load: str, rng: np.random.Generator) -> Anatomy:
    """The slice with as many lesions as ``load`` says ('none', 'low', 'high') and zero to four faint mimics."""
    low, high = LOADS[load]
    mimics = _foci(anatomy, int(rng.integers(0, 5)), MIMIC_STRENGTH, rng)
    lesions = _foci(anatomy, int(rng.integers(low, high + 1)), LESION_STRENGTH, rng)
    return replace(anatomy, mimics=mimics, lesions=lesions)


def ventricles(anatomy: Anatomy) -> tuple[Ellipse, ...]:
    """Frontal horns and atria of both lateral ventricles."""
    wide = anatomy.ventricle_scale
    shapes = []
    for side in (-1.0, 1.0):
        shapes.append(Ellipse(side * (3.2 + 3.0 * wide), -17.0, 3.6 * wide, 13.5 + 1.5 * wide, side * 0.30))
        shapes.append(Ellipse(side * (3.6 + 3.4 * wide), 0.0, 2.3 * wide, 13.0, side * -0.10))
        shapes.append(Ellipse(side * (8.0 + 4.0 * wide), 20.0, 3.8 * wide, 13.0 + 1.5 * wide, side * -0.42))
    return tuple(shapes)


def nuclei(anatomy: Anatomy) -> tuple[Ellipse, ...]:
    """Caudate heads, thalami and putamina: grey matter deep in the brain."""
    shift = 4.0 + 5.5 * anatomy.ventricle_scale
    shapes = []
    for side in (-1.0, 1.0):
        shapes.append(Ellipse(side * (shift + 5.0), -17.0, 3.4, 9.0, side * 0.35))
        shapes.append(Ellipse(side * (shift + 4.0), 7.0, 6.0, 10.0, side * -0.35))
        shapes.append(Ellipse(side * (shift + 17.0), -5.0, 4.0, 12.5, side * -0.25))
    return tuple(shapes)


def outline(anatomy: Anatomy, inwards_mm: float) -> Ellipse:
    """The head's outline moved inwards."""
    return Ellipse(0.0, 0.0, anatomy.half_width - inwards_mm, anatomy.half_length - inwards_mm)


def _foci(anatomy: Anatomy, count: int, strength: tuple[float, float], rng: np.random.Generator) -> tuple[Focus, ...]:
    places = _places(anatomy, rng)
    taken: list[Focus] = []
    for x, y in places:
        if len(taken) == count:
            break
        focus = _focus(x, y, strength, rng)
        if all(_apart(focus.shape, other.shape) for other in taken):
            taken.append(focus)
    return tuple(taken)


def _focus(x: float, y: float, strength: tuple[float, float], rng: np.random.Generator) -> Focus:
    """An ovoid that points away from the middle line, at most twice as long as wide."""
    long = math.exp(rng.uniform(math.log(SMALLEST_RADIUS), math.log(LARGEST_RADIUS)))
    shape = Ellipse(x, y, long, long * rng.uniform(0.6, 1.0), math.atan2(y, x) + rng.normal(0.0, 0.3))
    return Focus(shape, rng.uniform(*strength), int(rng.integers(2**31)))


def _apart(one: Ellipse, other: Ellipse) -> bool:
    return math.hypot(one.x - other.x, one.y - other.y) > one.a + other.a


def _places(anatomy: Anatomy, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Random points in deep white matter, those within 8 mm of a ventricle three times as likely."""
    x = rng.uniform(-1.0, 1.0, _CANDIDATES) * anatomy.half_width
    y = rng.uniform(-1.0, 1.0, _CANDIDATES) * anatomy.half_length
    at = replace(grid(2, 1.0), x=x, y=y)
    surface = depth_in(outline(anatomy, 11.0 + anatomy.sulcus_mm), at)
    horn = np.max([depth_in(shape, at) for shape in ventricles(anatomy)], axis=0)
    kernel = np.max([depth_in(shape, at) for shape in nuclei(anatomy)], axis=0)
    usable = (surface > 16.0) & (horn < -3.0) & (kernel < -1.0) & (np.abs(x) > 7.0)
    chosen = usable & ((horn > -8.0) | (rng.random(_CANDIDATES) < 1.0 / 3.0))
    return [(float(a), float(b)) for a, b in zip(x[chosen], y[chosen], strict=True)]
