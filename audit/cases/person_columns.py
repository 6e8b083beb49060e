"""Columns of a table that hold names, birth dates, addresses and the like, told by what they are called."""

from __future__ import annotations

import re
from collections.abc import Collection

import pandas as pd

_IDENTIFIERS = re.compile(
    r"(^|_)(patient_?name|first_?name|last_?name|surname|family_?name|given_?name|full_?name|name|birth_?date|dob|"
    r"date_of_birth|birthday|address|street|phone|telephone|email|e_mail|mrn|ssn|social_security|insurance|"
    r"accession(_number)?|passport)($|_)"
)
_NOT_PERSONS = re.compile(r"(file|model|manufacturer|site|centre|center|hospital|institution|device|column)_?name")


def looks_identifying(column: str) -> bool:
    """Whether a column's name announces names, birth dates, addresses and the like."""
    plain = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column).lower())
    return bool(_IDENTIFIERS.search(_NOT_PERSONS.sub("", plain)))


def without_persons(cases: pd.DataFrame, keep: Collection[str] = ()) -> pd.DataFrame:
    """The cases without such columns of their manifest; ``keep``: those that the plan computes with."""
    named = [
        column for column in map(str, cases) if ":" not in column and column not in keep and looks_identifying(column)
    ]
    return cases.drop(columns=named)
