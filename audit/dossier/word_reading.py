"""Reads a Word document that came back from an editor: which results were changed, which prose.

Results are found by their bookmarks, which Word and LibreOffice keep, and so are declared texts; what is left is
compared paragraph by paragraph with the delivered file. Nothing is taken over here: an edited result is a finding, an
edited declared text waits for somebody to hand it back.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from lxml import etree

from audit.dossier.content import Passage, Text
from audit.dossier.prose import numbered, words_of
from audit.dossier.word_declared import Block, blocks, is_declared
from audit.dossier.word_runs import VALUE_PREFIX
from audit.records import BadInput

WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
NAME = re.compile(rf"{VALUE_PREFIX}(\d+)_(\d+)")
BODY, FOOT = re.compile(r"word/document\.xml"), re.compile(r"word/footer\d*\.xml")
CORE = re.compile(r"docProps/core\.xml")
LARGEST = 200 * 1024 * 1024
GENERATED = ("PAGEREF", "NUMPAGES", "PAGE")


@dataclass(frozen=True, slots=True)
class Edited:
    """A result whose text is not the delivered one ('' : it was removed), by its place among the document's values."""

    index: int
    delivered: str
    found: str


@dataclass(frozen=True, slots=True)
class Reworded:
    """A passage of prose as delivered and as it came back; '' where one of them has none."""

    delivered: str
    found: str


@dataclass(frozen=True, slots=True)
class WordText:
    """What a Word file says: the text of each result's bookmark, its paragraphs without results and declared texts,
    and the declared texts as they are printed."""

    values: Mapping[str, str]
    paragraphs: Sequence[str]
    declared: tuple[Block, ...] = ()


def read_word(data: bytes, where: str) -> WordText:
    """Bookmarked results and paragraphs of a DOCX file; raises ``BadInput`` where ``data`` is none."""
    (body,) = _parts(data, where, BODY)
    values: dict[str, list[str]] = {}
    paragraphs: list[str] = []
    groups: list[list[Any]] = [[]]
    for each in body.iter(f"{WORD}p"):
        words = _plain(_paragraph(each, values))
        if is_declared(each):
            groups[-1].append(each)
        elif words:
            paragraphs.append(words)
            groups.append([])
    joined = {name: _plain("".join(parts)) for name, parts in values.items()}
    return WordText(joined, paragraphs, blocks(groups))


def edited_values(delivered: WordText, found: WordText) -> list[Edited]:
    """Results that were changed or removed, in the order of the document's values."""
    out = []
    for name, words in delivered.values.items():
        match = NAME.fullmatch(name)
        now = found.values.get(name, "")
        if match and now != words:
            out.append(Edited(int(match.group(1)), words, now))
    return sorted(out, key=lambda one: one.index)


def reworded(delivered: WordText, found: WordText) -> list[Reworded]:
    """Passages of prose that differ, results left out."""
    one, other = list(delivered.paragraphs), list(found.paragraphs)
    steps = SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
    return [Reworded("\n".join(one[a:b]), "\n".join(other[c:d])) for tag, a, b, c, d in steps if tag != "equal"]


def reread(delivered: WordText, found: WordText) -> dict[int, list[tuple[Passage, ...]]]:
    """Declared texts that differ from the delivered ones, by their number in the document: each different new version.

    A text that was taken out has an empty version.
    """
    before = {(each.index, each.occurrence): numbered(each.parts) for each in delivered.declared}
    after = {(each.index, each.occurrence): numbered(each.parts) for each in found.declared}
    out: dict[int, list[tuple[Passage, ...]]] = {}
    for key, parts in before.items():
        now = after.get(key, ())
        if key[0] is not None and _spoken(now) != _spoken(parts) and now not in out.setdefault(key[0], []):
            out[key[0]].append(now)
    return {index: versions for index, versions in out.items() if versions}


def strangers(found: WordText) -> list[str]:
    """Passages in the style of declared texts that belong to none."""
    return [words_of(each.parts) for each in found.declared if each.index is None and words_of(each.parts).strip()]


def _spoken(parts: Sequence[Passage]) -> list[tuple[object, ...]]:
    """The passages as they are compared: kind, place and words by style, white space aside."""
    return [
        (
            each.kind,
            each.depth,
            each.marker,
            *((_plain(run.text), run.style) for run in each.runs if isinstance(run, Text)),
        )
        for each in parts
    ]


def core_of(data: bytes, where: str) -> dict[str, str]:
    """Identifier and keywords of the file; empty strings where an editor dropped them."""
    (core,) = _parts(data, where, CORE)
    return {name: str(core.findtext(f"{{*}}{name}") or "") for name in ("identifier", "keywords")}


def foot_of(data: bytes, where: str) -> str:
    """The words in the feet of a DOCX file's pages; raises ``BadInput`` where ``data`` is none."""
    feet = _parts(data, where, FOOT)
    return "\n".join("".join(text.text or "" for text in foot.iter(f"{WORD}t")) for foot in feet)


def _parts(data: bytes, where: str, named: re.Pattern[str]) -> list[Any]:
    """The package's XML parts whose name fits; ``BadInput`` where there is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            entries = [entry for entry in package.infolist() if named.fullmatch(entry.filename)]
            size = sum(entry.file_size for entry in entries)
            if size > LARGEST:
                raise BadInput(f"{where}: its text is {size // 2**20} MiB, more than {LARGEST // 2**20}; not read.")
            if not entries:
                raise KeyError(named.pattern)
            return [_xml(package.read(entry), where) for entry in entries]
    except (zipfile.BadZipFile, KeyError) as error:
        raise BadInput(f"{where}: no Word document (DOCX); give the file as Word or LibreOffice saved it.") from error


def _xml(xml: bytes, where: str) -> Any:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    try:
        return etree.fromstring(xml, parser)
    except etree.XMLSyntaxError as error:
        raise BadInput(f"{where}: its text cannot be read ({error.msg}); save it again as DOCX.") from error


def _paragraph(paragraph: Any, values: dict[str, list[str]]) -> str:
    """The paragraph's words without results and fields; the results' words go into ``values`` by bookmark."""
    prose: list[str] = []
    open_names: dict[str, str] = {}
    fields: list[list[str]] = []
    for part in paragraph.iter():
        if part.tag == f"{WORD}bookmarkStart" and NAME.fullmatch(part.get(f"{WORD}name", "")):
            open_names[part.get(f"{WORD}id")] = part.get(f"{WORD}name")
            values.setdefault(part.get(f"{WORD}name"), [])
        elif part.tag == f"{WORD}bookmarkEnd":
            open_names.pop(part.get(f"{WORD}id"), None)
        elif part.tag == f"{WORD}fldChar":
            _field(part.get(f"{WORD}fldCharType"), fields)
        elif part.tag == f"{WORD}instrText" and fields:
            fields[-1].append(part.text or "")
        elif part.tag == f"{WORD}t" and not _generated(fields):
            for name in open_names.values():
                values[name].append(part.text or "")
            if not open_names:
                prose.append(part.text or "")
    return "".join(prose)


def _field(kind: str, fields: list[list[str]]) -> None:
    if kind == "begin":
        fields.append([])
    elif kind == "end" and fields:
        fields.pop()


def _generated(fields: list[list[str]]) -> bool:
    return any("".join(code).strip().startswith(GENERATED) for code in fields)


def _plain(words: str) -> str:
    return " ".join(words.replace("\u00a0", " ").split())


def numbers_of(passages: Sequence[Reworded]) -> Iterator[str]:
    """Numbers that stand in changed prose and did not before: results that no evidence holds."""
    for each in passages:
        before = set(re.findall(r"\d+(?:[.,]\d+)*", each.delivered))
        yield from (found for found in re.findall(r"\d+(?:[.,]\d+)*", each.found) if found not in before)
