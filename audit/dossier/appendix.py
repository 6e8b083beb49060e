"""The last pages: every requirement with its answer, and every statement behind a number."""

from __future__ import annotations

from audit.dossier.content import (
    Answer,
    Column,
    Heading,
    Node,
    PageOf,
    Paragraph,
    Row,
    Runs,
    Table,
    Text,
    text,
)
from audit.dossier.view import AuditView
from audit.dossier.words import status_mark
from audit.records import Statement

STATEMENTS_KEY = "evidence"


def appendix(view: AuditView, answers: tuple[Answer, ...], used: frozenset[str]) -> tuple[Node, ...]:
    """Requirement matrix and evidence appendix; ``used`` are the statement ids that printed numbers name."""
    return (
        Heading("Requirement matrix", 1, "matrix"),
        _matrix(answers),
        Heading("Evidence", 1, STATEMENTS_KEY),
        Paragraph(_introduction(view)),
        _statements(view, used),
    )


def _matrix(answers: tuple[Answer, ...]) -> Table:
    columns = (
        Column("Clause", 1.25), Column("Requirement", 1.75), Column("Status", 1.3),
        Column("Evidence, or what is missing and who supplies it", 3.2), Column("Page", 0.5, "right"),
    )  # fmt: skip
    return Table("", columns, tuple(_matrix_row(answer) for answer in answers))


def _matrix_row(answer: Answer) -> Row:
    return Row(
        (text(answer.clause), text(answer.title), (status_mark(answer.status),), answer_words(answer), (PageOf(answer.section),))
    )


def answer_words(answer: Answer) -> Runs:
    """Why the status is what it is, what is missing and who must supply it."""
    if answer.status == "not applicable":
        return text(f"Not applicable because {answer.reason}")
    parts = [f"{answer.reason[:1].upper()}{answer.reason[1:]}."] if answer.reason else []
    if answer.missing:
        parts.append(f"Missing: {answer.missing}. From: {answer.owner}.")
    return text(" ".join(parts))


def _introduction(view: AuditView) -> Runs:
    return (
        Text("Every number in this document leads to one of these statements. A number's address is the first twelve digits of the "
             "statement's id and the place inside its product. The audit is MLflow run "),
        Text(view.run_id, "mono"),
        Text("; the ledger's newest statement is "),
        Text(view.ledger_head, "mono"),
        Text("."),
    )  # fmt: skip


def _statements(view: AuditView, used: frozenset[str]) -> Table:
    columns = (Column("Statement and products", 3.4), Column("Kind, created (UTC)", 1.5), Column("Made from", 1.3), Column("MLflow run", 1.1))
    known = {statement.id: statement for statement in (*view.ledger, *view.statements.values())}
    rows = tuple(_statement_row(view, statement, statement.id in used) for statement in known.values())
    note = text("Products are listed with their SHA-256. Statements marked as cited stand behind numbers of this document.")
    return Table("", columns, rows, note)


def _statement_row(view: AuditView, statement: Statement, cited: bool) -> Row:
    products = [run for name, digest in statement.subjects.items() for run in (Text(f" {name} "), Text(digest, "mono"))]
    inputs = [Text((", " if index else "") + each[:12], "mono") for index, each in enumerate(statement.inputs)]
    kind = (Text(statement.kind, "strong"), Text(f" {statement.created}{', cited' if cited else ''}"))
    return Row(
        ((Text(statement.id, "mono"), *products), kind, tuple(inputs) or text("none", "quiet"), text(view.run_id[:12], "mono")),
        key=statement.id,
    )
