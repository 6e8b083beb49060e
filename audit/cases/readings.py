"""Several truthers' readings of each case, and the one reference they are combined to.

Majority, mean and adjudication are the rules that reader panels use (FDA, Clinical Performance Assessment:
Considerations for CADe Devices, 2022, section on the reference standard; CLAIM 2024, item 16).
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from audit.cases.facts import ReferenceReadings
from audit.records import BadInput


def combined(rule: ReferenceReadings, name: str, raw: pd.DataFrame, where: Path) -> pd.Series:
    """The combined reading of each row as text, missing where the rule gives none.

    majority: what more than half of the readings say; mean: their mean; adjudicated: what all readers say, else what
    the adjudicator says. Blank cells are no reading. Raises ``BadInput`` for a column that is absent, or that holds
    no numbers where a mean is asked for.
    """
    for column in (*rule.readers.values(), *([rule.adjudicator] if rule.adjudicator else [])):
        if column not in raw:
            raise BadInput(f"{where}: column '{column}' is missing; readings '{name}' in set.yaml name it.")
    read = pd.DataFrame({reader: plain(raw[column]) for reader, column in rule.readers.items()})
    if rule.combination == "mean":
        return _mean(read, name, where)
    if rule.combination == "majority":
        return _each(read, _majority)
    assert rule.adjudicator is not None
    return _each(read, _common).fillna(plain(raw[rule.adjudicator]))


def plain(values: pd.Series) -> pd.Series:
    """Cells as text without surrounding blanks, numbers in one way of writing ('1' for '1.0'); blanks are missing."""
    text = values.astype("string").str.strip()
    text = text.mask(text == "", pd.NA)
    numbers = pd.to_numeric(text, errors="coerce")
    return text.where(numbers.isna(), _written(numbers))


def _written(numbers: pd.Series) -> pd.Series:
    words = [pd.NA if pd.isna(number) else f"{float(number):.15g}" for number in numbers]
    return pd.Series(words, index=numbers.index, dtype="string")


def _each(read: pd.DataFrame, rule: Any) -> pd.Series:
    found = [rule([cell for cell in row if not pd.isna(cell)]) for row in read.itertuples(index=False)]
    return pd.Series(found, index=read.index, dtype="string")


def _majority(readings: list[str]) -> Any:
    most = Counter(readings).most_common(1)
    return most[0][0] if most and 2 * most[0][1] > len(readings) else pd.NA


def _common(readings: list[str]) -> Any:
    return readings[0] if len(set(readings)) == 1 else pd.NA


def _mean(read: pd.DataFrame, name: str, where: Path) -> pd.Series:
    numbers = read.apply(pd.to_numeric, errors="coerce")
    bad = numbers.isna() & read.notna()
    if bool(bad.to_numpy().any()):
        row, column = (int(place[0]) for place in bad.to_numpy().nonzero())
        raise BadInput(
            f"{where}: row {row + 1} holds '{read.iat[row, column]!s}' for reader '{read.columns[column]}'; a mean of "
            f"readings '{name}' needs numbers; use majority for levels."
        )
    return _written(numbers.mean(axis=1))
