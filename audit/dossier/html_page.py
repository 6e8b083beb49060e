"""A resolved document as one HTML file: no script, no network, nothing but text where text was given; same bytes twice.

The page forbids itself everything but its own style and pictures (Content-Security-Policy), so that a label which
looks like markup stays a label. Accessibility after WCAG 2.2: language, one heading order, header cells, descriptions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

from audit.dossier.catalogues import writing_style
from audit.dossier.content import Document
from audit.dossier.html_blocks import node_html
from audit.dossier.html_runs import Places

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
STYLE = (Path(__file__).parent / "html_page.css").read_text(encoding="utf-8")


def render_html(document: Document, pages: Mapping[str, int] | None = None) -> bytes:
    """The document's bytes (UTF-8); ``pages``: of the documents built with this one, by ``content.page_key``."""
    return ("\n".join(_lines(document, Places(document, pages or {}))) + "\n").encode()


def _lines(document: Document, places: Places) -> Iterator[str]:
    language = writing_style(document.vocabulary).language
    yield f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{escape(document.title)} · {escape(document.head)}</title>"
    yield f'<meta name="audit" content="{escape(document.audit_id)}/{escape(document.id)}">'
    yield f"<style>{STYLE}</style></head><body>"
    yield from _header(document)
    yield "<main>"
    yield from _nodes(document.front, document, places)
    for section in document.sections:
        yield f'<section aria-labelledby="{escape(section.key)}">'
        yield from _nodes(section.nodes, document, places)
        yield "</section>"
    yield "<section>"
    yield from _nodes(document.appendix, document, places)
    yield "</section></main>"
    yield f"<footer><p>Audit {escape(document.audit_id)} · ledger root <code>{escape(document.ledger_root)}</code></p>"
    yield f"<p>{escape(document.foot)}</p></footer></body></html>"


def _header(document: Document) -> Iterator[str]:
    simulated = '<p class="simulated">SIMULATED DATA</p>' if document.simulated else ""
    yield f"<header>{simulated}<h1>{escape(document.title)}</h1><p>{escape(document.subtitle)}</p>"
    made = f"{document.instrument}: {document.edition}. Made {document.made}."
    yield f'<p class="note">{escape(made)}</p></header>'


def _nodes(nodes: tuple[object, ...], document: Document, places: Places) -> Iterator[str]:
    for node in nodes:
        yield from node_html(node, document, places)  # type: ignore[arg-type]
