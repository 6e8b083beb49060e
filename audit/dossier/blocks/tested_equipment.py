"""Which equipment was tested, and how each claim reads there: one mark per claim, for readers in a hurry."""

from __future__ import annotations

from audit.dossier.block import Block, NoParameters, nothing
from audit.dossier.citing import tally
from audit.dossier.comparison import Question, find, levels, questions, read_against, telling_attribute
from audit.dossier.content import Column, Mark, Node, Row, Runs, Table, Tone, text
from audit.dossier.view import CASES, AuditView
from audit.dossier.words import attribute_label, level_label, quantity
from audit.tables import stratum_column

MOST_CLAIMS = 5
READINGS: dict[str, tuple[str, Tone]] = {
    "met": ("shown", "good"),
    "not shown": ("not shown", "part"),
    "failed": ("missed", "bad"),
    "not assessed": ("unknown", "quiet"),
}


def _build(view: AuditView, _given: NoParameters) -> tuple[Node, ...]:
    attribute = "manufacturer" if levels(view, "manufacturer") else telling_attribute(view)
    asked = questions(view)[:MOST_CLAIMS]
    if attribute is None or not asked:
        return nothing("The plan sets no limit or no stratum: nothing can be read by equipment.")
    columns = (
        Column(attribute_label(attribute).capitalize(), 1.5), Column("Cases", 0.6, "right"),
        *(Column(quantity(view, each.measure, each.target), 1.1) for each in asked),
    )  # fmt: skip
    rows = tuple(_row(view, attribute, level, asked) for level in levels(view, attribute))
    note = text(
        "Shown: the whole interval is at or beyond the claim's limit. Missed: wholly short of it. Not shown: it "
        f"straddles the limit. Unknown: no interval, or fewer than {view.plan.too_few} patients."
    )
    return (Table(f"Claims by {attribute_label(attribute)}", columns, rows, note),)


def _row(view: AuditView, attribute: str, level: str, asked: tuple[Question, ...]) -> Row:
    column = stratum_column(attribute)
    cases: Runs = (tally(view, CASES, {column: level}),) if column in view.cases else text("–", "quiet")
    marks = tuple((Mark(*READINGS[_reading(view, attribute, level, each)]),) for each in asked)
    return Row((text(level_label(level)), cases, *marks))


def _reading(view: AuditView, attribute: str, level: str, question: Question) -> str:
    row = find(view, "candidate", question, attribute, level)
    if row is None or row.n_patients < view.plan.too_few:
        return "not assessed"
    return read_against(row, question)


ENTRY = Block("tested_equipment", NoParameters, _build)
