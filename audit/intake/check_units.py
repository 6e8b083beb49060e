"""Quantities in different units under one name: ages, distances, field strength, grey values."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.attributes.field_strength import GAUSS_PER_TESLA
from audit.cases.concerns import Concern, said_of
from audit.intake.check import Check, Intake
from audit.intake.check_geometry import spacing

FEWEST = 5
FACTOR = 8.0  # ten times, with the spread of real pixel sizes taken off
AIR_HU, NO_AIR = -500.0, -100.0


def find(intake: Intake) -> Iterator[Concern]:
    """One concern for each quantity that is not in one unit, or not in the one that it must have."""
    yield from _ages(intake)
    yield from _distances(intake)
    yield from _field(intake)
    yield from _grey_values(intake)


def _concern(intake: Intake, where: NDArray[np.bool_], what: str) -> Iterator[Concern]:
    if where.any():
        text = f"{said_of(int(where.sum()), 'case', what)}."
        yield Concern("major", text, intake.ids(where), "Correct the unit at the source, and take the set in again.")


def _ages(intake: Intake) -> Iterator[Concern]:
    if "age_as_written" not in intake.cases:
        return
    text = intake.cases["age_as_written"].astype("string").str.strip()
    years = intake.cases["age_years"].to_numpy(dtype=np.float64, na_value=np.nan)
    odd = (text.notna() & (text != "")).to_numpy(dtype=bool) & np.isnan(years)
    yield from _concern(intake, odd, "have an age that is no age in years, months, weeks or days (0 to 125 years)")
    zero = text.str.fullmatch(r"0+Y").fillna(False).to_numpy(dtype=bool)
    yield from _concern(intake, zero, "have an age of 0 written in years, which is a placeholder, not an age")


def _distances(intake: Intake) -> Iterator[Concern]:
    size = np.array([_side(text) for text in intake.cases.get("spacing_mm", pd.Series("", intake.cases.index))])
    kinds = intake.cases["modality"].astype("string").fillna("") if "modality" in intake.cases else None
    groups = [np.ones(len(size), dtype=bool)] if kinds is None else [(kinds == k).to_numpy() for k in kinds.unique()]
    far = np.zeros(len(size), dtype=bool)
    for where in groups:
        known = where & np.isfinite(size)
        if known.sum() >= FEWEST:
            ratio = size / np.median(size[known])
            far |= known & ((ratio > FACTOR) | (ratio < 1 / FACTOR))
    yield from _concern(intake, far, "have a pixel spacing 8 times larger or smaller than the others of their modality")


def _side(text: object) -> float:
    sides = spacing(text)
    return sides[-1] if sides else float("nan")


def _field(intake: Intake) -> Iterator[Concern]:
    column = intake.cases.get("field_strength_as_written")
    if column is None:
        return
    value = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    gauss = value >= 500
    if gauss.any():
        some = "" if gauss[np.isfinite(value)].all() else ", others in tesla"
        yield from _concern(intake, gauss, f"give the field strength in gauss (1 T = {GAUSS_PER_TESLA:,.0f} G){some}")
    known = intake.cases["field_strength_t"].notna().to_numpy(dtype=bool)
    odd = np.isfinite(value) & ~known & (value != 0)
    yield from _concern(intake, odd, "have a field strength that no magnet has")


def _grey_values(intake: Intake) -> Iterator[Concern]:
    seen = intake.levels > 2
    low, high = intake.ranges[:, 0], intake.ranges[:, 1]
    modality = intake.cases.get("modality", pd.Series("", intake.cases.index)).astype("string").fillna("").to_numpy()
    tomograms = seen & (modality == "CT")
    raw = tomograms & (low > NO_AIR)
    if (tomograms & (low < AIR_HU)).sum() >= FEWEST:
        yield from _concern(
            intake, raw, "are CT without the values of air that the others have: not in Hounsfield units"
        )
    for kind in np.unique(intake.cases["source_format"].astype("string").fillna("").to_numpy()):
        if kind not in ("PNG", "TIFF", "JPEG"):
            continue
        own = seen & (intake.cases["source_format"] == kind).to_numpy(dtype=bool, na_value=False)
        deep, flat = own & (high > 255), own & (high <= 1)
        if deep.any() and (own & ~deep).any():
            yield from _concern(intake, _fewer(deep, own), f"have another bit depth than the other {kind} images")
        if flat.any() and (own & ~flat).any():
            yield from _concern(intake, flat, f"hold values from 0 to 1, other {kind} images whole grey values")
    units = intake.cases.get("pixel_units")
    if units is not None:
        yield from _mixed_units(intake, units.astype("string").fillna(""))


def _fewer(one: NDArray[np.bool_], all_: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return one if one.sum() * 2 <= all_.sum() else all_ & ~one


def _mixed_units(intake: Intake, units: pd.Series) -> Iterator[Concern]:
    counts = units[units != ""].value_counts()
    if len(counts) > 1:
        odd = ((units != "") & (units != counts.index[0])).to_numpy(dtype=bool)
        yield from _concern(
            intake, odd, f"give pixel values in {', '.join(counts.index[1:])}, most in {counts.index[0]}"
        )


ENTRY = Check(
    "units",
    "ages, distances, field strengths and grey values in mixed or wrong units",
    find,
    "DICOM PS3.5 6.2 (AS), PS3.3 C.8.3.1, C.8.2.1 (Hounsfield units), C.8.9.1 (Units)",
)
