"""Numbers and the per cent sign as a market writes them, over nodes that are built already."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass, replace
from typing import Any

from audit.dossier.catalogues import WritingStyle
from audit.dossier.content import Node, Prose, Text, Value

SPACED = re.compile(r"(?<=\d)[ \u00a0]%")
"""How this product writes a percentage before a market's style is laid over it."""


def styled(nodes: tuple[Node, ...], style: WritingStyle) -> tuple[Node, ...]:
    """The nodes in this style; the very same ones where nothing differs, so that they are laid out once."""
    if style.percent == " %":
        return nodes
    return tuple(_styled(node, style.percent) for node in nodes)


def _styled(part: Any, percent: str) -> Any:
    if isinstance(part, Prose):
        return part  # the manufacturer's own words
    if isinstance(part, Text | Value):
        return replace(part, text=SPACED.sub(percent, part.text)) if "%" in part.text else part
    if isinstance(part, tuple):
        made = tuple(_styled(item, percent) for item in part)
        return made if any(new is not old for new, old in zip(made, part, strict=True)) else part
    if is_dataclass(part) and not isinstance(part, type):
        old = {each.name: getattr(part, each.name) for each in fields(part)}
        changed = {name: new for name, value in old.items() if (new := _styled(value, percent)) is not value}
        return replace(part, **changed) if changed else part
    return part
