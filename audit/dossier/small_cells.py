"""Small cells of public documents: counts of few patients, and what they could be derived from, are not printed.

A cell is a number of persons who share traits that others may know: an attribute's level, a site, a reference finding.
Below ``fewest`` patients (1 to ``fewest`` - 1; 0 tells of nobody) the count is printed as 'fewer than <fewest>' and
every estimate of the group is withheld, for a count follows from a proportion and its interval. So that it does not
follow by subtraction either, further groups of the same attribute are withheld until at least two are, with at least
``fewest`` patients together; and intersections with such an attribute go whole. What the device or the study did with a
large group (missed, failed, left out) is no trait that anybody outside knows, and is what the document exists to say:
it stays. So does 'unknown', which says of nobody anything but that it was not recorded.

Source: CMS cell size suppression policy (ResDAC, 'CMS Cell Size Suppression Policy': no cell of 1 to 10 may be
displayed, nor be derivable from percentages or other cells), which sets ``fewest`` to 11.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cached_property
from typing import Any

import pandas as pd

from audit.dossier.content import (
    Document,
    ForestMark,
    ForestRow,
    HeatCell,
    MatrixCell,
    RocLine,
    Row,
    Run,
    Runs,
    StatusBox,
    StatusItem,
    Text,
    Value,
    text,
)
from audit.dossier.view import ANALYSES, CASES, ESTIMATES, OBSERVATIONS, AuditView
from audit.tables import ALL, UNKNOWN, stratum_column

FEWEST = 11
AND = " & "
JOINING = ("", "[", "]", "(", ")", "to", "–", "%")
TOLD = re.compile(r"(fewer than \d+ [^()]*) \(\d+\)")
"""A reason that tells how many there were: 'fewer than 10 reference-positive cases (6)'."""
PREFIX = "stratum:"
Counts = Mapping[str, int]


def complemented(groups: Sequence[Counts], fewest: int) -> frozenset[str]:
    """Levels to be withheld, given for each trait the patients by level; pure.

    A level is small where any trait has 1 to ``fewest`` - 1 patients there. The next larger levels are added until in
    no trait a count of 1 to ``fewest`` - 1, or a single withheld level, is left to be found by subtraction.
    """
    small = {level for counts in groups for level, number in counts.items() if 0 < number < fewest}
    first = groups[0] if groups else {}
    rest = sorted((level for level in first if level not in small and first[level]), key=lambda one: (first[one], one))
    hidden = set(small)
    while rest and hidden and any(_derivable(counts, hidden, fewest) for counts in groups):
        hidden.add(rest.pop(0))
    return frozenset(hidden)


def _derivable(counts: Counts, hidden: Set[str], fewest: int) -> bool:
    """Whether what is hidden follows from the trait's total: one level alone, or levels with few patients together."""
    numbers = [counts[level] for level in hidden if counts.get(level)]
    return len(numbers) == 1 or 0 < sum(numbers) < fewest


@dataclass(frozen=True)
class SmallCells:
    """What a public document of ``view`` withholds."""

    view: AuditView
    fewest: int

    @cached_property
    def levels(self) -> Mapping[str, frozenset[str]]:
        """Attribute -> its withheld levels, small ones and those added against subtraction."""
        names = [str(name).removeprefix(PREFIX) for name in self.view.cases if str(name).startswith(PREFIX)]
        return {name: complemented(list(self._traits(name)), self.fewest) for name in names}

    def _traits(self, attribute: str) -> Iterator[Counts]:
        """Patients by level: all, and those with and without each target's finding."""
        column = stratum_column(attribute)
        cases = self.view.cases
        yield _patients(cases, column)
        for target, reference in self._findings:
            ids = self._with(target, reference)
            yield _patients(cases[cases["case_id"].isin(ids)], column)

    @property
    def _findings(self) -> list[tuple[str, int]]:
        return [(target, reference) for target in self.view.plan.targets for reference in (1, 0)]

    def _with(self, target: str, reference: int) -> set[str]:
        rows = self.view.observations
        mine = (rows["target"] == target) & (rows["reference"] == reference)
        return set(rows.loc[mine.fillna(False).astype(bool), "case_id"].astype(str))

    @cached_property
    def whole(self) -> frozenset[str]:
        """Targets of which all is withheld: the set has few patients with, or without, the finding."""
        return frozenset(target for target, reference in self._findings if self._small(self._with(target, reference)))

    def _small(self, cases: Set[str]) -> bool:
        known = self.view.cases
        return 0 < known.loc[known["case_id"].isin(cases), "patient_id"].nunique() < self.fewest

    @cached_property
    def crossed(self) -> frozenset[str]:
        """Intersections that are withheld: they have a small level, or cross an attribute that has one."""
        names = {row.attribute for row in self.view.rows if AND in row.attribute}
        return frozenset(name for name in names if self._crossed(name.split(AND)))

    def _crossed(self, parts: list[str]) -> bool:
        columns = [stratum_column(part) for part in parts]
        if any(self.levels.get(part) for part in parts) or not set(columns) <= set(self.view.cases):
            return True
        together = self.view.cases[columns].astype("string").agg(AND.join, axis=1)
        frames = [self.view.cases.assign(level=together)]
        frames += [frames[0][frames[0]["case_id"].isin(self._with(*each))] for each in self._findings]
        return any(0 < number < self.fewest for frame in frames for number in _patients(frame, "level").values())

    def withholds_group(self, target: str, attribute: str, level: str, baseline: str | None, kind: str) -> bool:
        """Whether nothing may be said of a group: estimates, contrasts with it, gaps over levels that have it."""
        if target in self.whole or attribute in self.crossed:
            return True
        hidden = self.levels.get(attribute, frozenset())
        return bool(hidden) and (level in hidden or baseline in hidden or kind == "gap")

    def withholds(self, value: Value) -> str:
        """What is printed in place of a result; empty where it stays."""
        kind = self._kinds.get(value.statement, "")
        tokens = [each.replace("~1", "/").replace("~0", "~") for each in value.pointer.split("/")[1:]]
        if kind == ESTIMATES and tokens[0] in self.view.by_id:
            row = self.view.by_id[tokens[0]]
            if self.withholds_group(row.target, row.attribute, row.level, row.baseline, row.kind):
                return self._count(row.n_patients) if tokens[1].startswith("n_") else self.said
        if kind == ANALYSES and (found := self.view.analysis(tokens[0])):
            return self.said if self._of_analysis(found) else ""
        if kind in (CASES, OBSERVATIONS) and tokens[0] == "count":
            return self._of_count(kind, [each.partition("=")[::2] for each in tokens[1:]])
        return ""

    @property
    def said(self) -> str:
        return f"withheld: fewer than {self.fewest} patients"

    def _count(self, patients: int) -> str:
        """A small count by its bound; a larger one, withheld against subtraction, without."""
        return f"fewer than {self.fewest}" if patients < self.fewest else "withheld"

    @cached_property
    def _kinds(self) -> Mapping[str, str]:
        """Statement id -> kind of the table that it holds."""
        return {one.id: kind for kind, one in self.view.statements.items()}

    def _of_analysis(self, row: Mapping[str, Any]) -> bool:
        parts = re.split(r" & | within ", row["attribute"])
        if row["target"] in self.whole or row["attribute"] in self.crossed:
            return True
        return row["level"] != ALL and any(self.levels.get(part) for part in parts)

    def _of_count(self, kind: str, conditions: list[tuple[str, str]]) -> str:
        """In place of a count of cases, or of reference findings; counts of decisions go with their finding."""
        where = dict(conditions)
        if kind == OBSERVATIONS:
            return self._count(0) if where.get("target") in self.whole and "reference" in where else ""
        for name, level in where.items():
            if level in self.levels.get(name.removeprefix(PREFIX), frozenset()):
                patients = _patients(self.view.cases, name).get(level, 0)
                return self._count(patients)
        return ""


def _patients(cases: pd.DataFrame, column: str) -> dict[str, int]:
    """Level -> number of patients."""
    found = cases.groupby(cases[column].astype("string"))["patient_id"].nunique()
    return {str(level): int(number) for level, number in found.items() if UNKNOWN not in str(level).split(AND)}


def suppressed(document: Document, view: AuditView) -> Document:
    """The document as the public may read it, with a line on its first page that says so where anything is withheld."""
    cells = SmallCells(view, view.device.small_cells if view.device else FEWEST)
    front, sections = (_without(part, cells) for part in (document.front, document.sections))
    if (front, sections) == (document.front, document.sections):
        return document
    line = StatusItem("Small groups", text(_line(cells.fewest)), "note")
    noted = tuple(
        replace(node, items=(*node.items[:-1], line, node.items[-1])) if isinstance(node, StatusBox) else node
        for node in front
    )  # before the last line, which tells the gaps
    return replace(document, front=noted, sections=sections)


def _line(fewest: int) -> str:
    return (
        f"Counts of fewer than {fewest} patients and every estimate of such a group are withheld, together with "
        "further groups by which they could be derived; they stand in the evidence."
    )


def _without(part: Any, cells: SmallCells) -> Any:
    """``part`` of a document without the results that are withheld."""
    if isinstance(part, Row):
        return _row(part, cells)
    if isinstance(part, ForestRow):
        return _forest_row(part, cells)
    if isinstance(part, HeatCell):
        return _heat_cell(part, cells)
    if isinstance(part, MatrixCell) and _runs(part.printed, cells) != part.printed:
        return MatrixCell(None, _runs(part.printed, cells), text("–", "quiet"))
    if isinstance(part, RocLine) and any(_runs(each, cells) != each for each in part.printed):
        return replace(
            part, points=(), operating_point=None, printed=tuple(_runs(each, cells) for each in part.printed)
        )
    if isinstance(part, tuple):
        if any(isinstance(each, Value) for each in part):
            part = _runs(part, cells)
        return tuple(_without(each, cells) for each in part)
    if isinstance(part, str):
        return TOLD.sub(r"\1", part)
    if is_dataclass(part) and not isinstance(part, type | Value):
        changed = {each.name: _without(getattr(part, each.name), cells) for each in fields(part) if each.init}
        return replace(part, **changed)
    return part


def _runs(runs: Runs, cells: SmallCells) -> Runs:
    """Runs with withheld results in words; brackets and words between two of them go along, and none is said twice."""
    said = [cells.withholds(run) if isinstance(run, Value) else "" for run in runs]
    if not any(said):
        return runs
    out: list[Run] = []
    for place, run in enumerate(runs):
        if said[place]:
            words = Text(said[place], "quiet")
            out += [] if words in out else [words]
        elif not (isinstance(run, Text) and _between(run, said, place)):
            out.append(run)
    return tuple(out)


def _between(run: Text, said: Sequence[str], place: int) -> bool:
    """Whether a text only joins withheld results: an interval's brackets and the word in it."""
    return run.text.strip() in JOINING and any((*said[max(place - 1, 0) : place], *said[place + 1 : place + 2]))


def _row(row: Row, cells: SmallCells) -> Row:
    """A table's row; beside a withheld result no share or other figure stands by which it could be told."""
    made = tuple(_without(cell, cells) for cell in row.cells)
    if made == row.cells:
        return row
    kept = tuple(
        text("–", "quiet") if place and cell == row.cells[place] and _figure(cell) else cell
        for place, cell in enumerate(made)
    )
    return replace(row, cells=kept)


def _figure(cell: Runs) -> bool:
    """Whether a cell holds a number that no evidence is bound to, such as a share worked out from the count."""
    words = [run.text for run in cell if isinstance(run, Text)]
    return len(words) == len(cell) > 0 and any(re.search(r"\d", each) for each in words)


def _forest_row(row: ForestRow, cells: SmallCells) -> ForestRow:
    def mark(one: ForestMark | None) -> ForestMark | None:
        printed = _runs(one.printed, cells) if one else ()
        if one is None or printed == one.printed:
            return one
        return ForestMark(None, None, None, text(cells.said, "quiet"), cells.said)

    return replace(row, size=_runs(row.size, cells), marks=tuple(map(mark, row.marks)))


def _heat_cell(cell: HeatCell, cells: SmallCells) -> HeatCell:
    """A cell of a heat table; its shade would tell the estimate."""
    printed = _runs(cell.printed, cells)
    limits = _runs(cell.limits, cells)
    return cell if (printed, limits) == (cell.printed, cell.limits) else HeatCell(None, printed)
