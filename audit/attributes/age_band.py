"""Age at acquisition, in the plan's bands."""

from __future__ import annotations

import re

import pandas as pd

from audit.attributes.attribute import Attribute

_DAYS_PER_YEAR = 365.25
_YEARS = {"Y": 1.0, "M": 1 / 12, "W": 7 / _DAYS_PER_YEAR, "D": 1 / _DAYS_PER_YEAR, "": 1.0}
_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*([YMWD]?)", re.IGNORECASE)
OLDEST = 125.0


def years(text: str) -> float | None:
    """Age in years from '45', '045Y', '006M', '012W', '030D'; None for anything else and for ages over 125 years."""
    match = _AGE.fullmatch(text.strip())
    if match is None:
        return None
    age = float(match[1]) * _YEARS[match[2].upper()]
    return age if age <= OLDEST else None


def derive(cases: pd.DataFrame) -> pd.Series:
    """Age in years; missing where the cell is blank, negative, over 125 years or not an age."""
    text = cases["age_years"].astype("string")
    return pd.Series([pd.NA if pd.isna(t) else years(t) for t in text], index=cases.index).astype("Float64")


ENTRY = Attribute(
    "age_band",
    ("age_years", "age", "patient_age"),
    "years",
    derive,
    "DICOM PS3.5 6.2, value representation AS (nnnD, nnnW, nnnM, nnnY); years where no unit is written",
)
