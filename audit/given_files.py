"""Files that people give: read only where they are regular files, YAML only as plain, bounded data.

A tag may not make objects, aliases may not unfold without bound ("billion laughs"), and nothing is nested so deep that
reading it breaks. Tables that people open in a spreadsheet hold no value that it would run. Sources: YAML 1.2.2, 3.2.2
and 7.1 (aliases); CWE-502, CWE-776, CWE-674; CWE-1236 and OWASP, CSV injection.
"""

from __future__ import annotations

import errno
import re
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from audit.records import BadInput

DEEPEST = 50
MOST_VALUES = 100_000
MOST_BYTES = 4 << 20
FORMULA = re.compile(r"\s*([=@]\S|[+-](?=.*[(|!]))|^[\t\r]", re.DOTALL)
"""What a spreadsheet would compute: '=…' and '@…'; '+…' and '-…' with a call, a pipe or a cell of another sheet, so
that '-', '+' and '-5' stay what they are."""


def file_bytes(path: Path) -> bytes:
    """The bytes of a regular file; ``OSError`` for a device, a pipe or a folder, which might never end."""
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    return path.read_bytes()


def plain_yaml(data: bytes | str) -> Any:
    """The values in a YAML document. Raises ``yaml.YAMLError``, with the place, for tags that ask for more than plain
    values, for nesting and unfolding beyond the bounds, and for aliases to themselves."""
    if len(data) > MOST_BYTES:
        raise _refused(f"the file is larger than {MOST_BYTES >> 20} MiB", yaml.Mark("", 0, 0, 0, None, 0))
    loader = _Bounded(data)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


class _Bounded(yaml.SafeLoader):
    """Counts while it composes: how deep it is, and how many values each node stands for when aliases are unfolded."""

    def __init__(self, stream: bytes | str) -> None:
        super().__init__(stream)
        self._depth = 0
        self._size: dict[int, tuple[int, int]] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        alias, mark = self.check_event(yaml.AliasEvent), self.peek_event().start_mark  # type: ignore[no-untyped-call]
        self._depth += 1
        if self._depth > DEEPEST:
            raise _refused(f"nested deeper than {DEEPEST} levels", mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        if alias and id(node) not in self._size:
            raise _refused("an alias that holds itself", mark)
        if not alias:
            self._size[id(node)] = self._measured(node)
        size, depth = self._size[id(node)]
        if size > MOST_VALUES or depth > DEEPEST:
            raise _refused(f"its aliases unfold to more than {MOST_VALUES} values or {DEEPEST} levels", mark)
        return node

    def _measured(self, node: Any) -> tuple[int, int]:
        """How many values, and how many levels, a node stands for."""
        if isinstance(node, yaml.MappingNode):
            inside = [part for pair in node.value for part in pair]
        else:
            inside = node.value if isinstance(node, yaml.SequenceNode) else []
        known = [self._size[id(part)] for part in inside]
        return 1 + sum(size for size, _ in known), 1 + max((depth for _, depth in known), default=0)


def _refused(problem: str, mark: Any) -> yaml.MarkedYAMLError:
    return yaml.composer.ComposerError(None, None, problem, mark)


def refuse_formulas(frame: pd.DataFrame, where: str) -> None:
    """Raises ``BadInput`` for the first text in a table, or name of a column, that a spreadsheet would run."""
    for column in frame:
        texts = [str(column), *(value for value in frame[column].tolist() if isinstance(value, str))]
        for value in texts:
            if FORMULA.match(value):
                raise BadInput(
                    f"{where}: column '{str(column)[:40]}' holds '{value[:60]}', which a spreadsheet would run as a "
                    "formula; correct it where it comes from."
                )


def for_reading(value: Any) -> Any:
    """``value`` for a table that only people read: what a spreadsheet would run is marked as text by an apostrophe."""
    return f"'{value}" if isinstance(value, str) and FORMULA.match(value) else value
