"""Title, headings, contents, status box and signature blocks of the PDF."""

from __future__ import annotations

from collections.abc import Mapping

from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable

from audit.dossier.content import Document, Heading, Signature, StatusBox, Text, text
from audit.dossier.pdf_style import ACCENT, BODY, BOLD, CELL, INK, NOTE, QUIET, REGULAR, RULE, TINT, TONES, Face
from audit.dossier.pdf_text import Layout, draw_lines, set_text

TITLE = Face(17, 22, BOLD, ACCENT)
SUBTITLE = Face(9, 12.6)
HEADINGS = {1: Face(12.4, 16, BOLD, ACCENT), 2: Face(9.6, 13, BOLD, INK)}


def _nothing(*_arguments: object, **_options: object) -> None:
    return None


SILENT = (
    "drawString", "drawRightString", "drawCentredString", "line", "rect", "roundRect", "linkRect", "drawPath", "circle",
    "drawImage", "setFont", "setFillColor", "setStrokeColor", "setLineWidth", "setDash", "bookmarkHorizontal",
    "addOutlineEntry", "save",
)  # fmt: skip


class DryCanvas(Canvas):  # type: ignore[misc]
    """Takes the same calls and draws nothing: enough to learn on which page each heading falls."""

    only_measures = True


for _name in SILENT:
    setattr(DryCanvas, _name, _nothing)


class TitleBlock(Flowable):  # type: ignore[misc]
    """Title, device, instrument with edition, and when the document was made."""

    def __init__(self, document: Document) -> None:
        super().__init__()
        self.document = document
        self.spaceAfter = 8

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        self.width = width
        own = self.document
        self.parts = [
            (set_text(text(own.title), TITLE, width, {}), TITLE),
            (set_text(text(own.subtitle), SUBTITLE, width, {}), SUBTITLE),
            (set_text(text(f"{own.instrument}: {own.edition}. Made {own.made}."), NOTE, width, {}), NOTE),
        ]
        self.height = sum(len(lines) * face.leading for lines, face in self.parts) + 8
        return width, self.height

    def draw(self) -> None:
        y = self.height
        for lines, face in self.parts:
            draw_lines(self.canv, lines, face, 0, y, self.width)
            y -= len(lines) * face.leading + 2


class StatusPanel(Flowable):  # type: ignore[misc]
    """The status box: one line per fact a reader needs first."""

    LABEL = 96.0

    def __init__(self, box: StatusBox, pages: Mapping[str, int]) -> None:
        super().__init__()
        self.box, self.pages = box, pages
        self.spaceBefore, self.spaceAfter = 2, 4

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        self.width = width
        self.rows = [
            (
                set_text(text(item.label), NOTE, self.LABEL, {}),
                set_text(item.runs, CELL, width - self.LABEL - 26, self.pages),
                item.tone,
            )
            for item in self.box.items
        ]
        self.height = sum(self._tall(len(lines)) for _, lines, _ in self.rows) + 8
        return width, self.height

    @staticmethod
    def _tall(lines: int) -> float:
        return lines * CELL.leading + 3.4

    def draw(self) -> None:
        self.canv.setFillColor(TINT)
        self.canv.roundRect(0, 0, self.width, self.height, 3, stroke=0, fill=1)
        y = self.height - 5
        for label, lines, tone in self.rows:
            height = self._tall(len(lines))
            self.canv.setFillColor(TONES[tone][0])
            self.canv.rect(0, y - height + 2.2, 2.6, height - 2.8, stroke=0, fill=1)
            draw_lines(self.canv, label, NOTE, 12, y, self.LABEL)
            draw_lines(self.canv, lines, CELL, 12 + self.LABEL, y, self.width)
            y -= height


class HeadingLine(Flowable):  # type: ignore[misc]
    """A heading with its bookmark; the page it lands on is noted for the next pass."""

    def __init__(self, heading: Heading, found: Layout) -> None:
        super().__init__()
        self.heading, self.found = heading, found
        self.face = HEADINGS[heading.level]
        self.spaceBefore, self.spaceAfter = 14, 3

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        self.width = width
        self.lines = set_text(text(self.heading.text), self.face, width, {})
        self.height = len(self.lines) * self.face.leading
        return width, self.height

    def draw(self) -> None:
        self.canv.bookmarkHorizontal(self.heading.key, 0, self.height + 6)
        self.canv.addOutlineEntry(self.heading.text, self.heading.key, self.heading.level - 1, closed=False)
        self.found.pages[self.heading.key] = self.canv.getPageNumber()
        draw_lines(self.canv, self.lines, self.face, 0, self.height, self.width)


class ContentsList(Flowable):  # type: ignore[misc]
    """Headings with their pages, each a link."""

    LEADING = 14.2

    def __init__(self, headings: tuple[Heading, ...], pages: Mapping[str, int]) -> None:
        super().__init__()
        self.headings, self.pages = headings, pages

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        self.width, self.height = width, self.LEADING * len(self.headings)
        return width, self.height

    def draw(self) -> None:
        y = self.height
        for heading in self.headings:
            page = str(self.pages.get(heading.key, ""))
            lines = set_text((Text(heading.text),), BODY, self.width - 40, {})[:1]
            draw_lines(self.canv, lines, BODY, 0, y, self.width)
            self.canv.setFillColor(INK)
            self.canv.setFont(REGULAR, BODY.size)
            self.canv.drawRightString(self.width, y - BODY.leading + 2.8, page)
            self.canv.setStrokeColor(RULE)
            self.canv.setLineWidth(0.35)
            self.canv.line(0, y - BODY.leading - 0.6, self.width, y - BODY.leading - 0.6)
            self.canv.linkRect(
                "", heading.key, (0, y - self.LEADING + 1, self.width, y), relative=1, thickness=0, Border="[0 0 0]"
            )
            y -= self.LEADING


class SignatureBlock(Flowable):  # type: ignore[misc]
    """Role, meaning, name, date and signature, to be filled in."""

    def __init__(self, signature: Signature) -> None:
        super().__init__()
        self.signature = signature
        self.spaceBefore, self.spaceAfter = 6, 8

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        self.width = width
        self.lines = set_text(
            (Text(self.signature.role, "strong"), Text(f"  {self.signature.meaning}")), CELL, width - 20, {}
        )
        self.height = len(self.lines) * CELL.leading + 44
        return width, self.height

    def draw(self) -> None:
        self.canv.setStrokeColor(RULE)
        self.canv.setLineWidth(0.6)
        self.canv.roundRect(0, 0, self.width, self.height, 3, stroke=1, fill=0)
        draw_lines(self.canv, self.lines, CELL, 10, self.height - 6, self.width)
        own = self.signature
        third = (self.width - 40) / 3
        for index, (label, value) in enumerate((("Name", own.name), ("Date", own.date), ("Signature", ""))):
            x = 10 + index * (third + 10)
            self.canv.setStrokeColor(QUIET)
            self.canv.setLineWidth(0.5)
            self.canv.line(x, 16, x + third, 16)
            self.canv.setFont(REGULAR, 6.2)
            self.canv.setFillColor(QUIET)
            self.canv.drawString(x, 7.5, label)
            self.canv.setFillColor(INK)
            self.canv.setFont(REGULAR, CELL.size)
            self.canv.drawString(x, 19, value)
