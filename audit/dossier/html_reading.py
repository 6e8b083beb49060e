"""Reads an HTML document that came back: each result by its ``data-evidence``, and the words outside of results.

Nothing in the file is run, fetched or resolved: it is taken apart as text (``html.parser``), within bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from audit.dossier.html_runs import EVIDENCE
from audit.dossier.pdf_reading import PREFIX, PdfText, Printed
from audit.records import BadInput

LARGEST = 64 * 1024 * 1024
RESULTS = 200_000
LONGEST_ADDRESS = 4_096
UNSEEN = ("style", "script", "title", "template", "noscript")
BLOCKS = ("p", "li", "td", "th", "dt", "dd", "h1", "h2", "h3", "h4", "caption", "figcaption", "text", "section", "div")


@dataclass(frozen=True, slots=True)
class HtmlText(PdfText):
    """As ``PdfText``, with a part (front, section, appendix) in the place of a page, and the passages of prose."""

    passages: Sequence[str] = ()


def read_html(path: Path) -> HtmlText:
    """Results and remaining words of the HTML in ``path``; raises ``BadInput`` where it cannot be read in bounds."""
    if path.stat().st_size > LARGEST:
        raise BadInput(f"{path}: more than {LARGEST // 2**20} MiB; not read.")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: no HTML in UTF-8; give the file as it was delivered.") from error
    reader = _Reader()
    reader.feed(text)
    reader.close()
    if len(reader.results) > RESULTS:
        raise BadInput(f"{path}: more than {RESULTS:,} results; not read.")
    loose = [" ".join(words) for words in reader.parts]
    return HtmlText(reader.results, loose, [" ".join(each.split()) for each in reader.passages if each.strip()])


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.results: list[Printed] = []
        self.parts: list[list[str]] = [[]]
        self.passages: list[str] = [""]
        self._unseen = 0
        self._reference = ""
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in UNSEEN:
            self._unseen += 1
        if tag == "section":
            self.parts.append([])
        if tag in BLOCKS:
            self.passages.append("")
        reference = dict(attrs).get(EVIDENCE) or ""
        if reference.startswith(PREFIX):
            self._reference, self._text = reference[:LONGEST_ADDRESS], []

    def handle_endtag(self, tag: str) -> None:
        if tag in UNSEEN and self._unseen:
            self._unseen -= 1
        if tag == "a" and self._reference:
            words = "".join("".join(self._text).split())
            self.results.append(Printed(self._reference, words, len(self.parts)))
            self._reference = ""
        if tag in BLOCKS:
            self.passages.append("")

    def handle_data(self, data: str) -> None:
        if self._unseen:
            return
        if self._reference:
            self._text.append(data)
            return
        self.parts[-1].append(data)
        self.passages[-1] += data
