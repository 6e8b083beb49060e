"""Writing in the picture, which de-identifying a header does not remove."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from audit.cases.concerns import Concern, counted
from audit.intake.check import Check, Intake


def find(intake: Intake) -> Iterator[Concern]:
    """Cases whose header says so, and cases in which lines of writing were seen."""
    seen = intake.lettering > 0
    if seen.any():
        what = f"{counted(int(seen.sum()), 'case shows', 'cases show')} lines of writing, which may name a person."
        yield Concern("major", what, intake.ids(seen), "Look at these images, and blank the writing out.")
    column = intake.cases.get("burned_in_annotation")
    if column is None:
        return
    said = (column.astype("string").str.upper() == "YES").fillna(False).to_numpy(dtype=bool) & ~seen
    if np.any(said):
        what = counted(int(said.sum()), "case declares", "cases declare")
        what += " burned-in annotation (BurnedInAnnotation YES); no line of writing was seen."
        yield Concern("major", what, intake.ids(said), "Look at these images, and blank the writing out.")


ENTRY = Check(
    "burned-in text",
    "lines of writing in the picture",
    find,
    "DICOM PS3.15, Clean Pixel Data Option; PS3.3 C.7.6.1.1.3 Burned In Annotation",
    "handwriting, one or two letters, and text below 6 pixels or as faint as the anatomy are not found",
)
