"""A resolved document as DOCX, from the same content tree as the PDF: the same document gives the same bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import docx
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_TAB_ALIGNMENT
from docx.oxml.ns import qn
from docx.shared import Pt, RGBColor

from audit.dossier.content import Document
from audit.dossier.pdf_style import BOTTOM, LEFT, PAGES, RIGHT, TOP
from audit.dossier.word_blocks import ACCENT, DECLARED, WordBody
from audit.dossier.word_runs import QUIET, Element, allowed, element, field, word_run

FONT = "Arial"
INK = "1B1F24"
HANG = 12
EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Face:
    """A paragraph style: size in points, weight, colour, space before and after in points."""

    size: float
    bold: bool = False
    italic: bool = False
    colour: str = INK
    before: float = 0.0
    after: float = 0.0
    keep: bool = False


FACES: Mapping[str, Face] = {
    "Normal": Face(9.5),
    "Title": Face(20, bold=True, colour=ACCENT, after=4),
    "Subtitle": Face(10.5, after=2),
    "Heading 1": Face(14, bold=True, colour=ACCENT, before=16, after=4, keep=True),
    "Heading 2": Face(11, bold=True, before=10, after=3, keep=True),
    "Body Text": Face(9.5, before=2, after=5),
    "Caption": Face(9, bold=True, before=8, after=3, keep=True),
    "Audit Lead": Face(10.5, before=2, after=6),
    "Audit Note": Face(8, colour=QUIET, before=2, after=6),
    "Audit Declared Head": Face(9.5, before=8, after=2, keep=True),
    "Audit Declared": Face(9.5, before=2, after=3),
    "Audit Declared Heading 1": Face(10.5, bold=True, before=4, after=2, keep=True),
    "Audit Declared Heading 2": Face(10, bold=True, before=3, after=2, keep=True),
    "Audit Declared Heading 3": Face(9.5, bold=True, before=3, after=2, keep=True),
    "Audit Declared Item 1": Face(9.5, before=1, after=2),
    "Audit Declared Item 2": Face(9.5, before=1, after=2),
    "Audit Declared Item 3": Face(9.5, before=1, after=2),
    "Audit Clause": Face(8.5, italic=True, colour=QUIET, after=4),
    "Audit Cell": Face(8.2, before=1, after=1),
    "Audit Gap": Face(4),
    "Audit Table Head": Face(8, bold=True, colour=ACCENT, before=1, after=1, keep=True),
    "Audit Contents Title": Face(14, bold=True, colour=ACCENT, before=16, after=4, keep=True),
    "toc 1": Face(9.5, before=1, after=1),
    "toc 2": Face(9, before=0, after=1),
    "Header": Face(7.5, colour=QUIET),
    "Footer": Face(7, colour=QUIET),
}


def render_word(document: Document, pages: Mapping[str, int] | None = None) -> bytes:
    """The document's bytes: real heading, table and caption styles, fields for pages, a bookmark around each result.

    ``pages``: of the documents built with this one, by ``content.page_key``.
    """
    word = docx.Document()
    width = _page(word, document)
    _styles(word, width)
    _header_and_footer(word, document, width)
    for style, words in _title(document):
        word.add_paragraph(allowed(words), style=style)
    body = WordBody(word, document, width, pages or {})
    for node in document.nodes:
        body.add(node)
    _properties(word, document)
    buffer = io.BytesIO()
    word.save(buffer)
    return _settled(buffer.getvalue())


def _title(document: Document) -> tuple[tuple[str, str], ...]:
    made = f"{document.instrument}: {document.edition}. Made {document.made}."
    return ("Title", document.title), ("Subtitle", document.subtitle), ("Audit Note", made)


def _page(word: Any, document: Document) -> float:
    """Sets the page; returns the width of the text in points."""
    width, height = PAGES[document.page]
    section = word.sections[0]
    section.page_width, section.page_height = Pt(width), Pt(height)
    section.left_margin, section.right_margin = Pt(LEFT), Pt(RIGHT)
    section.top_margin, section.bottom_margin = Pt(TOP), Pt(BOTTOM)
    section.header_distance, section.footer_distance = Pt(28), Pt(24)
    return float(width - LEFT - RIGHT)


def _styles(word: Any, width: float) -> None:
    known = {style.name for style in word.styles}
    for name, face in FACES.items():
        style = word.styles[name] if name in known else word.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        if name not in ("Normal", "Title", "Header", "Footer"):
            style.base_style = word.styles["Normal"]
        _dress(style, face)
    for level in (1, 2):
        stops = word.styles[f"toc {level}"].paragraph_format.tab_stops
        stops.add_tab_stop(Pt(width), WD_TAB_ALIGNMENT.RIGHT)
    for name in (each for each in FACES if each.startswith(DECLARED)):
        _declared_style(word.styles[name], int(name[-1]) if " Item " in name else 0)


def _declared_style(style: Any, depth: int) -> None:
    """The accent rule at the left; items hang from their marker, and the rule stays where it is."""
    layout = style.paragraph_format
    if depth:
        layout.left_indent, layout.first_line_indent = Pt(HANG * depth), Pt(-HANG)
    bar = {"w:val": "single", "w:sz": "12", "w:space": str(6 + HANG * max(depth - 1, 0)), "w:color": ACCENT}
    border = element("w:pBdr", None, element("w:left", bar))
    style.element.get_or_add_pPr().insert_element_before(border, "w:shd", "w:tabs", "w:spacing", "w:ind", "w:jc")


def _dress(style: Any, face: Face) -> None:
    style.font.name, style.font.size = FONT, Pt(face.size)
    style.font.bold, style.font.italic = face.bold, face.italic
    style.font.color.rgb = RGBColor.from_string(face.colour)
    fonts = style.element.get_or_add_rPr().find(qn("w:rFonts"))
    for name in ("w:ascii", "w:hAnsi", "w:cs", "w:eastAsia"):
        fonts.set(qn(name), FONT)
    for theme in ("w:asciiTheme", "w:hAnsiTheme", "w:cstheme", "w:eastAsiaTheme"):
        fonts.attrib.pop(qn(theme), None)
    for spaced in style.element.rPr.findall(qn("w:spacing")):
        style.element.rPr.remove(spaced)
    layout = style.paragraph_format
    layout.space_before, layout.space_after = Pt(face.before), Pt(face.after)
    layout.keep_with_next = face.keep
    if style.name == "Title":
        border = style.element.get_or_add_pPr().find(qn("w:pBdr"))
        if border is not None:
            border.getparent().remove(border)


def _header_and_footer(word: Any, document: Document, width: float) -> None:
    section = word.sections[0]
    head = section.header.paragraphs[0]
    _tabbed(head, width)
    head._p.append(word_run(f"{document.title}  ·  {document.head}"))
    if document.simulated:
        head._p.append(element("w:r", None, element("w:tab")))
        head._p.append(word_run("SIMULATED DATA", colour="A3280A", bold=True))
    foot = section.footer.paragraphs[0]
    _tabbed(foot, width)
    foot._p.append(word_run(f"Audit {document.audit_id}  ·  ledger root {document.ledger_root}"))
    foot._p.append(element("w:r", None, element("w:tab")))
    for made in _page_number():
        foot._p.append(made)
    section.footer.add_paragraph(allowed(document.foot), style="Footer")


def _page_number() -> list[Element]:
    return [word_run("page "), *field("PAGE", "1"), word_run(" of "), *field("NUMPAGES", "1")]


def _tabbed(paragraph: Any, width: float) -> None:
    stops = paragraph.paragraph_format.tab_stops
    stops.clear_all()
    stops.add_tab_stop(Pt(width), WD_TAB_ALIGNMENT.RIGHT)


def _properties(word: Any, document: Document) -> None:
    made = datetime.fromisoformat(document.created).astimezone(UTC).replace(tzinfo=None)
    core = word.core_properties
    core.title, core.subject = document.title, f"{document.instrument}; audit {document.audit_id}"
    core.author, core.last_modified_by, core.comments = "imaging-audit", "imaging-audit", ""
    core.identifier = f"{document.audit_id}/{document.id}"
    core.keywords = f"ledger root {document.ledger_root}"
    core.created = core.modified = made
    core.revision = 1
    core.language = "en-GB" if document.vocabulary == "eu" else "en-US"


def _settled(data: bytes) -> bytes:
    """The package with its parts in order and without times: the same content gives the same bytes."""
    settled = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as given, zipfile.ZipFile(settled, "w") as written:
        for name in sorted(given.namelist(), key=lambda part: (part != "[Content_Types].xml", part)):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            written.writestr(entry, given.read(name))
    return settled.getvalue()
