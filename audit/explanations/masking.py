"""Counterfactual masking: a region that holds no finding is painted over, and so is an equal area of the anatomy.

A decision that turns when the border, a corner, a burned-in mark or what lies outside the anatomy is masked depended on
it (Fong and Vedaldi, ICCV 2017; on shortcuts: Geirhos et al., Nat Mach Intell 2020;2:665; on markers of chest films:
Zech et al., PLoS Med 2018;15:e1002683). The equal area inside tells what masking as such does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from audit.explanations.anatomy import Found, body_of, regions
from audit.plan_decisions import Shortcuts
from audit.records import BoolArray, Image, Pixels, Undefined

MASKED, INSIDE = "masked", ": inside"
LARGEST_INSIDE = 0.25
AROUND_MARKS = 2


@dataclass(frozen=True, slots=True)
class Painted:
    """A painted image, which region (or '<region>: inside'), the share that was painted, how it was found."""

    name: str
    pixels: Pixels | None
    area: float | None
    how: str | None
    undefined: str | None = None


def painted(
    rules: Shortcuts, image: Image, anatomy: BoolArray | None, generator: np.random.Generator
) -> Iterator[Painted]:
    """For every region of ``rules`` the image without it, and without an equal area at random inside the anatomy.

    The region is filled with its own median, marks (widened by two pixels) with the nearest values around them; the
    area inside likewise. That area is a quarter of the anatomy at most. Undefined where the image has no such region.
    """
    body = body_of(image.pixels).mask if anatomy is None else anatomy
    found = regions(image.pixels, rules.regions, rules.border, rules.corner, anatomy)
    for name, region in found.items():
        if isinstance(region, Undefined):
            yield Painted(name, None, None, None, region.reason)
            continue
        mask = _widened(region.mask) if name == "marks" else region.mask
        yield _made(name, image.pixels, Found(mask, region.how))
        inside = area_inside(body & ~mask, int(mask.sum()), generator)
        if inside is None:
            yield Painted(name + INSIDE, None, None, None, "no anatomy is left beside the region")
        else:
            yield _made(name + INSIDE, image.pixels, Found(inside, "compact area at random inside the anatomy"))


def area_inside(anatomy: BoolArray, size: int, generator: np.random.Generator) -> BoolArray | None:
    """The ``size`` pixels of the anatomy nearest to a random one of them, a quarter of the anatomy at most."""
    places = np.argwhere(anatomy)
    wanted = min(size, int(LARGEST_INSIDE * len(places)))
    if wanted < 1:
        return None
    centre = places[int(generator.integers(len(places)))]
    distance = np.square(places - centre).sum(axis=1)
    chosen = places[np.argsort(distance, kind="stable")[:wanted]]
    mask = np.zeros(anatomy.shape, dtype=np.bool_)
    mask[tuple(chosen.T)] = True
    return mask


def _made(name: str, pixels: Pixels, region: Found) -> Painted:
    nearest = name.removesuffix(INSIDE) == "marks"
    filled = filled_nearest(pixels, region.mask) if nearest else filled_median(pixels, region.mask)
    return Painted(name, filled, float(region.mask.mean()), region.how)


def filled_median(pixels: Pixels, mask: BoolArray) -> Pixels:
    """The image with the region at the median of its own pixels."""
    out = pixels.astype(np.float32)
    out[mask] = np.median(pixels[mask])
    return out


def filled_nearest(pixels: Pixels, mask: BoolArray) -> Pixels:
    """The image with each pixel of the region at the value of the nearest pixel outside it, in its own slice."""
    out = pixels.astype(np.float32)
    for plane, hole in zip(out.reshape(-1, *out.shape[-2:]), mask.reshape(-1, *out.shape[-2:]), strict=True):
        if hole.any() and not hole.all():
            place = ndimage.distance_transform_edt(hole, return_distances=False, return_indices=True)
            plane[:] = plane[tuple(place)]
    return out


def _widened(mask: BoolArray) -> BoolArray:
    planes = mask.reshape(-1, *mask.shape[-2:])
    wide = np.stack([ndimage.binary_dilation(plane, iterations=AROUND_MARKS) for plane in planes])
    return np.asarray(wide.reshape(mask.shape), dtype=np.bool_)


def masked_by(
    rules: Shortcuts,
    load_anatomy: Callable[[str], BoolArray | None],
    generator_of: Callable[[str], np.random.Generator],
) -> Callable[[str, Image], Iterator[Painted]]:
    """``painted`` as a function of case id and image; ``load_anatomy`` gives the declared mask of a case."""

    def make(case_id: str, image: Image) -> Iterator[Painted]:
        return painted(rules, image, load_anatomy(case_id), generator_of(case_id))

    return make
