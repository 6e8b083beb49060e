"""How a section lists its requirements: by status with what is missing, or as a checklist with pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from audit.dossier.appendix import answer_words
from audit.dossier.content import Answer, Column, Mark, Node, PageOf, Row, Run, Runs, Table, Text, text
from audit.dossier.locating import Shared, places_of
from audit.dossier.view import AuditView
from audit.dossier.words import STATUS_TONES, status_mark

REPORTED: Mapping[str, str] = {
    "evidenced": "reported",
    "partly evidenced": "partly reported",
    "declared": "reported",
    "missing": "not reported",
    "not applicable": "not applicable",
}
"""The words of reporting guidelines for what this product calls a status."""


def requirement_panel(view: AuditView, answers: tuple[Answer, ...]) -> Iterator[Node]:
    """Clause, requirement, status, why."""
    if answers:
        columns = (
            Column("Clause", 1.25),
            Column("Requirement", 1.9),
            Column("Status", 1.35),
            Column("Why; what is missing; who supplies it", 3.5),
        )
        rows = tuple(
            Row((text(each.clause), text(each.title), (status_mark(each.status),), answer_words(view, each)))
            for each in answers
        )
        yield Table("", columns, rows)


def checklist_panel(
    view: AuditView, answers: tuple[Answer, ...], own: Mapping[str, str], shared: Shared, wanted: tuple[str, ...]
) -> Iterator[Node]:
    """Item, topic, whether reported, on which page, and why not. ``own`` are the places of this document."""
    if answers:
        columns = (
            Column("Item", 1.0),
            Column("Topic", 1.5),
            Column("Status", 1.3),
            Column("Where", 2.1),
            Column("Why not; who supplies it", 2.3),
        )
        yield Table("", columns, tuple(_checklist_row(view, each, own, shared, wanted) for each in answers))


def _checklist_row(
    view: AuditView, answer: Answer, own: Mapping[str, str], shared: Shared, wanted: tuple[str, ...]
) -> Row:
    where = tuple(_elsewhere(answer, shared, wanted) if wanted else _here(answer, own))
    if answer.declared:
        where = (*where, Text("; " if where else ""), Text("declared below"))
    status = Mark(REPORTED[answer.status], STATUS_TONES[answer.status])
    return Row((text(answer.clause), text(answer.title), (status,), where or text("–", "quiet"), _why(view, answer)))


def _why(view: AuditView, answer: Answer) -> Runs:
    if answer.status == "not applicable":
        return answer_words(view, answer)
    return text(f"Missing: {answer.missing}. From: {answer.owner}.") if answer.missing else text("–", "quiet")


def _here(answer: Answer, own: Mapping[str, str]) -> Iterator[Run]:
    for index, key in enumerate(places_of(answer.evidence, own) if answer.statements else ()):
        yield Text("; p. " if index else "p. ")
        yield PageOf(key)
        yield Text(f" {key.removeprefix('at: ')}", "quiet")


def _elsewhere(answer: Answer, shared: Shared, wanted: tuple[str, ...]) -> Iterator[Run]:
    """Pages of the documents that were built in the same run; said so where one was not."""
    if not answer.statements:
        return
    for index, document in enumerate(name for name in wanted if name in shared.pages):
        pages = shared.pages[document]
        found = sorted({pages[key] for key in places_of(answer.evidence, {name: name for name in pages})})
        if found:
            yield Text(("; " if index else "") + f"{shared.titles[document]}, p. " + ", ".join(map(str, found)))
    if not any(name in shared.pages for name in wanted):
        yield Text(f"page known when built together with {' or '.join(wanted)}", "quiet")
