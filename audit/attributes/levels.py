"""Strata of a plan -> one text level for each case, in columns 'stratum:<attribute>' of CASES."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from audit.attributes.attribute import Attribute
from audit.attributes.bands import band_names, number_text, to_bands
from audit.catalogue import entries
from audit.plan import Stratum
from audit.records import BadInput
from audit.tables import ALL, UNKNOWN, stratum_column


def stratify(cases: pd.DataFrame, strata: Mapping[str, Stratum]) -> pd.DataFrame:
    """The cases with one more text column for each stratum; blank and not understood cells get the level 'unknown'.

    A stratum with an entry in this room is derived by it; any other is a manifest column, by its levels or by the
    plan's cuts. The manifest's own columns stay as written. Raises ``BadInput`` for a stratum without a column, a
    column without any value, text where cuts need numbers, and a baseline that no case has.
    """
    out = cases.copy()
    for name, stratum in strata.items():
        levels = _levels(cases, name, stratum)
        _check_baseline(levels, name, stratum)
        out[stratum_column(name)] = levels
    return out


def gaps(cases: pd.DataFrame, strata: Mapping[str, Stratum]) -> pd.DataFrame:
    """Why cases are 'unknown': attribute, reason, n_cases; one row per attribute and reason."""
    rows = [row for name, stratum in strata.items() for row in _gaps_of(cases, name, stratum)]
    return pd.DataFrame(rows, columns=["attribute", "reason", "n_cases"])


def level_order(levels: pd.Series, stratum: Stratum) -> list[str]:
    """The levels that occur, bands from low to high, others by name, 'unknown' last."""
    present = {str(level) for level in levels}
    bands = [b for b in (band_names(stratum.cuts) if stratum.cuts else []) if b in present]
    others = sorted(present - set(bands) - {UNKNOWN})
    return [*bands, *others, *([UNKNOWN] if UNKNOWN in present else [])]


def _levels(cases: pd.DataFrame, name: str, stratum: Stratum) -> pd.Series:
    column, entry = _source(cases, name, stratum)
    raw = cases[column]
    if not bool(_filled(raw).any()):
        raise BadInput(f"stratum '{name}': column '{column}' is wholly empty; fill it or remove the stratum.")
    values = _derived(cases, column, entry) if entry else raw
    if stratum.cuts:
        values = to_bands(_numbers(values if _numeric(values) else raw, cases, name, column), stratum.cuts)
    elif entry and _numeric(values):
        raise BadInput(
            f"stratum '{name}' is a number ({entry.unit}); give 'cuts' in the plan, for example [18, 40, 60]."
        )
    return _as_levels(values)


def _source(cases: pd.DataFrame, name: str, stratum: Stratum) -> tuple[str, Attribute | None]:
    entry: Attribute | None = entries("attributes").get(name)
    wanted = (stratum.column,) if stratum.column else (entry.columns if entry else (name,))
    column = next((c for c in wanted if c in cases), None)
    if column is None:
        known = [str(c) for c in cases.columns if not str(c).startswith("stratum:")]
        raise BadInput(
            f"stratum '{name}': the manifest has no column {' or '.join(repr(c) for c in wanted)}; columns: "
            f"{', '.join(known[:25])}{', ...' if len(known) > 25 else ''}. Name the right one under 'column'."
        )
    return column, entry


def _derived(cases: pd.DataFrame, column: str, entry: Attribute) -> pd.Series:
    return entry.derive(cases.assign(**{entry.columns[0]: cases[column]}))


def _filled(values: pd.Series) -> pd.Series:
    return values.notna() & (values.astype("string").str.strip() != "")


def _numeric(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def _numbers(values: pd.Series, cases: pd.DataFrame, name: str, column: str) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce").astype("Float64")
    lost = (numbers.isna() & _filled(values)).to_numpy(dtype=bool)
    if lost.any():
        row = int(lost.argmax())
        raise BadInput(
            f"stratum '{name}': column '{column}' holds '{values.iloc[row]}' in row {row + 1} (case "
            f"{cases['case_id'].iloc[row]}), but its cuts need numbers; correct the cell or leave it blank."
        )
    return numbers


def _as_levels(values: pd.Series) -> pd.Series:
    if pd.api.types.is_float_dtype(values):
        numbers = values.astype("Float64")
        text = pd.Series([pd.NA if pd.isna(v) else number_text(float(v)) for v in numbers], index=values.index)
        return text.astype("string").fillna(UNKNOWN)
    text = values.astype("string").str.strip().str.replace(" & ", " and ", regex=False)
    text = text.mask(text == "", pd.NA).fillna(UNKNOWN)
    return text.mask(text == ALL, f"{ALL} (as written)")


def _check_baseline(levels: pd.Series, name: str, stratum: Stratum) -> None:
    if stratum.baseline is None:
        return
    known = [level for level in level_order(levels, stratum) if level != UNKNOWN]
    if stratum.baseline not in known:
        raise BadInput(
            f"stratum '{name}': no case has the baseline level '{stratum.baseline}'; "
            f"levels: {', '.join(known) or 'none'}."
        )


def _gaps_of(cases: pd.DataFrame, name: str, stratum: Stratum) -> list[tuple[str, str, int]]:
    column, _ = _source(cases, name, stratum)
    unknown = (_levels(cases, name, stratum) == UNKNOWN).to_numpy(dtype=bool)
    filled = _filled(cases[column]).to_numpy(dtype=bool)
    blank, odd = int(np.sum(unknown & ~filled)), int(np.sum(unknown & filled))
    rows = [(name, f"column '{column}' is blank", blank), (name, f"column '{column}' names no known level", odd)]
    return [row for row in rows if row[2]]
