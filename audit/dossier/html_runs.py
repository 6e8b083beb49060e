"""Runs as HTML: each result is a link to its statement, with its own address in ``data-evidence``."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from audit.dossier.content import Document, Link, Mark, PageOf, Run, Runs, Text, Value
from audit.dossier.pdf_style import TONES
from audit.dossier.pdf_text import statement_key

EVIDENCE = "data-evidence"
TAGS = {"plain": ("", ""), "strong": ("<b>", "</b>"), "emphasis": ("<em>", "</em>"),
        "quiet": ('<span class="q">', "</span>"), "mono": ("<code>", "</code>")}  # fmt: skip


class Places:
    """What a place of the document, or of one built with it, is called where pages are asked for."""

    def __init__(self, document: Document, pages: Mapping[str, int]) -> None:
        self._document, self._pages = document.id, pages
        self._titles = {section.key: section.title.partition("  ")[0] for section in document.sections}

    def link(self, place: PageOf) -> str:
        """A section's number as a link inside this document; the page in the PDF of another one."""
        if place.document not in ("", self._document):
            return str(self._pages.get(place.place, "–"))
        if place.key not in self._titles:
            return "–"
        return f'<a href="#{escape(place.key)}">§ {escape(self._titles[place.key])}</a>'


def runs_html(runs: Runs, places: Places) -> str:
    """The runs of one paragraph or cell; whatever stands in them is text."""
    return "".join(_one(run, places) for run in runs)


def _one(run: Run, places: Places) -> str:
    if isinstance(run, Value):
        start, end = TAGS[run.style]
        target = f'href="#{statement_key(run.statement)}" {EVIDENCE}="{escape(run.reference)}"'
        return f'{start}<a class="v" {target}>{escape(run.text)}</a>{end}'
    if isinstance(run, Link):
        return f'<a href="#{statement_key(run.statement)}">{escape(run.text)}</a>'
    if isinstance(run, Mark):
        sign = TONES[run.tone][2]
        return f'<span class="k {run.tone}"><span aria-hidden="true">{sign}&nbsp;</span>{escape(run.text)}</span>'
    if isinstance(run, PageOf):
        return places.link(run)
    assert isinstance(run, Text)
    start, end = TAGS[run.style]
    return f"{start}{escape(run.text)}{end}"
