"""Declared texts in the PDF: passages under one accent rule, items with their markers."""

from __future__ import annotations

from collections.abc import Mapping

from audit.dossier.content import Passage, Text
from audit.dossier.pdf_style import ACCENT, BODY, BOLD, INK, Face
from audit.dossier.pdf_text import Line, TextBlock, draw_lines, set_text

HEADINGS = {1: Face(9.4, 13.2, BOLD, INK), 2: Face(8.8, 12.4, BOLD, INK), 3: Face(8.4, 12.0, BOLD, INK)}
RULE_ROOM, STEP, MARKER = 9.0, 13.0, 12.0
ABOVE, BELOW = 2, 4
ROOM_FOR_HEAD = 44


class PassageBlock(TextBlock):
    """One passage of a declared text; the rule at its left runs on to its neighbours."""

    def __init__(self, node: Passage, pages: Mapping[str, int]) -> None:
        face = HEADINGS[node.depth] if node.kind == "heading" else BODY
        super().__init__(node.runs, face, pages)
        self.node, self.first = node, True
        self.spaceBefore, self.spaceAfter = ABOVE, BELOW

    @property
    def _indent(self) -> float:
        return RULE_ROOM + (STEP * (self.node.depth - 1) + MARKER if self.node.kind == "item" else 0.0)

    def _with(self, lines: tuple[Line, ...]) -> TextBlock:
        part = PassageBlock(self.node, self.pages)
        part.lines, part.first = lines, self.first and lines[0] is (self.lines or lines)[0]
        return part

    def draw(self) -> None:
        """The rule, the marker before the first line, the words."""
        self.canv.setStrokeColor(ACCENT)
        self.canv.setLineWidth(1.6)
        self.canv.line(1.5, 1.5, 1.5, self.height + (-1.5 if self.node.kind == "head" else ABOVE + BELOW + 1.5))
        if self.node.marker and self.first:
            lines = set_text((Text(self.node.marker),), self.face, MARKER, {})
            draw_lines(self.canv, lines, self.face, self._indent - MARKER, self.height, MARKER)
        draw_lines(self.canv, self.lines or (), self.face, self._indent, self.height, self.width - self._indent)
