"""Declared prose: a Markdown subset (paragraphs, headings, lists, emphasis) as passages, and passages as Markdown.

The words are the manufacturer's. Raw HTML, pictures, links, tables, code blocks, quotations and ruled lines are refused
with their line: nothing is left out in silence, and nothing is fetched. Source: CommonMark 0.31.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from audit.dossier.content import Passage, Runs, Style, Text
from audit.records import BadInput

READER = MarkdownIt("commonmark").enable("table").disable("reference")  # a definition would vanish from the text
DEEPEST = 3
BULLET = "\u2022"
REFUSED = {
    "html_block": "raw HTML is not printed; write the words alone",
    "html_inline": "raw HTML is not printed; write the words alone",
    "image": "a picture cannot stand in declared prose; write the words alone",
    "link_open": "a link is not printed; write the reference or the address in words",
    "fence": "a block of code is not printed; take the fence away",
    "code_block": "a line that begins with four spaces or a tab would read as code; take the indentation away",
    "blockquote_open": "a quotation (>) is not printed; write it as a paragraph",
    "table_open": "a table cannot stand in declared prose; write a list",
    "hr": "a ruled line is not printed; use a heading (#) to part the text",
}
MARKS: dict[str, Style] = {"strong": "strong", "em": "emphasis"}
SIGNS: dict[Style, str] = {"plain": "", "strong": "**", "emphasis": "*", "mono": "`", "quiet": ""}
SPECIAL = re.compile(r"[\\`*_\[]|<(?=[A-Za-z/!?])|&(?=#?\w+;)")
LEADING = re.compile(r"^(?:[-+#>=~]|\d{1,9}(?=[.)]))")
BLANK = re.compile(r"[ \t\r\n]+")


@dataclass
class _State:
    """Where the reading stands: counters of the open lists (None: bullets), whether an item awaits its words."""

    lists: list[int | None] = field(default_factory=list)
    marker: str = ""
    heading: int = 0


@lru_cache(maxsize=512)
def passages(source: str, where: str) -> tuple[Passage, ...]:
    """The passages of a Markdown text; raises ``BadInput`` naming ``where`` and the line of what cannot be printed."""
    state, found = _State(), list[Passage]()
    for token in READER.parse(source.removeprefix("\ufeff")):
        found += _read(token, state, where)
    if not found:
        raise BadInput(f"{where}: holds no words; write the text, or take the entry out of device.yaml.")
    return tuple(found)


def plain_passage(words: str) -> tuple[Passage, ...]:
    """One paragraph of words as they are, without Markdown."""
    return (Passage((Text(BLANK.sub(" ", words).strip()),)),)


def _read(token: Token, state: _State, where: str) -> Iterator[Passage]:
    """Follows one token of the parser; an inline token with words is a passage."""
    line = f"{where}, line {token.map[0] + 1 if token.map else 1}"
    _refuse(token, line)
    if token.type in ("bullet_list_open", "ordered_list_open"):
        state.lists.append(int(token.attrGet("start") or 1) if token.type.startswith("ordered") else None)
        _not_deeper(len(state.lists), f"{line}: a list")
    elif token.type in ("bullet_list_close", "ordered_list_close"):
        state.lists.pop()
    elif token.type == "list_item_open":
        state.marker = _next_marker(state.lists)
    elif token.type == "heading_open":
        state.heading = int(token.tag[1:])
        _not_deeper(state.heading, f"{line}: a heading")
    elif token.type == "inline" and token.children:
        yield _passage(_runs(token.children, line), state, line)


def _refuse(token: Token, line: str) -> None:
    for each in (token, *(token.children or ())):
        if each.type in REFUSED:
            raise BadInput(f"{line}: {REFUSED[each.type]}.")


def _not_deeper(depth: int, what: str) -> None:
    if depth > DEEPEST:
        raise BadInput(f"{what} of level {depth}; {DEEPEST} levels are printed.")


def _next_marker(lists: list[int | None]) -> str:
    number = lists[-1]
    if number is None:
        return BULLET
    lists[-1] = number + 1
    return f"{number}."


def _passage(runs: Runs, state: _State, line: str) -> Passage:
    if state.lists:
        if not state.marker or state.heading:
            raise BadInput(f"{line}: a list item holds one paragraph; make it an item of its own or end the list.")
        marker, state.marker = state.marker, ""
        return Passage(runs, "item", len(state.lists), marker)
    level, state.heading = state.heading, 0
    return Passage(runs, "heading", level) if level else Passage(runs)


def _runs(children: Sequence[Token], line: str) -> Runs:
    """The words of a paragraph by style; neighbours of one style are one run."""
    open_marks: list[Style] = []
    found: list[Text] = []
    for each in children:
        name, _, edge = each.type.rpartition("_")
        if edge == "open" and name in MARKS:
            open_marks.append(MARKS[name])
        elif edge == "close" and name in MARKS:
            open_marks.pop()
        elif each.type in ("softbreak", "hardbreak"):
            found.append(Text(" ", _style(open_marks)))
        elif each.type in ("text", "code_inline"):
            found.append(Text(each.content, "mono" if each.type == "code_inline" else _style(open_marks)))
        else:
            raise BadInput(f"{line}: '{each.content or each.type}' is not printed; write plain words.")
    return joined(found)


def _style(marks: list[Style]) -> Style:
    return "strong" if "strong" in marks else marks[-1] if marks else "plain"


def joined(runs: Sequence[Text]) -> Runs:
    """Neighbours of one style as one run, white space at an edge as plain; no empty run."""
    found: list[Text] = []
    for run in runs:
        for words in re.findall(r"\s+|\S+(?:\s+\S+)*", run.text) if run.style != "mono" else [run.text]:
            style = run.style if words.strip() else "plain"
            if found and found[-1].style == style:
                found[-1] = replace(found[-1], text=found[-1].text + words)
            elif words:
                found.append(Text(words, style))
    return tuple(found)


def words_of(parts: Sequence[Passage]) -> str:
    """The words alone, passage by passage."""
    return "\n".join("".join(getattr(run, "text", "") for run in each.runs) for each in parts)


# ---- back to Markdown


def to_markdown(parts: Sequence[Passage]) -> str:
    """Markdown that ``passages`` reads as these parts; emphasis that it cannot say (inside a word) is left out."""
    lines: list[str] = []
    inner = [0] * (DEEPEST + 1)
    before: Passage | None = None
    for each in numbered(parts):
        if before is not None and (before.kind, each.kind) != ("item", "item"):
            lines.append("")
        elif before is not None and each.depth > before.depth:
            lines.append("")  # a list within an item that does not begin at 1 would be read as its words
        indent = inner[each.depth - 1] if each.kind == "item" else 0
        lead = _lead(each)
        inner[each.depth] = indent + len(lead)
        lines.append(" " * indent + lead + _inline(each))
        before = each
    return "\n".join(lines) + "\n"


def numbered(parts: Sequence[Passage]) -> tuple[Passage, ...]:
    """The parts with depths that a list can have, and its items counted; parts without words are left out."""
    found: list[Passage] = []
    counts: dict[int, int] = {}
    for each in (part for part in parts if "".join(getattr(run, "text", "") for run in part.runs).strip()):
        before = found[-1] if found and found[-1].kind == "item" else None
        if each.kind != "item":
            counts = {}
            found.append(replace(each, marker="", depth=each.depth if each.kind == "heading" else 1))
            continue
        depth = min(each.depth, before.depth + 1 if before else 1, DEEPEST)
        counts = {level: count for level, count in counts.items() if level <= depth}
        ordered = each.marker not in ("", BULLET)
        counts[depth] = (counts.get(depth) or (_first(each.marker) - 1)) + 1 if ordered else 0
        found.append(replace(each, depth=depth, marker=f"{counts[depth]}." if ordered else BULLET))
    return tuple(found)


def _first(marker: str) -> int:
    return int(re.sub(r"\D", "", marker) or 1)


def _lead(part: Passage) -> str:
    if part.kind == "heading":
        return "#" * part.depth + " "
    return "" if part.kind != "item" else "- " if part.marker == BULLET else f"{part.marker} "


def _inline(part: Passage) -> str:
    """The words of a passage with signs of emphasis, where they read back as just these runs; else without."""
    runs = tuple(run for run in part.runs if isinstance(run, Text))
    words = "".join(run.text for run in runs).strip()
    signed = "".join(_signed(run) for run in runs).strip()
    held = _guarded(signed, part.kind)
    return held if _reads_as(held, joined(runs)) else _guarded(_escaped(words), part.kind)


def _signed(run: Text) -> str:
    sign = SIGNS[run.style]
    return f"{sign}{run.text if run.style == 'mono' else _escaped(run.text)}{sign}"


def _escaped(words: str) -> str:
    return SPECIAL.sub(lambda match: "\\" + match.group(), words)


def _guarded(line: str, kind: str) -> str:
    """What would begin another block, or close a heading, is made an ordinary sign."""
    led = LEADING.search(line)
    if led:
        sign = led.group()
        line = f"{sign}\\{line[len(sign) :]}" if sign[0].isdigit() else "\\" + line
    return re.sub(r"(#+)$", lambda match: "\\" + "\\".join(match.group()), line) if kind == "heading" else line


def _reads_as(line: str, runs: Runs) -> bool:
    try:
        (only,) = passages(line, "")
    except (BadInput, ValueError):
        return False
    return only.kind == "paragraph" and only.runs == runs
