"""Persons who can be recognised: header elements, columns of a table. Names of elements are printed, values never."""

from __future__ import annotations

from collections.abc import Iterator

from audit.cases.concerns import Concern, counted
from audit.intake.check import Check, Intake


def find(intake: Intake) -> Iterator[Concern]:
    """One concern for the elements that hold identifiers, and one for the columns that were left out."""
    if intake.elements:
        rows = tuple(dict.fromkeys(case for cases in intake.elements.values() for case in cases))
        named = sorted(intake.elements.items(), key=lambda e: (-len(e[1]), e[0]))
        listed = ", ".join(f"{element} ({len(cases)})" for element, cases in named)
        what = (
            f"{counted(rows, 'case holds', 'cases hold')} identifiers in header elements (number of cases): {listed}."
        )
        yield Concern("major", what, rows, "De-identify the files (DICOM PS3.15, Annex E) and take them in again.")
    columns = [name for name, _ in intake.notes.get("identifying columns", ())]
    if columns:
        what = f"The table has columns that name persons; they are not in the manifest: {', '.join(columns)}."
        yield Concern("minor", what, (), "Give a table without them.")


ENTRY = Check(
    "identifiers",
    "names, birth dates, addresses and the like in headers and tables",
    find,
    "DICOM PS3.15, Table E.1-1; audit/cases/identifiers.yaml",
    "a name that is also an ordinary placeholder, free text, private elements and file names are not judged",
)
