"""Declared passages of a Word file, as an editor left them: found by their bookmarks, and by the style of new ones.

A block is a stretch of declared passages without other words between them: one printing of one declared text. Tracked
changes are read as accepted: inserted words count, deleted ones do not. Source: ECMA-376, part 1, section 17.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from audit.dossier.content import Passage, Style, Text
from audit.dossier.prose import BULLET, joined
from audit.dossier.word_runs import DECLARED_PREFIX, MONO

WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
NAME = re.compile(rf"{DECLARED_PREFIX}(\d+)_(\d+)_\d+")
STYLE = re.compile(r"AuditDeclared(?:(Heading|Item)([123]))?")
MARKER = re.compile(rf"^\s*({BULLET}|\d{{1,9}}[.)])\s*")
OFF = ("0", "false", "off")


@dataclass(frozen=True, slots=True)
class Block:
    """One printing of a declared text: which of the document's (None: nobody's), the how-manyth, its passages."""

    index: int | None
    occurrence: int
    parts: tuple[Passage, ...]


def is_declared(paragraph: Any) -> bool:
    """Whether a paragraph belongs to a declared text, by its style or by its bookmark."""
    return STYLE.fullmatch(_style_id(paragraph)) is not None or bool(_names(paragraph))


def blocks(groups: Sequence[Sequence[Any]]) -> tuple[Block, ...]:
    """The blocks of stretches of declared paragraphs."""
    return tuple(_block(group) for group in groups if group)


def _block(paragraphs: Sequence[Any]) -> Block:
    names = [name for each in paragraphs for name in _names(each)]
    index, occurrence = names[0] if names else (None, 0)
    return Block(index, occurrence, tuple(_passage(each) for each in paragraphs))


def _names(paragraph: Any) -> list[tuple[int, int]]:
    found = (NAME.fullmatch(mark.get(f"{WORD}name", "")) for mark in paragraph.iter(f"{WORD}bookmarkStart"))
    return [(int(match.group(1)), int(match.group(2))) for match in found if match]


def _style_id(paragraph: Any) -> str:
    style = paragraph.find(f"{WORD}pPr/{WORD}pStyle")
    return "" if style is None else str(style.get(f"{WORD}val", ""))


def _passage(paragraph: Any) -> Passage:
    styled, runs = STYLE.fullmatch(_style_id(paragraph)), joined(list(_runs(paragraph)))
    if styled is None or not styled.group(1):
        return Passage(runs)
    depth = int(styled.group(2))
    if styled.group(1) == "Heading":
        return Passage(runs, "heading", depth)
    marker = MARKER.match("".join(run.text for run in runs if isinstance(run, Text)))
    return Passage(_without(runs, marker.end() if marker else 0), "item", depth, marker[1] if marker else BULLET)


def _without(runs: Sequence[Any], letters: int) -> tuple[Text, ...]:
    """The runs without the first ``letters`` of their words."""
    left: list[Text] = []
    for run in runs:
        cut = min(letters, len(run.text))
        letters -= cut
        left += [Text(run.text[cut:], run.style)] if run.text[cut:] else []
    return tuple(left)


def _runs(paragraph: Any) -> Iterator[Text]:
    for run in paragraph.iter(f"{WORD}r"):
        words = "".join(_words(run))
        if words:
            yield Text(words, _style(run.find(f"{WORD}rPr")))


def _words(run: Any) -> Iterator[str]:
    for part in run:
        if part.tag == f"{WORD}t":
            yield part.text or ""
        elif part.tag in (f"{WORD}tab", f"{WORD}br", f"{WORD}cr"):
            yield " "
        elif part.tag == f"{WORD}noBreakHyphen":
            yield "\u2011"


def _style(properties: Any) -> Style:
    if properties is None:
        return "plain"
    fonts, named = properties.find(f"{WORD}rFonts"), properties.find(f"{WORD}rStyle")
    name = "" if named is None else str(named.get(f"{WORD}val", ""))
    if fonts is not None and fonts.get(f"{WORD}ascii") == MONO:
        return "mono"
    if _on(properties, "b") or name.startswith("Strong"):
        return "strong"
    return "emphasis" if _on(properties, "i") or name == "Emphasis" else "plain"


def _on(properties: Any, name: str) -> bool:
    found = properties.find(f"{WORD}{name}")
    return found is not None and found.get(f"{WORD}val", "1") not in OFF
