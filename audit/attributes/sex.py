"""Sex as recorded for the patient."""

from __future__ import annotations

import pandas as pd

from audit.attributes.attribute import Attribute

_LEVELS = {
    **dict.fromkeys(("f", "female", "w", "woman", "2", "2.0"), "F"),
    **dict.fromkeys(("m", "male", "man", "1", "1.0"), "M"),
    **dict.fromkeys(("o", "other", "x", "diverse", "intersex"), "other"),
}


def derive(cases: pd.DataFrame) -> pd.Series:
    """'F', 'M', 'other'; blank, 0, 9, 'U' and anything else missing."""
    return cases["sex"].astype("string").str.strip().str.lower().map(_LEVELS).astype("string")


ENTRY = Attribute(
    "sex",
    ("sex", "patient_sex", "gender"),
    "",
    derive,
    "DICOM PS3.3 C.7.1.1 Patient's Sex (M, F, O); ISO/IEC 5218 (1 male, 2 female, 0 not known, 9 not applicable)",
)
