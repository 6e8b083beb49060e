"""Calls against the reference, cell by cell, each bound to its count in the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from audit.dossier.analysis_cells import cell_of
from audit.dossier.citing import count
from audit.dossier.content import Run
from audit.dossier.pointers import count_pointer, look_up
from audit.dossier.rounding import whole
from audit.dossier.view import OBSERVATIONS, AuditView

ANALYSIS = "decision_matrix"
GRADES, DECISIONS = ("grade_reference", "grade_predicted"), ("reference", "decision")


@dataclass(frozen=True, slots=True)
class Cell:
    """How many cases, as a number and as it is printed."""

    number: int
    printed: Run


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls of one version on one target: ``cells`` by (reference, call), each 1 or 0, or a grade's place.

    ``labels`` are the grades, lowest first; none where calls are yes or no.
    """

    version: str
    target: str
    values: tuple[float, ...]
    labels: tuple[str, ...]
    cells: Mapping[tuple[float, float], Cell]

    @property
    def graded(self) -> bool:
        """Whether calls are grades rather than yes or no."""
        return bool(self.labels)


def calls(view: AuditView) -> tuple[Calls, ...]:
    """Every version and target of which a case has both a call and a reference."""
    pairs = ((version, name) for version in view.versions for name in view.plan.targets)
    return tuple(found for pair in pairs if (found := _calls(view, *pair)) is not None)


def _calls(view: AuditView, version: str, target: str) -> Calls | None:
    facts = view.plan.targets[target]
    graded = facts.task == "ordinal"
    values = tuple(map(float, range(len(facts.grades)))) if graded else (1.0, 0.0)
    labels = tuple(str(grade) for grade in facts.grades) if graded else ()
    cells = _stated(view, version, target, values) or _counted(view, version, target, values, graded)
    if not any(cell.number for cell in cells.values()):
        return None
    return Calls(version, target, values, labels, cells)


def _stated(
    view: AuditView, version: str, target: str, values: tuple[float, ...]
) -> Mapping[tuple[float, float], Cell]:
    """From ANALYSES, which counts analysed cases alone; empty in audits made before it did."""
    rows = {
        row["level"]: row
        for row in view.analysis_rows
        if (row["analysis"], row["version"], row["target"]) == (ANALYSIS, version, target) and row["value"] is not None
    }
    pairs = ((one, other) for one in values for other in values)
    found = {pair: rows.get(f"reference {pair[0]:g}, call {pair[1]:g}") for pair in pairs}
    return {
        pair: Cell(int(row["value"]), cell_of(view, row, "value", whole(int(row["value"]))))
        for pair, row in found.items()
        if row is not None
    }


def _counted(
    view: AuditView, version: str, target: str, values: tuple[float, ...], graded: bool
) -> Mapping[tuple[float, float], Cell]:
    columns = GRADES if graded else DECISIONS
    found = {}
    for reference in values:
        for call in values:
            where = {"version": version, "target": target, columns[0]: f"{reference:g}", columns[1]: f"{call:g}"}
            number = look_up(view.payload(OBSERVATIONS), count_pointer(**where))
            found[reference, call] = Cell(number, count(view, OBSERVATIONS, **where))
    return found
