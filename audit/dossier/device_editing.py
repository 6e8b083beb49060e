"""``device.yaml`` with one declared text moved into a prose file; the rest, comments included, stays as it was."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import yaml

from audit.records import BadInput

Span = tuple[int, int, str]


def with_prose(source: str, requirement: str, file: str, author: str, date: datetime.date) -> str:
    """The text of device.yaml in which ``declared.<requirement>`` names ``file``, with another author and date.

    Raises ``BadInput`` where the entry is not written as a plain mapping (an alias, a merge key).
    """
    entry = _entry(source, requirement)
    for start, end, words in sorted(_spans(source, entry, file, author, date), reverse=True):
        source = source[:start] + words + source[end:]
    return source


def _entry(source: str, requirement: str) -> yaml.MappingNode:
    node: yaml.Node | None = yaml.compose(source, yaml.SafeLoader)
    for step in ("declared", requirement):
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        node = next((value for key, value in pairs if key.value == step), None)
    if not isinstance(node, yaml.MappingNode):
        raise BadInput(
            f"device.yaml: declared.{requirement} is not written as a mapping of its own; write it out once."
        )
    return node


def _spans(source: str, entry: yaml.MappingNode, file: str, author: str, date: datetime.date) -> Iterator[Span]:
    """What is replaced where: text or file, author, date."""
    new = {"text": file, "file": file, "author": author, "date": date}
    for key, value in entry.value:
        if key.value in new:
            start, end = key.start_mark.index, value.end_mark.index
            written = source[start:end]
            name = "file" if key.value == "text" else key.value
            yield start, end, f"{name}: {_scalar(new[key.value])}{written[len(written.rstrip()) :]}"


def _scalar(value: object) -> str:
    """A scalar as YAML writes it on one line."""
    return yaml.safe_dump([value], default_flow_style=True, allow_unicode=True, width=10**6).strip()[1:-1]
