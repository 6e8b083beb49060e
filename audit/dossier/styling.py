"""Per cent sign and moments as a market writes them, names of strata in words, over nodes that are built already."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass, replace
from typing import Any

from audit.dossier.catalogues import WritingStyle
from audit.dossier.content import Node, Prose, Text, Value
from audit.dossier.moments import ISO, written

SPACED = re.compile(r"(?<=\d)[ \u00a0]%")
"""How this product writes a percentage before a market's style is laid over it."""


Write = Callable[[str], str]


def styled(nodes: tuple[Node, ...], style: WritingStyle, names: Iterable[str] = ()) -> tuple[Node, ...]:
    """The nodes in this style; the very same ones where nothing differs, so that they are laid out once.

    ``names`` are those of the plan that stand in sentences of the evidence: 'lesion_load' is printed as 'lesion load'.
    """
    write = _writing(style, tuple(name for name in names if "_" in name))
    return tuple(_styled(node, write) for node in nodes)


def _writing(style: WritingStyle, names: tuple[str, ...]) -> Write:
    known = re.compile(rf"\b({'|'.join(map(re.escape, names))})\b") if names else None

    def write(words: str) -> str:
        if "%" in words and style.percent != " %":
            words = SPACED.sub(style.percent, words)
        if "Z" in words and ISO.search(words):
            words = written(words, style)
        if known and "_" in words:
            words = known.sub(lambda found: found[0].replace("_", " "), words)
        return words

    return write


def _styled(part: Any, write: Write) -> Any:
    if isinstance(part, Prose):
        return part  # the manufacturer's own words
    if isinstance(part, Text | Value):
        words = part.text if part.style == "mono" else write(part.text)
        return part if words == part.text else replace(part, text=words)
    if isinstance(part, tuple):
        made = tuple(_styled(item, write) for item in part)
        return made if any(new is not old for new, old in zip(made, part, strict=True)) else part
    if is_dataclass(part) and not isinstance(part, type):
        old = {each.name: getattr(part, each.name) for each in fields(part)}
        changed = {name: new for name, value in old.items() if (new := _styled(value, write)) is not value}
        return replace(part, **changed) if changed else part
    return part
