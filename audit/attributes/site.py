"""Where the image was acquired."""

from __future__ import annotations

import pandas as pd

from audit.attributes.attribute import Attribute


def derive(cases: pd.DataFrame) -> pd.Series:
    """The site as written, blanks trimmed; numbers as text."""
    values = cases["site"]
    whole = values.astype("Int64") if pd.api.types.is_integer_dtype(values) else values
    return whole.astype("string").str.strip()


ENTRY = Attribute("site", ("site", "center", "centre", "institution", "hospital"), "", derive, "manifest, as written")
