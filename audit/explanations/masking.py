"""Counterfactual masking: a region that holds no finding is painted over, and so is an equal area of the anatomy.

A decision that turns when the border, a corner, a burned-in mark or what lies outside the anatomy is masked depended on
it (Fong and Vedaldi, ICCV 2017; on shortcuts: Geirhos et al., Nat Mach Intell 2020;2:665; on markers of chest films:
Zech et al., PLoS Med 2018;15:e1002683). The equal area inside tells what masking as such does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from audit.explanations.anatomy import Found, body_of, nearest_outside, regions, widened, written_in
from audit.plan_decisions import Shortcuts
from audit.records import BoolArray, Image, Pixels, Undefined

MASKED, INSIDE = "masked", ": inside"
LARGEST_INSIDE = 0.25
AROUND_MARKS = 2
NEAREST = ("marks", "border")


@dataclass(frozen=True, slots=True)
class Painted:
    """A painted image, which region (or '<region>: inside'), the share that was painted, how it was found."""

    name: str
    pixels: Pixels | None
    area: float | None
    how: str | None
    undefined: str | None = None


def painted(
    rules: Shortcuts,
    image: Image,
    anatomy: BoolArray | None,
    generator: np.random.Generator,
    finding: BoolArray | None = None,
) -> Iterator[Painted]:
    """For every region of ``rules`` the image without it, and without an equal area at random inside the anatomy.

    The border and marks (widened by two pixels) are filled with the nearest values around them, the other regions with
    their own median; marks and frames lend no value. The area inside is filled likewise; it is a quarter of the
    anatomy at most. Undefined where the image has no such region. A mark that overlaps the ``finding``, where its mask
    is known, is none: a lesion may be as flat and sharp as a letter.
    """
    written = written_in(image.pixels, finding)
    body = body_of(image.pixels, written).mask if anatomy is None else anatomy
    found = regions(image.pixels, rules.regions, rules.border, rules.corner, anatomy, written)
    for name, region in found.items():
        if isinstance(region, Undefined):
            yield Painted(name, None, None, None, region.reason)
            continue
        mask = region.mask | widened(region.mask & written.marks, AROUND_MARKS)
        yield _made(name, image.pixels, Found(mask, region.how), written.mask)
        inside = area_inside(body & ~mask, int(mask.sum()), generator)
        if inside is None:
            yield Painted(name + INSIDE, None, None, None, "no anatomy is left beside the region")
        else:
            inner = Found(inside, "compact area at random inside the anatomy")
            yield _made(name + INSIDE, image.pixels, inner, written.mask)


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


def _made(name: str, pixels: Pixels, region: Found, written: BoolArray) -> Painted:
    nearest = name.removesuffix(INSIDE) in NEAREST
    filled = (nearest_outside if nearest else filled_median)(pixels, region.mask, written)
    return Painted(name, filled, float(region.mask.mean()), region.how)


def filled_median(pixels: Pixels, mask: BoolArray, never: BoolArray) -> Pixels:
    """The image with the region at the median of its own pixels outside ``never``; where it has none, at the nearest
    values around it."""
    own = mask & ~never
    if not own.any():
        return nearest_outside(pixels, mask, never)
    out = pixels.astype(np.float32)
    out[mask] = np.median(pixels[own])
    return out


def masked_by(
    rules: Shortcuts,
    load_anatomy: Callable[[str], BoolArray | None],
    generator_of: Callable[[str], np.random.Generator],
    load_finding: Callable[[str], BoolArray | None] = lambda _: None,
) -> Callable[[str, Image], Iterator[Painted]]:
    """``painted`` as a function of case id and image; the loaders give the declared mask of a case and its finding."""

    def make(case_id: str, image: Image) -> Iterator[Painted]:
        finding = load_finding(case_id)
        known = finding if finding is not None and finding.shape == image.pixels.shape else None
        return painted(rules, image, load_anatomy(case_id), generator_of(case_id), known)

    return make
