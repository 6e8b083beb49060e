"""An axial slice as tissue fractions on a pixel grid, with the exact reference that belongs to it.

Tissues are painted over one another with soft borders; the fractions of a pixel sum to 1. The lesion mask holds the
pixels of which lesions cover at least half, so the reference is exact: nobody read it. Schematic anatomy, see
docs/simulation.md for what it does not show.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audit.records import BoolArray, FloatArray
from audit.simulation.anatomy import Anatomy, Focus, nuclei, outline, ventricles
from audit.simulation.shapes import Ellipse, Grid, coverage, depth, grid, waves

TISSUES = ("air", "fat", "bone", "csf", "grey", "white", "lesion")
THICKNESS_MM = 5.0
SCALP_MM, SKULL_MM, CORTEX_MM, GYRUS_MM = 5.0, 6.0, 3.6, 15.0
_AIR, _FAT, _BONE, _CSF, _GREY, _WHITE, _LESION = range(len(TISSUES))


@dataclass(frozen=True, slots=True)
class Slice:
    """Tissue fractions (tissue, rows, columns), lesion mask (rows, columns), volumes in ml over the slice thickness."""

    fractions: FloatArray
    lesion_mask: BoolArray
    lesion_volume_ml: float
    ventricle_volume_ml: float


def draw_slice(anatomy: Anatomy, size: int, spacing_mm: float) -> Slice:
    """The slice on ``size`` x ``size`` pixels of ``spacing_mm``, the head in the middle."""
    at = grid(size, spacing_mm)
    fractions = np.zeros((len(TISSUES), size, size))
    fractions[_AIR] = 1.0
    _head(fractions, anatomy, at)
    _brain(fractions, anatomy, at)
    inside, horn_depth = _ventricle(anatomy, at)
    _mix(fractions, anatomy.caps * coverage(horn_depth + 3.5, at))
    allowed = (1.0 - inside) * (fractions[_GREY] + fractions[_WHITE] + fractions[_LESION])
    _foci(fractions, anatomy.mimics, allowed, at)
    covered = _foci(fractions, anatomy.lesions, allowed, at)
    _paint(fractions, inside, _CSF)
    mask = covered >= 0.5
    pixel_ml = spacing_mm**2 * THICKNESS_MM / 1000.0
    return Slice(fractions, mask, float(mask.sum()) * pixel_ml, float(inside.sum()) * pixel_ml)


def _head(fractions: FloatArray, anatomy: Anatomy, at: Grid) -> None:
    """Scalp, skull with marrow between its tables, outer CSF."""
    inwards = 0.0
    for width, tissue in ((SCALP_MM, _FAT), (SKULL_MM, _BONE), (0.0, _CSF)):
        _paint(fractions, coverage(depth(outline(anatomy, inwards), at), at), tissue)
        inwards += width
    marrow = depth(outline(anatomy, SCALP_MM + 0.5 * SKULL_MM), at)
    _paint(fractions, 0.35 * coverage(1.2 - np.abs(marrow), at), _FAT)


def _brain(fractions: FloatArray, anatomy: Anatomy, at: Grid) -> None:
    """Cortex folded along a random field's zero lines, white matter under it, deep nuclei, fissure in the middle."""
    pial = outline(anatomy, SCALP_MM + SKULL_MM + anatomy.sulcus_mm)
    surface = depth(pial, at, 0.012 * waves(anatomy.seed, 45.0, at))
    fold = 5.0 * np.abs(waves(anatomy.seed + 1, 26.0, at)) - 0.25 * anatomy.sulcus_mm
    split = _fissure(anatomy, at)
    wall = np.minimum(np.maximum(fold, surface - GYRUS_MM), split)
    _paint(fractions, coverage(surface, at), _GREY)
    _paint(fractions, coverage(np.minimum(surface, -wall), at), _CSF)
    _paint(fractions, coverage(np.minimum(surface, wall) - CORTEX_MM, at), _WHITE)
    for nucleus in nuclei(anatomy):
        _paint(fractions, 0.85 * coverage(depth(nucleus, at), at), _GREY)


def _fissure(anatomy: Anatomy, at: Grid) -> FloatArray:
    """Distance to the fissure in front of and behind the corpus callosum, mm."""
    beyond = np.maximum(0.0, np.where(at.y < 0, at.y + 42.0, 44.0 - at.y))
    return np.asarray(np.hypot(at.x, beyond) - 0.35 * anatomy.sulcus_mm)


def _ventricle(anatomy: Anatomy, at: Grid) -> tuple[FloatArray, FloatArray]:
    wobble = 0.05 * waves(anatomy.seed + 2, 18.0, at)
    inside = np.max([depth(shape, at, wobble) for shape in ventricles(anatomy)], axis=0)
    return coverage(inside, at), inside


def _foci(fractions: FloatArray, foci: tuple[Focus, ...], allowed: FloatArray, at: Grid) -> FloatArray:
    """Mixes each focus into the tissue it lies in; returns which share of each pixel any of them covers."""
    covered = np.zeros_like(at.x)
    for focus in foci:
        inside = allowed * _irregular(focus.shape, focus.seed, at)
        _mix(fractions, focus.strength * inside * (1.0 - covered))
        covered = np.maximum(covered, inside)
    return covered


def _irregular(shape: Ellipse, seed: int, at: Grid) -> FloatArray:
    return coverage(depth(shape, at, 0.10 * waves(seed, 9.0, at, count=4)), at)


def _mix(fractions: FloatArray, share: FloatArray) -> None:
    """Turns ``share`` of the grey and white matter of each pixel into lesion tissue."""
    brain = fractions[_GREY] + fractions[_WHITE]
    fractions[_LESION] += share * brain
    fractions[_GREY] *= 1.0 - share
    fractions[_WHITE] *= 1.0 - share


def _paint(fractions: FloatArray, share: FloatArray, tissue: int) -> None:
    fractions *= 1.0 - share
    fractions[tissue] += share
