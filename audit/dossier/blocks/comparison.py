"""Candidate beside comparator by level of the most telling stratum, each read against the plan's limit."""

from __future__ import annotations

from audit.dossier.block import Block, NoParameters, nothing
from audit.dossier.citing import with_limits
from audit.dossier.comparison import (
    Question,
    find,
    levels,
    most_failing_first,
    questions,
    read_against,
    telling_attribute,
)
from audit.dossier.content import Column, Node, Row, Runs, Table, Text, text
from audit.dossier.rounding import number
from audit.dossier.view import AuditView
from audit.dossier.words import attribute_label, quantity, verdict_mark, with_role
from audit.tables import ALL, OVERALL


def _build(view: AuditView, _given: NoParameters) -> tuple[Node, ...]:
    attribute = telling_attribute(view)
    asked = most_failing_first(view, attribute) if attribute else questions(view)
    if not asked:
        return nothing("The plan sets no limit that groups could be read against.")
    share = 2.2 if len(view.versions) == 2 else 3.0
    columns = (Column("Group", 1.2), *(Column(with_role(view, version), share) for version in view.versions))
    rows = [row for question in asked for row in _question_rows(view, question, attribute)]
    by = f" and by {attribute_label(attribute)}" if attribute else ""
    note = text(
        "Read against the whole-set limit of the plan; groups without an endpoint of their own are descriptive."
    )
    return (Table(f"Against the plan's limits, whole set{by}", columns, tuple(rows), note),)


def _question_rows(view: AuditView, question: Question, attribute: str | None) -> list[Row]:
    unit = view.unit(question.measure, question.target)
    title = f"{quantity(view, question.measure, question.target)}: {question.kind} {number(question.limit, unit)}"
    rows = [Row((text(title, "strong"),), (1 + len(view.versions),), kind="group")]
    rows.append(_row(view, question, OVERALL, ALL, "Whole set"))
    for level in levels(view, attribute) if attribute else ():
        rows.append(_row(view, question, attribute or OVERALL, level, level))
    return rows


def _row(view: AuditView, question: Question, attribute: str, level: str, label: str) -> Row:
    return Row((text(label), *(_cell(view, version, question, attribute, level) for version in view.versions)))


def _cell(view: AuditView, version: str, question: Question, attribute: str, level: str) -> Runs:
    row = find(view, version, question, attribute, level)
    if row is None:
        return text("not assessed", "quiet")
    return (verdict_mark(read_against(row, question)), Text(" "), *with_limits(view, row))


ENTRY = Block("comparison", NoParameters, _build)
