"""What ``audit verify`` says about an HTML file that is not the delivered one: results, numbers, prose."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from audit.dossier.html_reading import HtmlText, read_html
from audit.dossier.word_reading import WordText, reworded
from audit.evidence.difference import Difference
from audit.evidence.store import open_audit
from audit.records import BadInput
from audit.verifying.pdf_checking import Format, diagnose, source_of
from audit.verifying.word_checking import prose_differences

HTML = Format(".html", read_html, "part")


def diagnose_html(home: Path, path: Path, named: tuple[str, str] | None) -> tuple[Difference, ...]:
    """Every result in ``path`` that is not as delivered, then the passages of prose that were edited.

    ``named``: audit and document that bear the file's name. Empty where no audit of this home has to do with it.
    """
    return (*diagnose(home, path, named, HTML), *_prose(home, path, named))


def _prose(home: Path, path: Path, named: tuple[str, str] | None) -> Iterator[Difference]:
    try:
        found = read_html(path)
        source = source_of(home, found, HTML) or (named if found.results else None)
        if source:
            delivered = read_html(open_audit(home, source[0]).folder / source[1])
            yield from prose_differences(path.name, reworded(_words(delivered), _words(found)))
    except BadInput:  # said already, where the results were compared
        return


def _words(text: HtmlText) -> WordText:
    return WordText({}, text.passages)
