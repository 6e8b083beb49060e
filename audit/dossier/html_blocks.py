"""Nodes of the content tree as HTML: headings, tables with header cells, vector figures with their description."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from html import escape
from typing import Any

from audit.dossier.content import (
    Column,
    Contents,
    Document,
    Heading,
    NewPage,
    Node,
    Paragraph,
    Passage,
    Picture,
    Row,
    Signature,
    StatusBox,
    Table,
)
from audit.dossier.html_runs import EVIDENCE, Places, runs_html
from audit.dossier.pdf import figure
from audit.dossier.pdf_figures import printable_picture
from audit.dossier.pdf_text import Layout, statement_key
from audit.dossier.svg_canvas import svg_of

WIDTH = 487.0
"""Points between the margins of an A4 page: figures have the proportions that they have in the PDF."""


def node_html(node: Node, document: Document, places: Places) -> Iterator[str]:
    """One node as lines of HTML."""
    if isinstance(node, Heading):
        level = node.level + 1
        yield f'<h{level} id="{escape(node.key)}">{escape(node.text)}</h{level}>'
    elif isinstance(node, Paragraph):
        yield f'<p class="{node.role}">{runs_html(node.runs, places)}</p>'
    elif isinstance(node, Passage):
        yield _passage(node, places)
    elif isinstance(node, Table):
        yield from _table(node, places)
    elif isinstance(node, StatusBox):
        yield from _status(node, places)
    elif isinstance(node, Signature):
        yield from _signature(node)
    elif isinstance(node, Contents):
        yield from _contents(node, document)
    elif isinstance(node, Picture):
        yield from _picture(node, places)
    elif not isinstance(node, NewPage):
        yield from _figure(node)


def _passage(node: Passage, places: Places) -> str:
    """A passage of a declared text; an item keeps its marker as text, so that every reader sees the same."""
    kind = f"declared {node.kind}" + (f" d{node.depth}" if node.kind in ("heading", "item") else "")
    level = f' role="heading" aria-level="{node.depth + 2}"' if node.kind == "heading" else ""
    marker = f'<span class="m">{escape(node.marker)} </span>' if node.marker else ""
    return f'<p class="{kind}"{level}>{marker}{runs_html(node.runs, places)}</p>'


def _table(node: Table, places: Places) -> Iterator[str]:
    yield '<div class="wide"><table>'
    if node.caption:
        yield f"<caption>{escape(node.caption)}</caption>"
    total = sum(column.share for column in node.columns)
    shares = "".join(f'<col style="width:{100 * column.share / total:.1f}%">' for column in node.columns)
    heads = "".join(_head(column) for column in node.columns)
    yield f"<colgroup>{shares}</colgroup><thead><tr>{heads}</tr></thead><tbody>"
    for row in node.rows:
        yield _row(row, node.columns, places)
    yield "</tbody></table></div>"
    if node.note:
        yield f'<p class="note">{runs_html(node.note, places)}</p>'


def _head(column: Column) -> str:
    if not column.title:
        return "<td></td>"
    return f'<th scope="col"{_align(column)}>{escape(column.title)}</th>'


def _align(column: Column) -> str:
    return ' class="n"' if column.align == "right" else ""


def _row(row: Row, columns: tuple[Column, ...], places: Places) -> str:
    cells, at = [], 0
    for index, runs in enumerate(row.cells):
        span = row.spans[index] if row.spans else 1
        wide = f' colspan="{span}"' if span > 1 else ""
        tag = 'th scope="rowgroup"' if row.kind == "group" and runs else "td"
        align = _align(columns[at]) if span == 1 else ""
        cells.append(f"<{tag}{wide}{align}>{runs_html(runs, places)}</{tag.partition(' ')[0]}>")
        at += span
    key = f' id="{statement_key(row.key)}"' if row.key else ""
    kind = ' class="group"' if row.kind == "group" else ""
    return f"<tr{key}{kind}>{''.join(cells)}</tr>"


def _status(node: StatusBox, places: Places) -> Iterator[str]:
    yield '<dl class="status">'
    for item in node.items:
        yield f'<div class="{item.tone}"><dt>{escape(item.label)}</dt><dd>{runs_html(item.runs, places)}</dd></div>'
    yield "</dl>"


def _signature(node: Signature) -> Iterator[str]:
    yield f'<div class="signature"><p><b>{escape(node.role)}</b> {escape(node.meaning)}</p><dl>'
    for label, value in (("Name", node.name), ("Date", node.date), ("Signature", "")):
        yield f"<div><dd>{escape(value) or '&nbsp;'}</dd><dt>{label}</dt></div>"
    yield "</dl></div>"


def _contents(node: Contents, document: Document) -> Iterator[str]:
    yield f'<nav aria-label="{escape(node.title)}"><h2>{escape(node.title)}</h2><ol>'
    for each in document.nodes:
        if isinstance(each, Heading) and each.in_contents:
            yield f'<li class="l{each.level}"><a href="#{escape(each.key)}">{escape(each.text)}</a></li>'
    yield "</ol></nav>"


def _picture(node: Picture, places: Places) -> Iterator[str]:
    data = base64.b64encode(printable_picture(node.png)).decode()
    yield f'<figure class="case"><img src="data:image/jpeg;base64,{data}" alt="{escape(node.alt)}"><figcaption>'
    yield f"<p>{runs_html(node.title, places)}</p><p>{runs_html(node.text, places)}</p>"
    yield f'<p class="note"><code>{escape(node.path)}</code></p></figcaption></figure>'


def _figure(node: Any) -> Iterator[str]:
    drawn = svg_of(figure(replace(node, caption=""), Layout()), WIDTH, node.alt, EVIDENCE)
    caption = f"<figcaption>{escape(node.caption)}</figcaption>" if node.caption else ""
    yield f'<figure>{caption}<div class="wide">{drawn}</div></figure>'
