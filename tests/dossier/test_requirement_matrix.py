"""The same evidence before both authorities, and pages of one document that stand in another."""

from dataclasses import replace

import pytest
from pypdfium2 import PdfDocument

from audit.datafolders import data_folder
from audit.dossier.blocks.requirement_matrix import DECLARED, ENTRY, MatrixParameters
from audit.dossier.building import default_templates
from audit.dossier.content import Column, Heading, Link, NewPage, PageOf, Paragraph, Row, Table, page_key, plain, text
from audit.dossier.pdf import paginated, render_pdf
from audit.dossier.resolve import resolve
from audit.dossier.templates import read_template
from audit.dossier.word import render_word
from audit.dossier.word_reading import read_word
from audit.dossier.words import few

EU, FDA = (
    read_template(path)
    for path in default_templates()
    if path.stem in ("eu_ai_act_annex_iv", "fda_performance_testing")
)


@pytest.fixture(scope="module")
def table(view):
    (found,) = ENTRY.build(view, MatrixParameters())
    return found


def of_kind(table, name):
    """The rows under one kind of evidence."""
    start = next(i for i, row in enumerate(table.rows) if row.kind == "group" and plain(row.cells[0]).startswith(name))
    rows = []
    for row in table.rows[start + 1 :]:
        if row.kind == "group":
            return rows
        rows.append(row)
    return rows


def test_each_clause_stands_under_each_of_its_evidence_with_status_and_page(table, view):
    for template, first in ((EU, 0), (FDA, 5)):
        for answer in resolve(template, view).answers:
            if answer.status == "not applicable":
                assert answer.clause in plain(table.note)
                continue
            for kind in answer.evidence or (DECLARED,):
                cells = [row.cells[first : first + 4] for row in of_kind(table, kind[:1].upper() + kind[1:])]
                wanted = (text(answer.clause), text(answer.title))
                status, page = next((c[2], c[3]) for c in cells if (c[0], c[1]) == wanted)
                assert plain(status) == answer.status
                assert page == (PageOf(answer.section, template.id),)


def test_evidence_leads_to_its_statement(table, view):
    groups = {plain(row.cells[0]).partition(":")[0]: row.cells[0] for row in table.rows if row.kind == "group"}
    links = [run.statement for run in groups["Overall estimates"] if isinstance(run, Link)]
    assert links == [view.statements["estimates"].id]
    assert "not in evidence" in plain(groups["Leakage search"])


@pytest.fixture(scope="module")
def pair(view):
    """Two documents of a few pages: the first names pages of the second, the second none."""
    whole = resolve(FDA, view)
    column = Column("Page", 1)
    rows = (Row(((PageOf("second", "b"),),)), Row(((PageOf("second", "absent"),),)), Row(((PageOf("last"),),)))
    first = (Table("", (column,), rows), NewPage(), Heading("Last", 1, "last"))
    second = (NewPage(), NewPage(), Heading("Second", 1, "second"), Paragraph(text("words")))
    small = replace(whole, sections=(), appendix=())
    return replace(small, id="a", front=first), replace(small, id="b", front=second)


def elsewhere(document):
    """The pages of a document that was laid out before."""
    _, layout = paginated(document)
    return {page_key(document.id, key): page for key, page in layout.pages.items()}


def test_pages_of_another_document_are_filled_in(pair):
    known = elsewhere(pair[1])
    assert known["b/second"] == 3
    pdf_bytes, layout = paginated(pair[0], known)
    assert paginated(pair[0], known) == (pdf_bytes, layout)
    with PdfDocument(pdf_bytes) as pdf:
        words = pdf[0].get_textpage().get_text_bounded().splitlines()
    start = words.index("Page")
    assert [each.strip() for each in words[start + 1 : start + 4]] == ["3", "–", "2"]
    assert "3" in read_word(render_word(pair[0], known), "a.docx").paragraphs


def test_a_document_built_alone_says_that_it_does_not_know_the_other_s_pages(pair):
    with PdfDocument(render_pdf(pair[0])) as pdf:
        words = pdf[0].get_textpage().get_text_bounded().splitlines()
    start = words.index("Page")
    assert [each.strip() for each in words[start + 1 : start + 4]] == ["–", "–", "2"]


def test_the_document_of_the_matrix_lists_each_statement_it_leads_to(view):
    document = resolve(read_template(data_folder("templates") / "requirement_matrix.yaml"), view)
    (matrix,) = (node for node in document.sections[0].nodes if isinstance(node, Table))
    led_to = {run.statement for row in matrix.rows for cell in row.cells for run in cell if isinstance(run, Link)}
    listed = {row.key for node in document.appendix if isinstance(node, Table) for row in node.rows}
    assert led_to
    assert led_to <= listed
    assert render_pdf(document).startswith(b"%PDF")


def test_a_long_list_of_groups_ends():
    names = [f"Centre {number}" for number in range(1, 31)]
    assert few(names, 3) == "Centre 1, Centre 2, Centre 3 and 27 more"
    assert few(tuple(names[:4]), 3) == "Centre 1, Centre 2, Centre 3 and Centre 4"
