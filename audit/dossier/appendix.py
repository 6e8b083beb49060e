"""The last pages: every requirement with its answer, and every statement behind a number."""

from __future__ import annotations

from collections.abc import Iterator

from audit.dossier.content import (
    Answer,
    Column,
    Heading,
    Link,
    Node,
    PageOf,
    Paragraph,
    Row,
    Run,
    Runs,
    Table,
    Text,
    text,
)
from audit.dossier.view import AuditView
from audit.dossier.words import status_mark
from audit.records import Statement

STATEMENTS_KEY = "evidence"
LISTED = 8


def appendix(view: AuditView, answers: tuple[Answer, ...], used: frozenset[str]) -> tuple[Node, ...]:
    """Requirement matrix and evidence appendix; ``used`` are the statement ids that printed numbers name."""
    return (
        Heading("Requirement matrix", 1, "matrix"),
        _matrix(view, answers),
        Heading("Evidence", 1, STATEMENTS_KEY),
        Paragraph(_introduction(view)),
        _statements(view, used),
    )


def _matrix(view: AuditView, answers: tuple[Answer, ...]) -> Table:
    columns = (
        Column("Clause", 1.25), Column("Requirement", 1.75), Column("Status", 1.3),
        Column("Evidence, or what is missing and who supplies it", 3.2), Column("Page", 0.5, "right"),
    )  # fmt: skip
    return Table("", columns, tuple(_matrix_row(view, answer) for answer in answers))


def _matrix_row(view: AuditView, answer: Answer) -> Row:
    return Row(
        (
            text(answer.clause),
            text(answer.title),
            (status_mark(answer.status),),
            answer_words(view, answer),
            (PageOf(answer.section),),
        )
    )


def answer_words(view: AuditView, answer: Answer) -> Runs:
    """Why the status is what it is, what is missing and who must supply it."""
    if answer.status == "not applicable":
        return text(f"Not applicable because {answer.reason}")
    runs = [*_bound(view, answer), *(text("Declared by the manufacturer. ") if answer.declared else ())]
    if answer.missing:
        runs.append(Text(f"Missing: {answer.missing}. From: {answer.owner}."))
    return tuple(runs)


def _bound(view: AuditView, answer: Answer) -> Iterator[Run]:
    kinds = {statement.id: kind for kind, statement in view.statements.items()}
    for index, statement in enumerate(answer.statements):
        yield Text(", " if index else "Bound to ")
        yield Link(kinds[statement], statement)
    if answer.statements:
        yield Text(". ")


def _introduction(view: AuditView) -> Runs:
    return (
        Text("Every number in this document leads to one of these statements. "
             "A number's address is the first twelve digits of the "
             "statement's id and the place inside its product. All are products of MLflow run "),
        Text(view.run_id, "mono"),
        Text("; the Merkle root over the ledger when this document was built is "),
        Text(view.ledger_root, "mono"),
        Text(". Keep it: "),
        Text("audit verify --anchor", "mono"),
        Text(" tells by it whether the evidence was rebuilt since."),
    )  # fmt: skip


def _statements(view: AuditView, used: frozenset[str]) -> Table:
    columns = (
        Column("Kind, created (UTC)", 1.35),
        Column("Statement id", 1.95),
        Column("Products with SHA-256", 2.6),
        Column("Made from", 0.9),
    )
    known = {statement.id: statement for statement in (*view.ledger, *view.statements.values())}
    rows = tuple(_statement_row(statement, statement.id in used) for statement in known.values())
    note = text("Statements marked as cited stand behind numbers of this document.")
    return Table("", columns, rows, note)


def _statement_row(statement: Statement, cited: bool) -> Row:
    products = tuple(statement.subjects.items())
    named: list[Run] = []
    for name, digest in products[:LISTED]:
        named += [Text(f" {name} "), Text(digest, "mono")]
    inputs: list[Run] = [Text(f" {each[:12]}", "mono") for each in statement.inputs[:LISTED]]
    kind = (Text(statement.kind, "strong"), Text(f" {_second(statement.created)}{', cited' if cited else ''}"))
    made_from = (*inputs, *_more(len(statement.inputs))) or text("none", "quiet")
    cells = (kind, text(statement.id, "mono"), (*named, *_more(len(products))), made_from)
    return Row(cells, key=statement.id)


def _second(created: str) -> str:
    """An ISO 8601 time to the second, in UTC as it was stated; the ledger keeps the fraction."""
    return created.partition(".")[0].removesuffix("Z") + "Z"


def _more(count: int) -> Runs:
    return text(f" and {count - LISTED} more, in the ledger", "quiet") if count > LISTED else ()
