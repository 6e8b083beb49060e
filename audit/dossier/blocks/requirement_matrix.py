"""The same evidence before two authorities: for each kind of evidence the clauses it answers, with status and page.

A clause that names several kinds of evidence stands under each of them; what no run can give stands last, and clauses
that do not apply are named below.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest

from audit.datafolders import data_folder
from audit.dossier.block import Block, Parameters
from audit.dossier.content import Answer, Column, Link, Node, PageOf, Row, Run, Runs, Table, Text, text
from audit.dossier.probes import PROBES
from audit.dossier.statuses import answers
from audit.dossier.templates import Template, read_template
from audit.dossier.view import AuditView
from audit.dossier.words import status_mark

DECLARED, OUTSIDE = "declared by the manufacturer", "not applicable"
NOTE = (
    "A page is that of the section which answers the clause, in the PDF of the document named above the column; a dash "
    "where that document was not built together with this one."
)
EXTENTS = {"full": "in evidence", "part": "in evidence in part", "none": "not in evidence"}


class MatrixParameters(Parameters):
    """The documents set side by side, by their ids."""

    left: str = "eu_ai_act_annex_iv"
    right: str = "fda_performance_testing"


Side = tuple[Answer, str]
"""A clause's answer and the id of the document that gives it."""


def _build(view: AuditView, given: MatrixParameters) -> tuple[Node, ...]:
    templates = [read_template(data_folder("templates") / f"{name}.yaml") for name in (given.left, given.right)]
    left, right = (_by_evidence(view, template) for template in templates)
    rows: list[Row] = [Row(tuple(text(each.title, "strong") for each in templates), (5, 4), kind="group")]
    for kind in (*PROBES, DECLARED):
        if kind in left or kind in right:
            rows.append(Row((_evidence(view, kind),), (9,), kind="group"))
            pairs = zip_longest(left.get(kind, ()), right.get(kind, ()))
            rows += [Row((*_cells(one), (), *_cells(other))) for one, other in pairs]
    return (Table("", _columns(), tuple(rows), text(f"{NOTE} {_outside(left, right)}".strip())),)


def _columns() -> tuple[Column, ...]:
    side = (Column("Clause", 1.05), Column("Requirement", 1.45), Column("Status", 1.3), Column("Page", 0.45, "right"))
    return (*side, Column("", 0.12), *side)


def _by_evidence(view: AuditView, template: Template) -> Mapping[str, list[Side]]:
    """Kind of evidence -> the clauses of the document that name it."""
    found: dict[str, list[Side]] = {}
    for number, section in enumerate(template.sections, 1):
        given = answers(view, section, f"section-{number}", template.vocabulary)
        for answer in given:
            for kind in _kinds(answer):
                found.setdefault(kind, []).append((answer, template.id))
    return found


def _kinds(answer: Answer) -> tuple[str, ...]:
    if answer.status == "not applicable":
        return (OUTSIDE,)
    return answer.evidence or (DECLARED,)


def _outside(*sides: Mapping[str, list[Side]]) -> str:
    clauses = dict.fromkeys(answer.clause for side in sides for answer, _ in side.get(OUTSIDE, ()))
    return f"Not applicable, for the reason stated in its section: {', '.join(clauses)}." if clauses else ""


def _evidence(view: AuditView, kind: str) -> Runs:
    if kind == DECLARED:
        return (Text("Declared by the manufacturer", "strong"), Text(": no run computes it."))
    found = PROBES[kind](view)
    runs: list[Run] = [Text(kind[:1].upper() + kind[1:], "strong"), Text(f": {EXTENTS[found.extent]}")]
    if found.statement:
        runs += [Text(", statement "), Link(found.statement[:12], found.statement)]
    return (*runs, Text(f" ({found.why})." if found.why else "."))


def _cells(side: Side | None) -> tuple[Runs, ...]:
    if side is None:
        return ((), (), (), ())
    answer, document = side
    page = PageOf(answer.section, document)
    return (text(answer.clause), text(answer.title), (status_mark(answer.status),), (page,))


ENTRY = Block("requirement_matrix", MatrixParameters, _build)
