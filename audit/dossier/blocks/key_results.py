"""The plan's claims on the whole set in one short table."""

from __future__ import annotations

from audit.dossier.block import Block, NoParameters, nothing
from audit.dossier.citing import estimate, fact, limits, size
from audit.dossier.comparison import Question, find, questions, read_against
from audit.dossier.content import Column, Node, Row, Runs, Table, Text, text
from audit.dossier.view import PLAN, AuditView
from audit.dossier.words import quantity, verdict_mark, version_label
from audit.tables import ALL, OVERALL


def _build(view: AuditView, _given: NoParameters) -> tuple[Node, ...]:
    if not questions(view):
        return nothing("The plan sets no limit: there is no claim to be read.")
    columns = (
        Column("Claim", 2.3), Column("Limit", 1.2), Column("Patients", 0.75, "right"), Column("Cases", 0.65, "right"),
        Column("Estimate", 0.8, "right"), Column("Interval", 1.3, "right"), Column("Reading", 1.0),
    )  # fmt: skip
    rows = tuple(_row(view, question) for question in questions(view))
    who = version_label(view, "candidate")
    note = text(f"{who}, whole set, read against the limit; the verdict on each endpoint stands in the endpoint table.")
    return (Table("Claims on the whole set", columns, rows, note),)


def _row(view: AuditView, question: Question) -> Row:
    row = find(view, "candidate", question, OVERALL, ALL)
    name = text(quantity(view, question.measure, question.target))
    if row is None:
        return Row((name, limit_in_plan(view, question), text("not estimated", "quiet")), (1, 1, 5))
    sizes = tuple(size(view, row, each) for each in ("n_patients", "n_cases"))
    mark = (verdict_mark(read_against(row, question)),)
    if row.value is None:
        return Row((name, limit_in_plan(view, question), *sizes, estimate(view, row), mark), (1, 1, 1, 1, 2, 1))
    return Row((name, limit_in_plan(view, question), *sizes, estimate(view, row), limits(view, row), mark))


def limit_in_plan(view: AuditView, question: Question) -> Runs:
    """The limit as the plan states it, bound to the plan."""
    for index, endpoint in enumerate(view.plan.endpoints):
        criterion = endpoint.criterion
        same = (endpoint.measure, endpoint.target) == (question.measure, question.target)
        if same and criterion is not None and criterion.value == question.limit and criterion.kind == question.kind:
            sign = "\u2265 " if question.kind == "minimum" else "\u2264 "
            return (Text(sign), fact(view, PLAN, "endpoints", index, "criterion", "value"))
    return text("–", "quiet")


ENTRY = Block("key_results", NoParameters, _build)
