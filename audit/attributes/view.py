"""Projection of a radiograph or mammogram."""

from __future__ import annotations

import pandas as pd

from audit.attributes.attribute import Attribute

_LEVELS = {
    **dict.fromkeys(("LATERAL", "LAT", "LL", "RL", "LLAT", "L"), "lateral"),
    **dict.fromkeys(("AP", "AP SUPINE", "AP ERECT", "AP PORTABLE", "ANTEROPOSTERIOR"), "AP"),
    **dict.fromkeys(("PA", "PA ERECT", "POSTEROANTERIOR"), "PA"),
}


def derive(cases: pd.DataFrame) -> pd.Series:
    """'PA', 'AP', 'lateral'; other projections (mammography's CC, MLO and so on) in capitals as written."""
    text = cases["view"].astype("string").str.replace("_", " ").str.strip().str.upper()
    return text.map(lambda view: _LEVELS.get(view, view), na_action="ignore").astype("string")


ENTRY = Attribute("view", ("view", "view_position"), "", derive, "DICOM PS3.3 C.8.1.1.1 and C.8.11.5 View Position")
