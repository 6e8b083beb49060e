"""A set that claims several vendors and has one."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from audit.attributes.manufacturer import maker
from audit.cases.concerns import Concern
from audit.intake.check import Check, Intake


def find(intake: Intake) -> Iterator[Concern]:
    """Several spellings that are one maker, and a table whose makers are not those of the headers."""
    written = _texts(intake, "manufacturer_as_written")
    known = _texts(intake, "manufacturer")
    if known.nunique() == 1 and written.nunique() > 1:
        what = (
            f"{written.nunique()} spellings of a maker are all {known.iloc[0]}: the set has one vendor, "
            "whatever the number of names."
        )
        yield Concern("major", what, (), "Add cases of other makers, or limit the intended use to this one.")
    claimed = _texts(intake, "manufacturer_in_table").map(lambda n: maker(str(n)) or "").replace("", pd.NA).dropna()
    in_headers = _texts(intake, "manufacturer_in_header")
    if claimed.nunique() > 1 and in_headers.nunique() == 1:
        what = (
            f"The table claims {claimed.nunique()} makers ({', '.join(sorted(claimed.unique()))}), "
            f"all headers say {in_headers.iloc[0]}."
        )
        yield Concern("major", what, (), "Find out where the table's makers come from; the headers were believed.")


def _texts(intake: Intake, column: str) -> pd.Series:
    if column not in intake.cases:
        return pd.Series(dtype="string")
    values = intake.cases[column].astype("string")
    return values[values.notna() & (values != "")]


ENTRY = Check(
    "makers",
    "a set that claims several vendors and has one",
    find,
    "audit/attributes/manufacturers.yaml",
    "a claim made in words only (set.yaml, a paper) is not read",
    lambda i: "" if len(_texts(i, "manufacturer")) else "no case names its maker",
)
