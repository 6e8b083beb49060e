"""Documents of an audit: template paths and a view in, PDF, Word, HTML and JSON bytes out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from audit.datafolders import data_folder
from audit.dossier.catalogues import instruments
from audit.dossier.conditions import holds
from audit.dossier.content import page_key
from audit.dossier.fda_lint import in_words, lint
from audit.dossier.html_page import render_html
from audit.dossier.locating import Shared
from audit.dossier.pdf import paginated
from audit.dossier.resolve import resolve
from audit.dossier.serial import to_json
from audit.dossier.templates import Template, read_template
from audit.dossier.view import AuditView
from audit.dossier.word import render_word
from audit.records import BadInput

DATA = {"answers", "clause_labels", "device.example", "instruments", "reading_maps", "vocabulary"}
"""Files of ``templates/`` that are no document."""


@dataclass(frozen=True, slots=True)
class BuiltDocument:
    """A document's bytes and the address (text, statement, pointer) of every result printed in it."""

    id: str
    pdf: bytes
    docx: bytes
    html: bytes
    json: bytes
    values: list[tuple[str, str, str]]

    @property
    def files(self) -> dict[str, bytes]:
        """What is delivered, by suffix."""
        return {"pdf": self.pdf, "docx": self.docx, "html": self.html, "json": self.json}


def default_templates() -> list[Path]:
    """Every document that the project ships: one YAML file each."""
    return [path for path in sorted(data_folder("templates").glob("*.yaml")) if path.stem not in DATA]


@cache
def template_at(path: Path) -> Template:
    """A template of the project, read once."""
    return read_template(path)


def applicable_templates(view: AuditView) -> list[Path]:
    """The documents of the markets in device.yaml (of both where there is none) that concern this device."""
    return [path for path in default_templates() if _applies(template_at(path), view)]


def _applies(template: Template, view: AuditView) -> bool:
    market = instruments()[template.instrument].market
    return market in (*view.markets, "both") and holds(template.when, view)


def build_documents(view: AuditView, template_paths: Sequence[Path]) -> list[BuiltDocument]:
    """One document per template; raises ``BadInput`` for a template that cannot be read, before any is built.

    Documents that name pages of others are built after them; the order of the answer is that of the paths.
    """
    templates = [read_template(path) for path in template_paths]
    shared = Shared()
    built = {template.id: _built(template, view, shared) for template in _pages_first(templates)}
    return [built[template.id] for template in templates]


def _pages_first(templates: Iterable[Template]) -> list[Template]:
    return sorted(templates, key=lambda template: bool(template.pages_of))


def _built(template: Template, view: AuditView, shared: Shared) -> BuiltDocument:
    document = resolve(template, view, shared)
    data, for_fda = to_json(document), instruments()[template.instrument].market == "us"
    pdf, layout = paginated(document, shared.elsewhere, b"" if for_fda else data)
    faults = lint(f"{document.id}.pdf", pdf) if for_fda else []
    if faults:
        raise BadInput(in_words(f"{document.id}.pdf", faults))
    shared.elsewhere.update({page_key(document.id, key): page for key, page in layout.pages.items()})
    shared.pages[template.id] = {name: layout.pages[key] for name, key in document.places if key in layout.pages}
    shared.titles[template.id] = document.title
    values = [(value.text, value.statement, value.pointer) for value in document.values]
    docx, page = render_word(document, shared.elsewhere), render_html(document, shared.elsewhere)
    return BuiltDocument(document.id, pdf, docx, page, data, values)
