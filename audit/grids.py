"""Where the voxels of an image or a mask lie; it crosses rooms, since two masks are compared on one grid only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np

from audit.records import FloatArray

Vector = tuple[float, ...]
NANOMETRE = 6  # decimals of a millimetre that are kept
UNIT = 9


@dataclass(frozen=True, slots=True)
class Grid:
    """``shape`` and ``spacing_mm`` have one entry per array axis.

    ``origin_mm`` is the centre of the first voxel and ``directions`` the unit vector along which each array axis runs,
    in the patient's coordinates (left, posterior and superior positive: DICOM PS3.3, C.7.6.2.1.1). None: the file does
    not say.
    """

    shape: tuple[int, ...]
    spacing_mm: Vector | None = None
    origin_mm: Vector | None = None
    directions: tuple[Vector, ...] | None = None

    def mismatch(self, other: Grid, tolerance_mm: float) -> str | None:
        """How ``other`` is another grid, in words; None where it is the same as far as both are known.

        Voxels per axis must be equal; of the spacing, of the steps from voxel to voxel along each axis and of the
        origin no entry may differ by more than ``tolerance_mm``.
        """
        if self.shape != other.shape:
            return f"{by(self.shape)} voxels against {by(other.shape)}"
        pairs = {
            "spacing": (self.spacing_mm, other.spacing_mm),
            "orientation": (self._steps(self.directions), self._steps(other.directions)),
            "origin": (self.origin_mm, other.origin_mm),
        }
        differing = [name for name, (one, two) in pairs.items() if _apart(one, two) > tolerance_mm]
        return f"{' and '.join(differing)}{self._displaced(other)}" if differing else None

    @property
    def steps(self) -> FloatArray | None:
        """(axes, 3): mm from one voxel to the next along each array axis; None where they are not known."""
        return self._steps(self.directions) if self.spacing_mm else None

    def _steps(self, directions: tuple[Vector, ...] | None) -> FloatArray | None:
        if directions is None:
            return None
        return np.asarray(np.array(directions) * np.array(self.spacing_mm or (1.0,) * len(self.shape))[:, None])

    def _displaced(self, other: Grid) -> str:
        """The largest distance between voxels of the same index; empty where a grid's place is not known."""
        mine, theirs = self.steps, other.steps
        if mine is None or theirs is None or self.origin_mm is None or other.origin_mm is None:
            return ""
        corners = np.array(list(product(*((0, size - 1) for size in self.shape))))
        apart = corners @ (mine - theirs) + np.subtract(self.origin_mm, other.origin_mm)
        return f", voxels up to {np.linalg.norm(apart, axis=1).max():.2g} mm apart"

    def text(self) -> str:
        """The grid as it stands in a table: JSON, lengths to the nanometre."""
        return json.dumps({name: _settled(value, name) for name, value in asdict(self).items()})

    @classmethod
    def of_text(cls, written: str) -> Grid:
        """The grid that ``text`` wrote."""
        return cls(**{name: _tuples(value) for name, value in json.loads(written).items()})


def by(sizes: Iterable[float]) -> str:
    """'19 x 384 x 384'."""
    return " x ".join(f"{size:g}" for size in sizes)


def _apart(one: Sequence[float] | FloatArray | None, two: Sequence[float] | FloatArray | None) -> float:
    return 0.0 if one is None or two is None else float(np.abs(np.subtract(one, two)).max())


def _settled(value: Any, name: str) -> Any:
    if isinstance(value, tuple | list):
        return [_settled(each, name) for each in value]
    return round(value, UNIT if name == "directions" else NANOMETRE) if isinstance(value, float) else value


def _tuples(value: Any) -> Any:
    return tuple(_tuples(each) for each in value) if isinstance(value, list) else value
