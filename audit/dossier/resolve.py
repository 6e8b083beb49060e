"""Template and audit → document: every requirement answered, every block filled from evidence or in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from audit.catalogue import entry
from audit.dossier.appendix import appendix
from audit.dossier.block import Block
from audit.dossier.catalogues import instruments, writing_style
from audit.dossier.conditions import holds
from audit.dossier.content import (
    Document,
    Heading,
    NewPage,
    Node,
    Paragraph,
    Section,
    Text,
    text,
)
from audit.dossier.declared_texts import declared_texts
from audit.dossier.front import front
from audit.dossier.locating import Shared, block_name, first_place
from audit.dossier.panels import checklist_panel, requirement_panel
from audit.dossier.revision_history import revision_history
from audit.dossier.small_cells import suppressed
from audit.dossier.statuses import answers
from audit.dossier.styling import styled
from audit.dossier.templates import BLOCKS_ROOM, BlockCall, Template, TemplateSection, of_market, translate
from audit.dossier.view import AuditView

NAMED_IN_SENTENCES = ("case_mix", "age_band", "expert_panel", "follow_up", "single_reader", "report_mining")
"""Keys of a plan and kinds of reference that the evidence names, beside the strata."""


def resolve(template: Template, view: AuditView, shared: Shared | None = None) -> Document:
    """The document of ``template`` for the audit in ``view``; pure: the same view gives the same document.

    ``shared`` keeps the blocks that other documents of the same view built before, and the pages that checklists name.
    """
    common = shared or Shared()
    built = [[_block(template, view, call, common) for call in section.blocks] for section in template.sections]
    places = _places(template, view, built)
    sections = tuple(
        _section(template, view, number, each, places, common, built[number - 1])
        for number, each in enumerate(template.sections, 1)
    )
    instrument = instruments()[template.instrument]
    given = tuple(answer for section in sections for answer in section.answers)
    style, names = writing_style(template.vocabulary), (*_named(view), *NAMED_IN_SENTENCES)
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
        public=template.public,
        audit_id=view.audit_id,
        run_id=view.run_id,
        ledger_root=view.ledger_root,
        created=view.created,
        simulated=view.simulated,
        front=styled(front(view, given, template), style, names),
        sections=tuple(replace(each, nodes=styled(each.nodes, style, names)) for each in sections),
        appendix=(),
        places=tuple(places.items()),
    )
    draft = suppressed(draft, view) if template.public else draft
    history = revision_history(view, template.id)
    used = replace(draft, appendix=history).cited
    closing = appendix(view, given, used, template.closing)
    return replace(draft, appendix=styled((*history, *closing), style))


def _named(view: AuditView) -> tuple[str, ...]:
    """Strata and case features of the plan, as sentences of the evidence name them."""
    asked = view.plan.explanations
    return (*view.plan.strata, *(asked.features if asked else ()))


def _places(template: Template, view: AuditView, built: list[list[tuple[Node, ...]]]) -> Mapping[str, str]:
    """Block -> key of its first table or figure, for the blocks that this document prints."""
    found: dict[str, str] = {}
    for section, blocks in zip(template.sections, built, strict=True):
        if section.when and not holds(section.when, view):
            continue
        for call, nodes in zip(section.blocks, blocks, strict=True):
            key = first_place(nodes)
            if key:
                found.setdefault(block_name(call.kind, call.parameters), key)
    return found


def _device(view: AuditView) -> str:
    own = view.device
    return f"{own.name} {own.version}, {own.manufacturer}" if own else view.candidate.label


def _subtitle(template: Template, view: AuditView) -> str:
    words = translate(template.subtitle, template.vocabulary)
    return f"{_device(view)}. {words}".rstrip(". ") if words else _device(view)


def _section(
    template: Template,
    view: AuditView,
    number: int,
    section: TemplateSection,
    places: Mapping[str, str],
    shared: Shared,
    built: list[tuple[Node, ...]],
) -> Section:
    key = f"section-{number}"
    title = f"{number}  {translate(section.title, template.vocabulary)}"
    found = answers(view, section, key, template.vocabulary)
    nodes: list[Node] = [NewPage()] if number == 1 and template.front == "full" else []
    nodes.append(Heading(title, 1, key))
    if section.clause:
        nodes.append(Paragraph(text(section.clause), "clause"))
    nodes += _scope(section, template.vocabulary)
    if section.when and not holds(section.when, view):
        nodes.append(
            Paragraph(
                text(f"Not applicable because {translate(section.not_applicable_because, template.vocabulary)}"), "note"
            )
        )
        return Section(key, title, found, tuple(nodes))
    panel = section.panel or template.panel
    if panel == "checklist":
        nodes += checklist_panel(view, found, places, shared, template.pages_of)
    elif panel == "requirements":
        nodes += requirement_panel(view, found)
    nodes += declared_texts(view, found, template.vocabulary)
    for each in built:
        nodes += each
    return Section(key, title, found, tuple(nodes))


def _scope(section: TemplateSection, words: str) -> Iterator[Node]:
    """What the section shows and what it does not, so that nobody reads more into it."""
    said = (("Shows: ", section.shows), ("Does not show: ", section.shows_not))
    runs = tuple(
        run for label, given in said if given for run in (Text(label, "strong"), Text(f"{translate(given, words)} "))
    )
    if runs:
        yield Paragraph(runs, "note")


def _block(template: Template, view: AuditView, call: BlockCall, shared: Shared) -> tuple[Node, ...]:
    """The block's nodes; built once for all documents whose words give it the same parameters."""
    block: Block[Any] = entry(BLOCKS_ROOM, call.kind, f"template {template.id}")
    parameters = dict(_translated(call.parameters, template.vocabulary)) | of_market(block, template)
    key = (call.kind, json.dumps(parameters, sort_keys=True, default=str))
    if key not in shared.blocks:
        shared.blocks[key] = block.build(view, block.parameters.model_validate(parameters))
    return shared.blocks[key]


def _translated(value: Any, words: str) -> Any:
    if isinstance(value, str):
        return translate(value, words)
    if isinstance(value, dict):
        return {key: _translated(item, words) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_translated(item, words) for item in value]
    return value
