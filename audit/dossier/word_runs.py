"""Runs as WordprocessingML: each result sits in a bookmark of its own that leads back to its evidence.

LibreOffice drops content controls and keeps bookmarks, so bookmarks bind. ``v12_0`` is the first occurrence of the
document's 12th result (``values`` in its JSON); ``d3_0_2`` the third passage where the fourth of its declared texts is
printed first; ``statement_1a2b…`` marks a statement's row in the appendix. Source: ECMA-376, part 1, section 17.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from docx.oxml.ns import nsmap, qn
from docx.oxml.parser import oxml_parser

from audit.dossier.content import Document, Link, Mark, PageOf, Run, Runs, Text, Tone, Value

COLOURS: Mapping[Tone, tuple[str, str, str]] = {
    "good": ("005A8C", "E3EFF6", "\u2713"),
    "part": ("8A5200", "FBF0DF", "\u25d0"),
    "bad": ("A3280A", "FAE6E0", "\u2715"),
    "note": ("17506E", "E8EEF2", "\u25c6"),
    "quiet": ("5B6570", "EEF0F2", "\u2013"),
}
QUIET = "5B6570"
MONO = "Liberation Mono"
VALUE_PREFIX, DECLARED_PREFIX = "v", "d"
Element = Any


class Bookmarks:
    """Names and numbers of a document's bookmarks: one per printed occurrence of a result.

    ``pages``: of the documents built with this one, where a field cannot know them.
    """

    def __init__(self, document: Document, pages: Mapping[str, int] | None = None) -> None:
        self.document, self.pages = document.id, pages or {}
        self._place: dict[tuple[str, str, str], int] = {}
        for index, value in enumerate(document.values):
            self._place.setdefault((value.text, value.statement, value.pointer), index)
        self._used: Counter[int] = Counter()
        self._declared = {name: index for index, name in enumerate(document.declared)}
        self._printed: Counter[str] = Counter()
        self._number = 0

    def of(self, value: Value) -> str:
        """The name of the next occurrence of ``value``."""
        index = self._place[(value.text, value.statement, value.pointer)]
        self._used[index] += 1
        return f"{VALUE_PREFIX}{index}_{self._used[index] - 1}"

    def of_passage(self, requirement: str, part: int) -> str:
        """The name of a passage; its ``part`` 0 begins another occurrence of the declared text."""
        self._printed[requirement] += part == 0
        return f"{DECLARED_PREFIX}{self._declared[requirement]}_{self._printed[requirement] - 1}_{part}"

    def around(self, name: str, inside: Sequence[Element]) -> Iterator[Element]:
        """``inside`` between the start and the end of a bookmark."""
        self._number += 1
        yield element("w:bookmarkStart", {"w:id": str(self._number), "w:name": name})
        yield from inside
        yield element("w:bookmarkEnd", {"w:id": str(self._number)})


def element(tag: str, attributes: Mapping[str, str] | None = None, *children: Element) -> Element:
    """An element with prefixed attribute names."""
    made = oxml_parser.makeelement(_name(tag), nsmap=_namespace(tag.partition(":")[0]))
    for name, value in (attributes or {}).items():
        made.set(_name(name), value)
    made.extend(children)
    return made


@cache
def _name(name: str) -> str:
    """The name with its namespace, where it has a prefix."""
    return str(qn(name)) if ":" in name else name


@cache
def _namespace(prefix: str) -> Mapping[str, str]:
    return {prefix: nsmap[prefix]}


def run_elements(runs: Runs, bookmarks: Bookmarks) -> Iterator[Element]:
    """The runs of one paragraph."""
    for run in runs:
        yield from _one(run, bookmarks)


def _one(run: Run, bookmarks: Bookmarks) -> Iterator[Element]:
    if isinstance(run, Value):
        inner = [word_run(run.text, run.style)]
        yield from bookmarks.around(bookmarks.of(run), [hyperlink(statement_bookmark(run.statement), inner)])
    elif isinstance(run, Link):
        yield hyperlink(statement_bookmark(run.statement), [word_run(run.text)])
    elif isinstance(run, Mark):
        yield _mark(run)
    elif isinstance(run, PageOf) and run.document not in ("", bookmarks.document):
        yield word_run(str(bookmarks.pages.get(run.place, "–")))
    elif isinstance(run, PageOf):
        yield from field(f"PAGEREF {heading_bookmark(run.key)} \\h", "–")
    else:
        assert isinstance(run, Text)
        yield word_run(run.text, run.style)


def word_run(words: str, style: str = "plain", colour: str = "", bold: bool = False) -> Element:
    """One ``w:r`` with its text; ``style`` as of the content tree."""
    properties = element("w:rPr")
    if style == "mono":
        properties.append(element("w:rFonts", {"w:ascii": MONO, "w:hAnsi": MONO, "w:cs": MONO}))
    if bold or style == "strong":
        properties.append(element("w:b"))
    if style == "emphasis":
        properties.append(element("w:i"))
    shown = colour or (QUIET if style == "quiet" else "")
    if shown:
        properties.append(element("w:color", {"w:val": shown}))
    text = element("w:t", {"xml:space": "preserve"})
    text.text = allowed(words)
    return element("w:r", None, properties, text)


def allowed(words: str) -> str:
    """The words without the control characters that XML cannot hold."""
    return "".join(letter for letter in words if letter in "\t\n" or ord(letter) >= 0x20)


def _mark(mark: Mark) -> Element:
    colour, tint, symbol = COLOURS[mark.tone]
    run = word_run(f"{symbol}\u00a0{mark.text}", colour=colour, bold=True)
    run.find(qn("w:rPr")).append(element("w:shd", {"w:val": "clear", "w:color": "auto", "w:fill": tint}))
    return run


def hyperlink(anchor: str, inside: Sequence[Element]) -> Element:
    """A link to a bookmark of the same document."""
    return element("w:hyperlink", {"w:anchor": anchor, "w:history": "1"}, *inside)


def field(instruction: str, shown: str) -> Iterator[Element]:
    """A field that Word brings up to date when the file is opened; ``shown`` until then."""
    yield element("w:r", None, element("w:fldChar", {"w:fldCharType": "begin", "w:dirty": "true"}))
    code = element("w:instrText", {"xml:space": "preserve"})
    code.text = f" {instruction} "
    yield element("w:r", None, code)
    yield element("w:r", None, element("w:fldChar", {"w:fldCharType": "separate"}))
    yield word_run(shown)
    yield element("w:r", None, element("w:fldChar", {"w:fldCharType": "end"}))


def statement_bookmark(statement: str) -> str:
    """The bookmark of a statement's row in the appendix (at most 40 characters, as LibreOffice keeps)."""
    return f"statement_{statement[:16]}"


def heading_bookmark(key: str) -> str:
    """The bookmark of a heading."""
    return ("h_" + "".join(letter if letter.isalnum() else "_" for letter in key))[:40]
