"""Template and audit → document: every requirement answered, every block filled from evidence or in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from audit.catalogue import entry
from audit.dossier.appendix import answer_words, appendix
from audit.dossier.block import Block
from audit.dossier.catalogues import instruments
from audit.dossier.conditions import holds
from audit.dossier.content import (
    Answer,
    Column,
    Document,
    Heading,
    NewPage,
    Node,
    Paragraph,
    Row,
    Section,
    Table,
    Text,
    text,
)
from audit.dossier.front import front
from audit.dossier.statuses import answers
from audit.dossier.templates import BLOCKS_ROOM, BlockCall, Template, TemplateSection, translate
from audit.dossier.view import AuditView
from audit.dossier.words import status_mark


def resolve(template: Template, view: AuditView) -> Document:
    """The document of ``template`` for the audit in ``view``; pure: the same view gives the same document."""
    sections = tuple(_section(template, view, number, each) for number, each in enumerate(template.sections, 1))
    instrument = instruments()[template.instrument]
    given = tuple(answer for section in sections for answer in section.answers)
    draft = Document(
        id=template.id,
        title=translate(template.title, template.vocabulary),
        subtitle=_subtitle(template, view),
        instrument=instrument.title,
        edition=f"{instrument.edition}; {instrument.status}",
        head=_device(view),
        foot=instrument.foot,
        vocabulary=template.vocabulary,
        page=template.page,
        audit_id=view.audit_id,
        run_id=view.run_id,
        ledger_root=view.ledger_root,
        created=view.created,
        simulated=view.simulated,
        front=front(view, given, template.vocabulary),
        sections=sections,
        appendix=(),
    )
    used = frozenset(value.statement for value in draft.values)
    return replace(draft, appendix=appendix(view, given, used))


def _device(view: AuditView) -> str:
    own = view.device
    return f"{own.name} {own.version}, {own.manufacturer}" if own else view.candidate.label


def _subtitle(template: Template, view: AuditView) -> str:
    words = translate(template.subtitle, template.vocabulary)
    return f"{_device(view)}. {words}".rstrip(". ") if words else _device(view)


def _section(template: Template, view: AuditView, number: int, section: TemplateSection) -> Section:
    key = f"section-{number}"
    title = f"{number}  {translate(section.title, template.vocabulary)}"
    found = answers(view, section, key, template.vocabulary)
    nodes: list[Node] = [NewPage()] if number == 1 else []
    nodes.append(Heading(title, 1, key))
    if section.clause:
        nodes.append(Paragraph(text(section.clause), "clause"))
    if section.when and not holds(section.when, view):
        nodes.append(
            Paragraph(
                text(f"Not applicable because {translate(section.not_applicable_because, template.vocabulary)}"), "note"
            )
        )
        return Section(key, title, found, tuple(nodes))
    nodes += _panel(view, found)
    nodes += _declared(view, found)
    for call in section.blocks:
        nodes += _block(template, view, call)
    return Section(key, title, found, tuple(nodes))


def _panel(view: AuditView, found: tuple[Answer, ...]) -> Iterator[Node]:
    if found:
        columns = (
            Column("Clause", 1.25),
            Column("Requirement", 1.9),
            Column("Status", 1.35),
            Column("Why; what is missing; who supplies it", 3.5),
        )
        rows = tuple(
            Row((text(each.clause), text(each.title), (status_mark(each.status),), answer_words(view, each)))
            for each in found
        )
        yield Table("", columns, rows)


def _declared(view: AuditView, found: tuple[Answer, ...]) -> Iterator[Node]:
    for answer in found:
        declaration = view.device.declared.get(answer.requirement) if view.device else None
        if declaration and answer.status != "not applicable":
            source = f" Declared by {declaration.author}, {declaration.date.isoformat()}."
            runs = (Text(f"{answer.title}. ", "strong"), Text(declaration.text.strip()), Text(source, "quiet"))
            yield Paragraph(runs, "declared")


def _block(template: Template, view: AuditView, call: BlockCall) -> tuple[Node, ...]:
    block: Block[Any] = entry(BLOCKS_ROOM, call.kind, f"template {template.id}")
    return block.build(view, block.parameters.model_validate(_translated(call.parameters, template.vocabulary)))


def _translated(value: Any, words: str) -> Any:
    if isinstance(value, str):
        return translate(value, words)
    if isinstance(value, dict):
        return {key: _translated(item, words) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_translated(item, words) for item in value]
    return value
