"""Declared texts as a document prints them: what they answer, who declared them when and where, then their words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from audit.dossier.catalogues import writing_style
from audit.dossier.content import Answer, Link, Node, Passage, Prose, Runs, Text
from audit.dossier.device import Declaration
from audit.dossier.view import AuditView

DEVICE_FILE = "device.yaml"


def declared_texts(view: AuditView, found: tuple[Answer, ...], words: str) -> Iterator[Node]:
    """Each declared text once, under every clause of the section that it answers."""
    answered: dict[int, list[Answer]] = {}
    declarations = {}
    for answer in found:
        declaration = view.device.declared.get(answer.requirement) if view.device else None
        if declaration and answer.kind != "computed" and answer.status != "not applicable":
            answered.setdefault(id(declaration), []).append(answer)
            declarations[id(declaration)] = declaration
    for key, declaration in declarations.items():
        titles = "; ".join(dict.fromkeys(each.title for each in answered[key]))
        yield Passage((Text(f"{titles}. ", "strong"), *declared_source(view, declaration, words)), "head")
        yield from _printed(declaration, _name(view, declaration))


def _name(view: AuditView, declaration: Declaration) -> str:
    """The requirement under which device.yaml holds the text."""
    known = view.device.declared if view.device else {}
    return next(name for name, each in known.items() if each is declaration)


def _printed(declaration: Declaration, requirement: str) -> Iterator[Passage]:
    for part in declaration.parts:
        runs = (Prose(run.text, run.style, requirement) for run in part.runs if isinstance(run, Text))
        yield replace(part, runs=tuple(runs))


def declared_source(view: AuditView, declaration: Declaration, words: str) -> Runs:
    """Who declared it when, and the statement that holds the words, where the audit has stated them."""
    day = writing_style(words).day(declaration.date.isoformat())
    said = f"Declared by {declaration.author}, {day}"
    file = declaration.file or DEVICE_FILE
    statement = view.stated(file)
    where: Runs = (Text(" (", "quiet"), Link(file, statement.id), Text(")", "quiet")) if statement else ()
    source = declaration.figures_from
    figures = f". Its figures come from {source}, not from this audit." if source else "."
    return (Text(said, "quiet"), *where, Text(figures, "quiet"))
