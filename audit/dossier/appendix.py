"""The last pages: every requirement with its answer, and every statement behind a number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

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
LISTED_BRIEFLY = 2
DOCUMENT = "document"


def appendix(
    view: AuditView, answers: tuple[Answer, ...], used: frozenset[str], closing: str = "matrix"
) -> tuple[Node, ...]:
    """Requirement matrix and every statement, or ('evidence') the statements alone that this document links to.

    ``used`` are the statement ids that printed numbers name.
    """
    evidence: tuple[Node, ...] = (Heading("Evidence", 1, STATEMENTS_KEY), Paragraph(_introduction(view)))
    if closing == "matrix":
        matrix: tuple[Node, ...] = (Heading("Requirement matrix", 1, "matrix"), _matrix(view, answers))
        return (*matrix, *evidence, _statements(view, used))
    linked = used | {statement for answer in answers for statement in answer.statements}
    return (*evidence, _statements(view, used, linked))


def _matrix(view: AuditView, answers: tuple[Answer, ...]) -> Table:
    columns = (
        Column("Clause", 1.25), Column("Requirement", 1.75), Column("Status", 1.3),
        Column("Evidence, or what is missing and who supplies it", 3.2), Column("Page", 0.5, "right"),
    )  # fmt: skip
    return Table("", columns, tuple(_matrix_rows(view, answers)))


def _matrix_rows(view: AuditView, answers: tuple[Answer, ...]) -> Iterator[Row]:
    """One row per requirement; neighbours that do not apply for one reason share a row."""
    for _, group in groupby(answers, lambda answer: (answer.section, answer.reason) if answer.reason else answer):
        together = tuple(group)
        yield _matrix_row(view, together[0] if len(together) == 1 else _merged(together))


def _merged(answers: tuple[Answer, ...]) -> Answer:
    clause = f"{answers[0].clause} to {answers[-1].clause}"
    return replace(answers[0], clause=clause, title=f"{len(answers)} clauses, none of which applies")


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
    kinds = {one.id: one.kind for one in view.ledger} | {one.id: kind for kind, one in view.statements.items()}
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


def _statements(view: AuditView, used: frozenset[str], only: frozenset[str] | None = None) -> Table:
    columns = (
        Column("Kind, when created", 1.4),
        Column("Statement id", 1.95),
        Column("Products with SHA-256", 2.6),
        Column("Made from", 0.9),
    )
    known = {statement.id: statement for statement in (*view.ledger, *view.statements.values())}
    kept = known.keys() if only is None else only
    shown = [each for each in known.values() if each.id in used or (each.kind != DOCUMENT and each.id in kept)]
    listed = LISTED if only is None else LISTED_BRIEFLY
    rows = tuple(_statement_row(statement, statement.id in used, listed) for statement in shown)
    note = text(
        "Statements marked as cited stand behind numbers of this document. Those about other documents and earlier "
        "versions stand in the ledger."
    )
    if only is not None:
        note = text(
            "Listed are the statements that this document refers to; the ledger and the main document hold all."
        )
    return Table("", columns, rows, note)


def _statement_row(statement: Statement, cited: bool, listed: int) -> Row:
    products = tuple(statement.subjects.items())
    named: list[Run] = []
    for name, digest in products[:listed]:
        named += [Text(f"{' ' if named else ''}{name} "), Text(digest, "mono")]
    inputs: list[Run] = [
        Text(f"{' ' if place else ''}{each[:12]}", "mono") for place, each in enumerate(statement.inputs[:listed])
    ]
    words = statement.kind.replace("_", " ")
    kind = (Text(words, "strong"), Text(f" {_second(statement.created)}{', cited' if cited else ''}"))
    made_from = (*inputs, *_more(len(statement.inputs), listed)) or text("none", "quiet")
    cells = (kind, text(statement.id, "mono"), (*named, *_more(len(products), listed)), made_from)
    return Row(cells, key=statement.id)


def _second(created: str) -> str:
    """An ISO 8601 time to the second, in UTC as it was stated; the ledger keeps the fraction."""
    return created.partition(".")[0].removesuffix("Z") + "Z"


def _more(count: int, listed: int) -> Runs:
    return text(f" and {count - listed} more, in the ledger", "quiet") if count > listed else ()
