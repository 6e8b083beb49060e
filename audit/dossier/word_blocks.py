"""Nodes of the content tree as WordprocessingML paragraphs, tables and pictures with real styles."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

from docx.oxml.ns import qn
from docx.oxml.shape import CT_Inline
from docx.shared import Pt

from audit.dossier.content import (
    Contents,
    Document,
    Heading,
    HeatTable,
    NewPage,
    Node,
    Paragraph,
    Passage,
    Picture,
    Prose,
    Row,
    Runs,
    Signature,
    StatusBox,
    Table,
    Text,
    text,
)
from audit.dossier.locating import place_key
from audit.dossier.pdf import figure
from audit.dossier.pdf_figures import printable_picture
from audit.dossier.pdf_text import Layout
from audit.dossier.word_figures import figure_pictures
from audit.dossier.word_heat import Fill, heat_as_table
from audit.dossier.word_runs import (
    COLOURS,
    Bookmarks,
    Element,
    allowed,
    element,
    field,
    heading_bookmark,
    hyperlink,
    run_elements,
    statement_bookmark,
    word_run,
)

TWIPS = 20
RULE, TINT, ACCENT = "CFD6DD", "F4F6F8", "17506E"
STYLES = {"body": "Body Text", "lead": "Audit Lead", "note": "Audit Note", "clause": "Audit Clause"}
STATUS_SHARES = (0.2, 0.8)
GAP, DECLARED = "Audit Gap", "Audit Declared"


def passage_style(node: Passage) -> str:
    """The style of a declared passage, by which a reader of the file knows what it is."""
    levels = f" {node.depth}" if node.kind in ("heading", "item") else ""
    return DECLARED + ("" if node.kind == "paragraph" else f" {node.kind.capitalize()}{levels}")


class WordBody:
    """Appends nodes to the body of a python-docx document; ``width`` is that of the text in points."""

    def __init__(self, word: Any, document: Document, width: float, pages: Mapping[str, int]) -> None:
        self.word, self.document, self.width = word, document, width
        self.bookmarks = Bookmarks(document, pages)
        self._style_ids = {style.name: style.style_id for style in word.styles}
        self._end = word.element.body.find(qn("w:sectPr"))
        self._pictures = 0
        self._places: set[str] = set()
        self._part = 0
        self._heads = False

    def add(self, node: Node) -> None:
        """Appends one node; what a section shows stays with its heading and with what follows."""
        made = list(self._elements(node))
        for each in made:
            self._end.addprevious(each)
        scope = isinstance(node, Paragraph) and node.role in ("clause", "note") and self._heads
        if scope:
            _keep(*made)
        self._heads = isinstance(node, Heading) or (scope and isinstance(node, Paragraph) and node.role == "clause")

    def _elements(self, node: Node) -> Iterator[Element]:
        if isinstance(node, Heading):
            yield self._heading(node)
        elif isinstance(node, Paragraph):
            yield self.paragraph(node.runs, STYLES[node.role])
        elif isinstance(node, Passage):
            yield self._passage(node)
        elif isinstance(node, Table):
            yield from self._table(node)
        elif isinstance(node, HeatTable):
            yield from self._table(*heat_as_table(node))
        elif isinstance(node, StatusBox):
            yield self._status(node)
            yield self.paragraph((), GAP)
        elif isinstance(node, Signature):
            yield from self._signature(node)
        elif isinstance(node, Contents):
            yield from self._contents(node)
        elif isinstance(node, NewPage):
            yield self._paragraph("Body Text", [element("w:r", None, element("w:br", {"w:type": "page"}))])
        else:
            yield from self._figure(node)

    def paragraph(self, runs: Runs, style: str) -> Element:
        """A paragraph of ``runs`` in the style called ``style``."""
        return self._paragraph(style, list(run_elements(runs, self.bookmarks)))

    def _paragraph(self, style: str, inside: list[Element], align: str = "") -> Element:
        properties = element("w:pPr", None, element("w:pStyle", {"w:val": self._style_ids[style]}))
        if align:
            properties.append(element("w:jc", {"w:val": align}))
        return element("w:p", None, properties, *inside)

    def _passage(self, node: Passage) -> Element:
        """A passage of a declared text in a bookmark of its own; whoever edits it hands it back by that."""
        style = passage_style(node)
        requirement = next((run.requirement for run in node.runs if isinstance(run, Prose)), "")
        inside = list(run_elements(node.runs, self.bookmarks))
        if not requirement:
            self._part = 0
            return self._paragraph(style, inside)
        name = self.bookmarks.of_passage(requirement, self._part)
        self._part += 1
        tab = element("w:r", None, element("w:tab"))
        marker = [word_run(node.marker), tab] if node.marker else []
        return self._paragraph(style, [*marker, *self.bookmarks.around(name, inside)])

    def _heading(self, node: Heading) -> Element:
        run = [word_run(node.text)]
        inside = list(self.bookmarks.around(heading_bookmark(node.key), run))
        return self._paragraph(f"Heading {node.level}", inside)

    def _caption(self, words: str) -> Element:
        """A caption; the first with these words is what a page reference leads to."""
        name = heading_bookmark(place_key(words))
        run = [word_run(words)]
        first = name not in self._places
        self._places.add(name)
        return self._paragraph("Caption", [*self.bookmarks.around(name, run)] if first else run)

    def _contents(self, node: Contents) -> Iterator[Element]:
        yield self._paragraph("Audit Contents Title", [word_run(node.title)])
        for each in self.document.nodes:
            if isinstance(each, Heading) and each.in_contents:
                anchor = heading_bookmark(each.key)
                tab = element("w:r", None, element("w:tab"))
                page = list(field(f"PAGEREF {anchor} \\h", "–"))
                yield self._paragraph(f"toc {each.level}", [hyperlink(anchor, [word_run(each.text), tab]), *page])

    # ---- tables

    def _table(self, node: Table, fill: Fill = lambda _row, _column: "") -> Iterator[Element]:
        if node.caption:
            yield self._caption(node.caption)
        total = sum(column.share for column in node.columns)
        widths = [self.width * column.share / total for column in node.columns]
        table = self._grid(widths)
        aligns = [column.align for column in node.columns]
        heads = [self._cell([self._head(c.title, c.align)], w) for c, w in zip(node.columns, widths, strict=True)]
        repeated = element("w:trPr", None, element("w:cantSplit"), element("w:tblHeader"))
        table.append(element("w:tr", None, repeated, *heads))
        for number, row in enumerate(node.rows):
            table.append(self._row(row, widths, aligns, partial(fill, number)))
        if node.note and len(node.rows) > 1:
            _keep(*table[-1].iter(qn("w:p")))
        yield table
        yield self.paragraph(node.note, "Audit Note" if node.note else GAP)

    def _grid(self, widths: list[float]) -> Element:
        line = {"w:val": "single", "w:sz": "4", "w:space": "0", "w:color": RULE}
        borders = element("w:tblBorders", None, *(element(f"w:{side}", line) for side in ("top", "bottom", "insideH")))
        margins = element(
            "w:tblCellMar", None, *(element(f"w:{side}", {"w:w": "60", "w:type": "dxa"}) for side in ("left", "right"))
        )
        properties = element(
            "w:tblPr", None,
            element("w:tblW", {"w:w": str(round(sum(widths) * TWIPS)), "w:type": "dxa"}),
            borders, element("w:tblLayout", {"w:type": "fixed"}), margins,
        )  # fmt: skip
        columns = (element("w:gridCol", {"w:w": str(round(width * TWIPS))}) for width in widths)
        return element("w:tbl", None, properties, element("w:tblGrid", None, *columns))

    def _head(self, title: str, align: str) -> Element:
        return self._paragraph("Audit Table Head", [word_run(title)], "right" if align == "right" else "")

    def _row(self, row: Row, widths: list[float], aligns: list[Any], fill: Callable[[int], str]) -> Element:
        made = element("w:tr", None, element("w:trPr", None, element("w:cantSplit")))
        column = 0
        for index, runs in enumerate(row.cells):
            span = row.spans[index] if row.spans else 1
            align = "right" if span == 1 and aligns[column] == "right" else ""
            inside = list(run_elements(runs, self.bookmarks))
            if index == 0 and row.key:
                inside = [*self.bookmarks.around(statement_bookmark(row.key), inside)]
            paragraph = self._paragraph("Audit Cell", inside, align)
            width = sum(widths[column : column + span])
            made.append(self._cell([paragraph], width, span, TINT if row.kind == "group" else fill(column)))
            column += span
        return made

    def _cell(self, inside: list[Element], width: float, span: int = 1, fill: str = "") -> Element:
        properties = element("w:tcPr", None, element("w:tcW", {"w:w": str(round(width * TWIPS)), "w:type": "dxa"}))
        if span > 1:
            properties.append(element("w:gridSpan", {"w:val": str(span)}))
        if fill:
            properties.append(element("w:shd", {"w:val": "clear", "w:color": "auto", "w:fill": fill}))
        return element("w:tc", None, properties, *inside)

    def _status(self, box: StatusBox) -> Element:
        widths = [self.width * share for share in STATUS_SHARES]
        table = self._grid(widths)
        for item in box.items:
            colour, tint, _ = COLOURS[item.tone]
            label = self._paragraph("Audit Cell", [word_run(item.label, colour=colour, bold=True)])
            words = self.paragraph(item.runs, "Audit Cell")
            cells = (self._cell([label], widths[0], fill=tint), self._cell([words], widths[1], fill=TINT))
            table.append(element("w:tr", None, element("w:trPr", None, element("w:cantSplit")), *cells))
        return table

    def _signature(self, node: Signature) -> Iterator[Element]:
        yield self.paragraph((Text(node.role, "strong"), Text(f"  {node.meaning}")), "Body Text")
        widths = [self.width / 3] * 3
        table = self._grid(widths)
        filled = (("Name", node.name), ("Date", node.date), ("Signature", ""))
        for values in ([value or "\u00a0" for _, value in filled], [label for label, _ in filled]):
            cells = [
                self._cell([self.paragraph(text(each), "Audit Cell")], width)
                for each, width in zip(values, widths, strict=True)
            ]
            table.append(element("w:tr", None, *cells))
        yield table
        yield self.paragraph((), GAP)

    # ---- pictures

    def _figure(self, node: Any) -> Iterator[Element]:
        if isinstance(node, Picture):
            yield from self._picture(node)
            return
        if node.caption:
            yield self._caption(node.caption)
        for png, width, height in _drawn(replace(node, caption=""), self.width):
            yield self._image(png, width, height, node.alt)

    def _picture(self, node: Picture) -> Iterator[Element]:
        yield self.paragraph(node.title, "Caption")
        yield self._image(printable_picture(node.png), 0.75 * self.width, None, node.alt)
        yield self.paragraph(node.text, "Body Text")
        yield self.paragraph(text(node.path, "mono"), "Audit Note")

    def _image(self, png: bytes, width: float, height: float | None, alt: str) -> Element:
        relation, image = self.word.part.get_or_add_image(io.BytesIO(png))
        across, up = image.scaled_dimensions(Pt(width), Pt(height) if height else None)
        self._pictures += 1
        inline = CT_Inline.new_pic_inline(self._pictures, relation, image.filename, across, up)
        inline.docPr.set("descr", allowed(alt))
        inline.docPr.set("name", f"Figure {self._pictures}")
        run = element("w:r", None, element("w:drawing", None, inline))
        return element("w:p", None, element("w:pPr", None, element("w:keepLines")), run)


def _keep(*paragraphs: Element) -> None:
    """Keeps the paragraphs on the page of what follows them."""
    for paragraph in paragraphs:
        paragraph[0].insert(1, element("w:keepNext"))


@lru_cache(maxsize=64)
def _drawn(node: Any, width: float) -> tuple[tuple[bytes, float, float], ...]:
    """The figure as pictures; drawn once, whichever documents print it."""
    return tuple(figure_pictures(figure(node, Layout()), width))
