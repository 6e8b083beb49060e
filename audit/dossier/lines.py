"""The line on which each part of a YAML file stands."""

from __future__ import annotations

import yaml

Place = tuple[str | int, ...]


class Lines:
    """Line numbers (from 1) by the path of keys and indices; a missing part gets the line of what should hold it."""

    def __init__(self, source: str) -> None:
        self._root = yaml.compose(source, yaml.SafeLoader)

    def of(self, place: Place) -> int:
        """The line of the part at ``place``, or of its nearest existing parent."""
        node = self._root
        line = 1
        for step in place:
            found = self._child(node, step)
            if found is None:
                break
            line, node = found
        return line

    @staticmethod
    def _child(node: yaml.Node | None, step: str | int) -> tuple[int, yaml.Node] | None:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(step):
                    return key.start_mark.line + 1, value
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            item = node.value[step]
            return item.start_mark.line + 1, item
        return None
