"""Attributes of the cases: one coding for all, what was written kept beside, and why a level is missing.

The header is believed before the table; where they disagree, that is said. Codings are those of the attributes room,
so that the strata of a plan read the manifest as it stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from audit.attributes.age_band import derive as age_in_years
from audit.attributes.field_strength import GAUSS_PER_TESLA
from audit.attributes.field_strength import derive as nominal_strength
from audit.attributes.manufacturer import derive as one_maker
from audit.attributes.sex import derive as one_sex
from audit.attributes.view import derive as one_view


@dataclass(frozen=True, slots=True)
class Described:
    """An attribute of the manifest: ``written``: the column as written; ``names``: names it has in tables;
    ``modalities`` to which it applies (all where empty)."""

    name: str
    written: str
    names: tuple[str, ...]
    modalities: tuple[str, ...] = ()


PROJECTIONS = ("CR", "DX", "RG", "MG", "RF")
DESCRIBED = (
    Described("sex", "sex_as_written", ("sex", "patient_sex", "gender", "patientsex")),
    Described(
        "age_years",
        "age_as_written",
        ("age_years", "age", "patient_age", "patientage", "age_at_diagnosis", "age_at_exam", "age_at_scan"),
    ),
    Described(
        "manufacturer", "manufacturer_as_written", ("manufacturer", "manufacturer_as_written", "vendor", "maker")
    ),
    Described("model", "model_as_written", ("model", "manufacturer_model", "scanner", "scanner_model", "device_model")),
    Described("site", "site_as_written", ("site", "center", "centre", "institution", "hospital")),
    Described(
        "field_strength_t",
        "field_strength_as_written",
        ("field_strength_t", "field_strength", "magnetic_field_strength"),
        ("MR",),
    ),
    Described("view", "view_as_written", ("view", "view_position", "viewposition", "projection"), PROJECTIONS),
)
_EMPTY = pd.Series(dtype="string")
_SILENT = {"DICOM": "the header does not say", "": "the table does not say"}


def add_attributes(frame: pd.DataFrame, table: Mapping[str, pd.Series]) -> Iterator[tuple[str, str]]:
    """Fills ``frame`` (in place) from its header columns and from ``table`` (attribute -> cells by case); yields
    (case_id, attribute) where both speak and disagree."""
    if "modality" in table:
        frame["modality"] = frame["modality"].fillna(table["modality"].str.upper())
    for about in DESCRIBED:
        header = _column(frame, about)
        cells = table.get(about.name)
        derived = _derive(about.name, header)
        if cells is None:
            written, levels = header, derived
        else:
            theirs = _derive(about.name, cells)
            clash = _disagree(about.name, derived, theirs)
            yield from ((str(c), about.name) for c in frame["case_id"][clash])
            written, levels = header.fillna(cells), derived.fillna(theirs)
        if about.name == "manufacturer":
            frame["manufacturer_in_header"] = derived
            frame["manufacturer_in_table"] = _EMPTY.reindex(frame.index) if cells is None else cells
        frame[about.written], frame[about.name] = written, levels


def _column(frame: pd.DataFrame, about: Described) -> pd.Series:
    for name in (about.written, about.name):
        if name in frame:
            return frame[name].astype("string")
    return pd.Series(pd.NA, index=frame.index, dtype="string")


def _derive(name: str, written: pd.Series) -> pd.Series:
    """Levels of what is written; each text is read once, except that makers' spellings depend on their counts."""
    if name in ("manufacturer", "model", "site"):
        return one_maker(pd.DataFrame({"manufacturer": written})) if name == "manufacturer" else written
    codes, texts = pd.factorize(written)
    return _derive_levels(name, pd.Series(texts, dtype="string")).reindex(codes).set_axis(written.index)


def _derive_levels(name: str, written: pd.Series) -> pd.Series:
    if name == "sex":
        return one_sex(pd.DataFrame({"sex": written}))
    if name == "age_years":
        return age_in_years(pd.DataFrame({"age_years": written})).round(2)
    if name == "view":
        return one_view(pd.DataFrame({"view": written}))
    known = nominal_strength(pd.DataFrame({"field_strength_t": written})).notna()
    number = pd.to_numeric(written.str.rstrip("Tt ").str.strip(), errors="coerce").astype("Float64")
    tesla = number.mask((number >= 500).fillna(False), number / GAUSS_PER_TESLA)
    return tesla.mask(~known, pd.NA)


def _disagree(name: str, one: pd.Series, other: pd.Series) -> pd.Series:
    both = one.notna() & other.notna()
    if name in ("age_years", "field_strength_t"):
        differs = (one - other).abs() > (1.0 if name == "age_years" else 0.1)
    else:
        differs = one.astype("string").str.casefold() != other.astype("string").str.casefold()
    return (both & differs.fillna(False)).astype(bool)


def missing_reasons(frame: pd.DataFrame) -> pd.Series:
    """One text for each case: attribute and why it has no level; missing where nothing is missing."""
    texts = [""] * len(frame)
    for about in DESCRIBED:
        for place, reason in enumerate(reasons(frame, about)):
            if reason:
                texts[place] += f"{'; ' if texts[place] else ''}{about.name}: {reason}"
    return pd.Series([text or pd.NA for text in texts], index=frame.index, dtype="string")


def reasons(frame: pd.DataFrame, about: Described) -> Iterator[str]:
    """Why each case has no level of an attribute; '' where it has one or needs none."""
    applies = frame["modality"].isin(about.modalities) if about.modalities else pd.Series(True, index=frame.index)
    blank = frame[about.written].isna()
    format_ = frame["source_format"].fillna("")
    for needed, level, empty, kind in zip(applies, frame[about.name].notna(), blank, format_, strict=True):
        if level or not needed:
            yield ""
        elif not empty:
            yield "what is written is not understood"
        else:
            yield _SILENT.get(kind, "a file of this kind does not say")
