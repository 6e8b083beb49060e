"""Magnetic field strength of an MR scanner, as the nominal strength it is sold under."""

from __future__ import annotations

import pandas as pd

from audit.attributes.attribute import Attribute

NOMINAL_T = (
    0.055,
    0.064,
    0.2,
    0.23,
    0.25,
    0.3,
    0.35,
    0.4,
    0.5,
    0.55,
    0.6,
    0.7,
    1.0,
    1.2,
    1.5,
    3.0,
    5.0,
    7.0,
    9.4,
    10.5,
    11.7,
)
TOLERANCE = 0.05
GAUSS_PER_TESLA = 10_000.0


def nominal(value: float) -> str | None:
    """'3 T' for 2.8936, '1.5 T' for 15000 (gauss, as some headers write); None where no magnet sold is within 5 %."""
    tesla = value / GAUSS_PER_TESLA if value >= 500 else value
    nearest = min(NOMINAL_T, key=lambda n: abs(n - tesla))
    return f"{nearest:g} T" if abs(nearest - tesla) <= TOLERANCE * nearest else None


def derive(cases: pd.DataFrame) -> pd.Series:
    """Nominal strength with its unit, as text; a trailing 'T' in the cell is accepted."""
    text = cases["field_strength_t"].astype("string").str.strip().str.removesuffix("T").str.strip()
    numbers = pd.to_numeric(text, errors="coerce")
    levels = [pd.NA if pd.isna(v) else nominal(float(v)) for v in numbers]
    return pd.Series(levels, index=cases.index, dtype="string")


ENTRY = Attribute(
    "field_strength",
    ("field_strength_t", "field_strength", "magnetic_field_strength"),
    "T",
    derive,
    "DICOM PS3.3 C.8.3.1 Magnetic Field Strength: nominal, in tesla",
)
