"""How often each call was made on cases of each reference level: the whole table behind sensitivity and kappa."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from audit.analyses.analysis import About, Analysis, Row, missing, stated
from audit.analyses.study import Study
from audit.plan import Target
from audit.records import Rows

CASES = "cases"
DECISION, GRADE = ("reference", "decision"), ("grade_reference", "grade_predicted")


def run(study: Study) -> list[Row]:
    """Counts of the analysed cases of every version, and every target with a call: yes or no, or a grade."""
    return [
        row
        for name, target in study.plan.targets.items()
        if target.task == "ordinal" or target.operating_point is not None
        for version in study.plan.versions
        for row in _rows(study, version, name, target)
    ]


def level(reference: float, call: float) -> str:
    """The cell's name in ANALYSES: 1 and 0, or places on the scale of grades, lowest 0."""
    return f"reference {reference:g}, call {call:g}"


def _rows(study: Study, version: str, name: str, target: Target) -> Iterator[Row]:
    graded = target.task == "ordinal"
    columns, values = (GRADE, tuple(map(float, range(len(target.grades))))) if graded else (DECISION, (1.0, 0.0))
    sample = study.sample(version, name)
    known = np.isfinite(sample.rows.columns[columns[0]]) & np.isfinite(sample.rows.columns[columns[1]])
    rows = sample.rows.where(sample.analysed & known)
    about = About(version, name, "grade" if graded else "decision").at("all", rows.n_patients, len(rows))
    if not len(rows):
        yield missing(about, CASES, "no analysed case has both a reference and a call")
        return
    for reference in values:
        for call in values:
            yield _cell(about, rows, columns, reference, call)


def _cell(about: About, rows: Rows, columns: tuple[str, str], reference: float, call: float) -> Row:
    here = rows.where((rows.columns[columns[0]] == reference) & (rows.columns[columns[1]] == call))
    place = about.at(level(reference, call), here.n_patients, len(here))
    return stated(place, CASES, float(len(here)), method="count")


ENTRY = Analysis(
    name="decision_matrix",
    title="Calls against the reference",
    question="Which calls were made on cases of each reference level, and how often?",
    source="Bossuyt et al., BMJ 2015;351:h5527 (STARD 2015, item 23: cross tabulation)",
    run=run,
)
