"""A resolved document as PDF: the same document gives the same bytes."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from reportlab import rl_config
from reportlab.platypus import BaseDocTemplate, CondPageBreak, Flowable, Frame, PageBreak, PageTemplate

from audit.dossier.agreement_figure import AgreementFigure
from audit.dossier.catalogues import writing_style
from audit.dossier.content import (
    AgreementPlot,
    BarPlot,
    Contents,
    CurvePlot,
    Document,
    FlowChart,
    ForestPlot,
    FrocPlot,
    Heading,
    HeatTable,
    LineageChart,
    MatrixPlot,
    NewPage,
    Node,
    Paragraph,
    Passage,
    Picture,
    RocPlot,
    Signature,
    StatusBox,
    Table,
)
from audit.dossier.pdf_attachment import attach
from audit.dossier.pdf_canvas import PageCanvas
from audit.dossier.pdf_curves import CurveFigure
from audit.dossier.pdf_figures import BarFigure, FlowFigure, ForestFigure, PictureBlock
from audit.dossier.pdf_froc import FrocFigure
from audit.dossier.pdf_heat import HeatFigure
from audit.dossier.pdf_lineage import LineageFigure
from audit.dossier.pdf_matrix import MatrixFigure
from audit.dossier.pdf_parts import ContentsList, DryCanvas, HeadingLine, SignatureBlock, StatusPanel, TitleBlock
from audit.dossier.pdf_prose import ROOM_FOR_HEAD, PassageBlock
from audit.dossier.pdf_roc import RocFigure
from audit.dossier.pdf_style import (
    BODY,
    BOLD,
    BOTTOM,
    CLAUSE,
    LEAD,
    LEFT,
    NOTE,
    PAGES,
    QUIET,
    REGULAR,
    RIGHT,
    RULE,
    TONES,
    TOP,
    register_fonts,
    text_width,
)
from audit.dossier.pdf_table import GridTable, names_pages
from audit.dossier.pdf_text import Layout, TextBlock, noting

rl_config.useA85 = 0  # images as plain compressed bytes: the ASCII detour costs most of the time and helps nobody
PASSES = 5
ROOM_BELOW = {1: 200, 2: 110}
"""Points that must be free below a heading: a section begins with its clauses, and their table with two rows."""
FACES = {"body": BODY, "lead": LEAD, "note": NOTE, "clause": CLAUSE}


class Kept:
    """Tables and figures that name no page, set once for all passes of one document."""

    def __init__(self) -> None:
        self._set: dict[int, Flowable] = {}

    def figure(self, node: Node, known: Layout) -> Flowable:
        """The flowable that draws ``node``, with its words set in an earlier pass where there was one."""
        if isinstance(node, Table) and names_pages(node):
            return figure(node, known)
        if id(node) not in self._set:
            self._set[id(node)] = figure(node, known)
        flowable = self._set[id(node)]
        vars(flowable).pop("_postponed", None)  # reportlab's note that the last pass moved it to a new page
        return flowable


def render_pdf(document: Document) -> bytes:
    """The document's bytes; pages are laid out until every page reference stands still."""
    return paginated(document)[0]


def paginated(
    document: Document, elsewhere: Mapping[str, int] | None = None, attached: bytes = b""
) -> tuple[bytes, Layout]:
    """The document's bytes, and the page of every heading and of every captioned table and figure.

    ``elsewhere``: pages of documents that were laid out before, by ``content.page_key``. ``attached``: the document's
    JSON, to stand inside the file.
    """
    register_fonts()
    known, kept = Layout(dict(elsewhere or {})), Kept()
    for _ in range(PASSES):
        _, found = _lay_out(document, known, kept, DryCanvas)
        found.pages.update(elsewhere or {})
        if found == known:
            break
        known = found
    return _lay_out(document, known, kept, partial(_canvas, document, attached))


def _canvas(document: Document, attached: bytes, *given: Any, **options: Any) -> PageCanvas:
    """The canvas that writes the file, with the document's JSON inside where it shall be."""
    canvas = PageCanvas(*given, **options)
    if attached:
        attach(canvas, f"{document.id}.json", attached, f"{document.title}: every result with its evidence")
    return canvas


def _lay_out(document: Document, known: Layout, kept: Kept, canvas: Callable[..., Any]) -> tuple[bytes, Layout]:
    found = Layout()
    buffer = io.BytesIO()
    width, height = PAGES[document.page]
    template = BaseDocTemplate(
        buffer, pagesize=(width, height), title=document.title, author="",
        subject=f"{document.instrument}; audit {document.audit_id}",
        creator="imaging-audit",
        invariant=1, initialFontName=REGULAR, pageCompression=1,
        lang=writing_style(document.vocabulary).language,
    )  # fmt: skip
    frame = Frame(LEFT, BOTTOM, width - LEFT - RIGHT, height - TOP - BOTTOM, 0, 0, 0, 0)
    decorate = partial(_decorate, document, known, found)
    template.addPageTemplates(PageTemplate(frames=[frame], onPage=decorate))
    story = list(_story(document, known, found, kept))
    template.build(story, canvasmaker=canvas)
    found.total = template.page
    return buffer.getvalue(), found


def _story(document: Document, known: Layout, found: Layout, kept: Kept) -> Iterator[Flowable]:
    yield TitleBlock(document)
    headings = tuple(node for node in document.nodes if isinstance(node, Heading) and node.in_contents)
    for node in document.nodes:
        yield from _flowables(node, headings, known, found, kept)


def _flowables(
    node: Node, headings: tuple[Heading, ...], known: Layout, found: Layout, kept: Kept
) -> Iterator[Flowable]:
    pages = known.pages
    if isinstance(node, Heading):
        yield CondPageBreak(ROOM_BELOW[node.level])
        yield HeadingLine(node, found)
    elif isinstance(node, Paragraph):
        yield _paragraph(node, known)
    elif isinstance(node, Passage):
        if node.kind in ("head", "heading"):
            yield CondPageBreak(ROOM_FOR_HEAD)
        yield PassageBlock(node, pages)
    elif isinstance(node, Contents):
        yield CondPageBreak(14.2 * len(headings) + 60)
        yield HeadingLine(Heading(node.title, 1, "contents", in_contents=False), found)
        yield ContentsList(headings, pages)
    elif isinstance(node, NewPage):
        yield PageBreak()
    elif isinstance(node, Signature):
        yield SignatureBlock(node)
    else:
        yield kept.figure(node, known)


def figure(node: Node, known: Layout) -> Flowable:
    """The flowable that draws a table, a figure, a picture or the status box."""
    makers: dict[type[Any], Any] = {
        Table: GridTable, ForestPlot: ForestFigure, AgreementPlot: AgreementFigure, BarPlot: BarFigure,
        CurvePlot: CurveFigure, FlowChart: FlowFigure, Picture: PictureBlock, StatusBox: StatusPanel,
        FrocPlot: FrocFigure, LineageChart: LineageFigure, RocPlot: RocFigure, MatrixPlot: MatrixFigure,
        HeatTable: HeatFigure,
    }  # fmt: skip
    flowable: Flowable = makers[type(node)](node, known.pages)
    caption = "" if isinstance(node, Table) else getattr(node, "caption", "")
    return noting(flowable, caption) if caption else flowable


def _paragraph(node: Paragraph, known: Layout) -> Flowable:
    block = TextBlock(node.runs, FACES[node.role], known.pages)
    block.spaceBefore, block.spaceAfter = 2, 6
    return block


def _decorate(document: Document, known: Layout, found: Layout, canvas: Any, template: Any) -> None:
    width, height = PAGES[document.page]
    canvas.pages_of_places = found.pages
    canvas.saveState()
    _head(document, canvas, width, height)
    canvas.setStrokeColor(RULE)
    canvas.setLineWidth(0.5)
    canvas.line(LEFT, BOTTOM - 14, width - RIGHT, BOTTOM - 14)
    canvas.setFillColor(QUIET)
    canvas.setFont(REGULAR, 6.1)
    canvas.drawString(LEFT, BOTTOM - 23, f"Audit {document.audit_id}  ·  ledger root {document.ledger_root}")
    canvas.drawRightString(width - RIGHT, BOTTOM - 23, f"page {template.page} of {known.total or template.page}")
    canvas.drawString(LEFT, BOTTOM - 32, _shortened(document.foot, width - LEFT - RIGHT, 6.1))
    canvas.restoreState()


def _head(document: Document, canvas: Any, width: float, height: float) -> None:
    canvas.setFont(REGULAR, 6.6)
    canvas.setFillColor(QUIET)
    room = width - LEFT - RIGHT - (100 if document.simulated else 0)
    canvas.drawString(LEFT, height - TOP + 20, _running_head(document, room))
    canvas.setStrokeColor(RULE)
    canvas.setLineWidth(0.5)
    canvas.line(LEFT, height - TOP + 13, width - RIGHT, height - TOP + 13)
    if document.simulated:
        words = "SIMULATED DATA"
        colour, tint, _ = TONES["bad"]
        chip = text_width(words, BOLD, 7) + 10
        canvas.setFillColor(tint)
        canvas.roundRect(width - RIGHT - chip, height - TOP + 16, chip, 12, 2, stroke=0, fill=1)
        canvas.setFillColor(colour)
        canvas.setFont(BOLD, 7)
        canvas.drawString(width - RIGHT - chip + 5, height - TOP + 19.5, words)


def _running_head(document: Document, room: float) -> str:
    """Title and device; without what the title says in brackets, or after a comma, where both have no room."""
    title = document.title
    for shorter in (title, title.partition(" (")[0], title.partition(", ")[0]):
        words = f"{shorter}  ·  {document.head}"
        if text_width(words, REGULAR, 6.6) <= room:
            return words
    return _shortened(words, room, 6.6)


def _shortened(words: str, room: float, size: float) -> str:
    if text_width(words, REGULAR, size) <= room:
        return words
    while words and text_width(words + "…", REGULAR, size) > room:
        words = words[:-1]
    return words.rstrip() + "…"
