"""Where headers and the hospital's table do not fit together, and patients that nobody names."""

from __future__ import annotations

from collections.abc import Iterator

from audit.cases.concerns import Concern, counted
from audit.intake.check import Check, Intake

_KINDS = {
    "conflict": (
        "case has another {} in the table than in the header",
        "cases have another {} in the table than in the header",
        "The header was believed; correct one.",
    ),
    "rows without image": (
        "row of the table names no image that could be taken in",
        "rows of the table name no image that could be taken in",
        "Add the files or the rows.",
    ),
    "images without row": (
        "case has no row in the table",
        "cases have no row in the table",
        "Add rows, or leave the images out.",
    ),
    "predictions without case": (
        "row of the recorded predictions is about no case",
        "rows of the recorded predictions are about no case",
        "They are not written; add the images, or say why they were left out.",
    ),
    "cases without prediction": (
        "case has no prediction in {}",
        "cases have no prediction in {}",
        "A case without one counts as failed, with worst-case bounds; add what the device gave.",
    ),
}


def find(intake: Intake) -> Iterator[Concern]:
    """Conflicts by attribute, rows without image, images without row, cases without a patient."""
    for kind, (one, many, remedy) in _KINDS.items():
        noted = intake.notes.get(kind, ())
        for about in sorted({about for _, about in noted}):
            rows = tuple(name for name, a in noted if a == about)
            severity = "major" if kind == "conflict" else "minor"
            yield Concern(severity, f"{counted(rows, one, many).format(about)}.", rows, remedy)  # type: ignore[arg-type]
    unknown = intake.cases["patient_id"].astype("string").str.startswith("unknown-").to_numpy(dtype=bool)
    if unknown.any():
        what = (
            f"The patient of {counted(int(unknown.sum()), 'case', 'cases')} is not named: each study or file counts as "
            "a patient, and intervals are too narrow where one person has several."
        )
        remedy = "Give --patient PATTERN (from the path) or --table with a column patient_id."
        yield Concern("major", what, intake.ids(unknown), remedy)


ENTRY = Check(
    "table and patients",
    "conflicts between headers and table; rows, images and patients that are missing",
    find,
    "docs/intake.md",
)
