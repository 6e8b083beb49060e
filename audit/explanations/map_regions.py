"""Where stored attribution maps lie: image quadrants, the reference mask, regions in which no finding can lie."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from audit.decision_tables import MAP_REGIONS
from audit.explanations.anatomy import Found, regions
from audit.plan_decisions import Shortcuts
from audit.records import BadInput, BoolArray, Image, Pixels, Undefined

REFERENCE_MASK = "reference mask"
QUADRANTS = ("upper left quadrant", "upper right quadrant", "lower left quadrant", "lower right quadrant")
LoadMask = Callable[[str], BoolArray | None]


def map_regions_table(
    explanations: pd.DataFrame,
    load_map: Callable[[str], Pixels],
    load: Callable[[str], Image],
    load_reference: LoadMask,
    load_anatomy: LoadMask,
    rules: Shortcuts | None,
) -> pd.DataFrame:
    """MAP_REGIONS of every stored map in ``explanations``; regions of ``rules`` only where the plan searches them.

    Quadrants are of the image as displayed (last two axes), not of the anatomy. The reference mask counts in
    reference-positive cases. Undefined where the map is zero or of another size than the image.
    """
    rows: list[dict[str, Any]] = []
    places: dict[str, Mapping[str, Found | Undefined]] = {}
    spacing: dict[str, tuple[float, ...] | None] = {}
    for row in explanations[explanations["attribution"].notna()].to_dict("records"):
        case = str(row["case_id"])
        if case not in places:
            image = load(case)
            places[case] = dict(_places(image, load_reference(case), load_anatomy(case), rules))
            spacing[case] = image.spacing_mm
        weight = np.abs(load_map(str(row["attribution"])).astype(np.float64))
        for name, place in places[case].items():
            about = {key: row[key] for key in ("version", "case_id", "patient_id", "target", "method")}
            rows.append(_row(about, name, _shared(weight, place, spacing[case])))
    return MAP_REGIONS.conform(pd.DataFrame(rows, columns=list(MAP_REGIONS.columns)))


def _places(
    image: Image, reference: BoolArray | None, anatomy: BoolArray | None, rules: Shortcuts | None
) -> Iterator[tuple[str, Found | Undefined]]:
    for name, mask in zip(QUADRANTS, quadrants(image.pixels.shape), strict=True):
        yield name, Found(mask, "of the image as displayed")
    if reference is not None and reference.any():
        yield REFERENCE_MASK, Found(reference, "reference standard")
    if rules is not None:
        yield from regions(image.pixels, rules.regions, rules.border, rules.corner, anatomy).items()


def quadrants(shape: tuple[int, ...]) -> tuple[BoolArray, ...]:
    """The four quarters of the last two axes, in the order of ``QUADRANTS``."""
    rows, columns = shape[-2] // 2, shape[-1] // 2
    masks = []
    for down in (slice(None, rows), slice(rows, None)):
        for across in (slice(None, columns), slice(columns, None)):
            mask = np.zeros(shape, dtype=np.bool_)
            mask[..., down, across] = True
            masks.append(mask)
    return tuple(masks)


def _shared(weight: Pixels, place: Found | Undefined, spacing_mm: tuple[float, ...] | None) -> dict[str, Any]:
    if isinstance(place, Undefined):
        return {"undefined": place.reason}
    found = {"area": float(place.mask.mean()), "how": place.how, **_extent(place.mask, spacing_mm)}
    if place.mask.shape != weight.shape:
        return {**found, "undefined": "the map has another size than the image"}
    total = float(weight.sum())
    if total <= 0:
        return {**found, "undefined": "the map is zero"}
    return {**found, "share": float(weight[place.mask].sum()) / total}


def _extent(mask: BoolArray, spacing_mm: tuple[float, ...] | None) -> dict[str, Any]:
    if spacing_mm is None or len(spacing_mm) != mask.ndim:
        return {}
    extent = float(mask.sum() * np.prod(spacing_mm))
    return {"extent": extent, "unit": "mm2"} if mask.ndim == 2 else {"extent": extent / 1000, "unit": "mL"}


def _row(about: dict[str, Any], region: str, values: dict[str, Any]) -> dict[str, Any]:
    words = "|".join([*map(str, about.values()), region])
    short = f"g{hashlib.sha256(words.encode()).hexdigest()[:10]}"
    return {**dict.fromkeys(MAP_REGIONS.columns), "region_id": short, **about, "region": region, **values}


def map_of(data: bytes) -> Pixels:
    """The attribution map in a stored archive; raises ``BadInput`` for anything else."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return np.asarray(archive["map"], dtype=np.float32)
    except (KeyError, ValueError, OSError) as error:
        raise BadInput(f"a stored attribution map cannot be read ({error}); run 'audit verify'.") from error
