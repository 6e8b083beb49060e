"""The data dictionary: one row per column of every exported file, with what a reader needs to use it.

After the variable-level metadata of CDISC Define-XML 2.1 (name, label, type, codelist, origin), as plain CSV.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from audit.exports.dataset import STRATUM
from audit.tables import DISPOSITIONS, ESTIMATES, OBSERVATIONS, Column

COLUMNS = ["file", "column", "label", "type", "unit", "codes", "range", "source", "missing", "n_missing"]
CODED = 12
"""A column of words with at most so many different ones lists them."""
OWN: Mapping[str, str] = {
    "subject": "patient, under a pseudonym of this export; the unit of resampling",
    "case": "one image or one volume, under a pseudonym of this export",
}
CODES: Mapping[str, str] = {
    "reference": "0 = negative; 1 = positive",
    "decision": "0 = below the operating point; 1 = at or above it",
}
MISSING: Mapping[str, str] = {
    "reason": "the case was analysed",
    "baseline": "not a contrast",
    "undefined": "the value and its interval are defined",
    "value": "not defined; 'undefined' says why",
    "low": "no interval; 'undefined' says why",
    "high": "no interval; 'undefined' says why",
    "method": "no interval was computed",
    "n_events": "the measure counts no events",
    "n_undefined_resamples": "the interval needs no resampling",
}
UNITS = {"_mm": "mm", "_ml": "mL", "seconds": "s"}
TYPES = {"string": "text", "Float64": "float", "Int64": "integer", "boolean": "0 or 1"}


@dataclass(frozen=True, slots=True)
class Exported:
    """A file to be described: its table, where its rows come from."""

    name: str
    frame: pd.DataFrame
    source: str


def dictionary(files: tuple[Exported, ...]) -> pd.DataFrame:
    """Every column of every file; the dictionary's own columns are explained in the README."""
    rows = [_row(each, str(name)) for each in files for name in each.frame]
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(file: Exported, name: str) -> tuple[object, ...]:
    values = file.frame[name]
    declared = _declared(file.name, name)
    label = OWN.get(name) or (declared.meaning if declared else _stratum(name))
    type_ = TYPES.get(str(values.dtype), "text")
    lacking = int(values.isna().sum())
    why = MISSING.get(name, "no value for this case or row; the label says when") if lacking else ""
    return (file.name, name, label, type_, _unit(name), _codes(name, values), _range(values), file.source, why, lacking)


def _stratum(name: str) -> str:
    return (
        f"group of the case by {name.removeprefix(STRATUM)}, as the plan forms it; 'unknown' where nobody recorded it"
    )


def _declared(file: str, name: str) -> Column | None:
    tables = (ESTIMATES,) if file.startswith("estimates") else (DISPOSITIONS, OBSERVATIONS)
    return next((table.columns[name] for table in tables if name in table.columns), None)


def _unit(name: str) -> str:
    if name in ("value_predicted", "value_reference"):
        return "the target's"
    if name in ("value", "low", "high"):
        return "the measure's"
    return next((unit for ending, unit in UNITS.items() if name.endswith(ending)), "")


def _codes(name: str, values: pd.Series) -> str:
    if name in CODES:
        return CODES[name]
    known = sorted(str(each) for each in values.dropna().unique()) if str(values.dtype) == "string" else []
    return "; ".join(known) if 0 < len(known) <= CODED else ""


def _range(values: pd.Series) -> str:
    numeric = str(values.dtype) in ("Float64", "Int64") and bool(values.notna().any())
    return f"{values.min():g} to {values.max():g}" if numeric else ""
