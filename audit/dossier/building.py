"""Documents of an audit: template paths and a view in, PDF, Word and JSON bytes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from audit.datafolders import data_folder
from audit.dossier.pdf import render_pdf
from audit.dossier.resolve import resolve
from audit.dossier.serial import to_json
from audit.dossier.templates import read_template
from audit.dossier.view import AuditView
from audit.dossier.word import render_word

DEFAULTS = ("eu_ai_act_annex_iv.yaml", "fda_performance_testing.yaml")


@dataclass(frozen=True, slots=True)
class BuiltDocument:
    """A document's bytes and the address (text, statement, pointer) of every result printed in it."""

    id: str
    pdf: bytes
    docx: bytes
    json: bytes
    values: list[tuple[str, str, str]]


def default_templates() -> list[Path]:
    """The templates that every audit fills: EU Annex IV and FDA performance testing."""
    return [data_folder("templates") / name for name in DEFAULTS]


def build_documents(view: AuditView, template_paths: Sequence[Path]) -> list[BuiltDocument]:
    """One document per template; raises ``BadInput`` for a template that cannot be read, before any is built."""
    templates = [read_template(path) for path in template_paths]
    built = []
    for template in templates:
        document = resolve(template, view)
        values = [(value.text, value.statement, value.pointer) for value in document.values]
        built.append(BuiltDocument(document.id, render_pdf(document), render_word(document), to_json(document), values))
    return built
