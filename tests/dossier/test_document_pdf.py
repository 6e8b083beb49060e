"""The PDF as a reader and a checker meet it: pages, texts, links, breaks, bytes."""

import io
import re

import pandas as pd
import pikepdf
import pypdfium2
import pytest
from dossier_example import MAIN, an_estimate, make_view

from audit.dossier.building import build_documents
from audit.dossier.content import ForestPlot
from audit.dossier.resolve import resolve
from audit.dossier.rounding import number
from audit.dossier.templates import read_template
from audit.tables import ESTIMATES


def pages_of(data: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(data)
    return [" ".join(page.get_textpage().get_text_range().replace("\u00a0", " ").split()) for page in document]


def addresses_of(data: bytes) -> list[str]:
    with pikepdf.open(io.BytesIO(data)) as pdf:
        found = [str(a.get("/Contents", "")) for page in pdf.pages for a in page.get("/Annots", [])]
    return [each for each in found if each.startswith("audit:")]


TINY = """\
id: tiny
title: Tiny document
instrument: fda_ai_dsf
vocabulary: fda
page: Letter
sections:
- title: Groups
  requirements:
  - {id: fda.aidsf.x.a.4, evidence: [subgroup estimates]}
  blocks:
  - {kind: estimates_table, show: subgroups, measures: [auroc]}
  - {kind: signatures}
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    path = tmp_path_factory.mktemp("templates") / "tiny.yaml"
    path.write_text(TINY, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def built(view):
    return build_documents(view, MAIN)


@pytest.fixture(scope="module")
def texts(built):
    return [pages_of(each.pdf) for each in built]


def test_the_same_view_gives_the_same_bytes(view, tiny):
    once, again = (build_documents(each, [tiny])[0] for each in (view, make_view()))
    assert once.pdf == again.pdf
    assert once.json == again.json
    assert b"D:2000" in once.pdf


def test_another_estimate_gives_other_bytes(view, tiny):
    estimates = view.estimates.copy()
    estimates.loc[0, "value"] = 0.961
    assert build_documents(make_view(estimates=estimates), [tiny])[0].pdf != build_documents(view, [tiny])[0].pdf


def test_simulated_data_stands_on_every_page(texts):
    for pages in texts:
        assert len(pages) > 10
        assert all("SIMULATED DATA" in page for page in pages)


def test_real_data_do_not_claim_to_be_simulated(tiny):
    document = build_documents(make_view(simulated=False), [tiny])[0]
    assert not any("SIMULATED" in page for page in pages_of(document.pdf))


def test_the_first_page_has_status_and_gaps_and_the_first_two_tell_the_story(texts):
    for pages in texts:
        first = pages[0]
        for words in (
            "unsigned",
            "confirmatory",
            "Gaps",
            "operating point was chosen on the audited set",
            "Race and ethnicity",
        ):
            assert words in first, words
        both = first + pages[1]
        assert "lesions v1 (comparator) fails on manufacturer Corvid" in both
        assert "Endpoints" in both
        assert first.index("Gaps") < both.index("What the audit found")


def test_exploratory_and_recorded_are_said_on_page_one(tiny):
    view = make_view(
        mode="exploratory", mode_reason="the plan was not locked before inference", recorded_predictions=True
    )
    first = pages_of(build_documents(view, [tiny])[0].pdf)[0]
    assert "EXPLORATORY" in first
    assert "predictions existed before the lock" in first


def test_every_page_has_audit_ledger_status_and_number(texts, view):
    for pages, status in zip(texts, ("2 August 2028", "DRAFT of 7 January 2025"), strict=True):
        for index, page in enumerate(pages, 1):
            assert f"page {index} of {len(pages)}" in page
            assert view.audit_id in page
            assert view.ledger_root in page
            assert status in page


def test_every_estimate_is_printed_as_rounded(texts, view):
    for row in view.rows:
        if row.value is not None and row.kind == "value" and row.is_overall:
            assert all(number(row.value) in " ".join(pages) for pages in texts)


def test_every_result_carries_its_address_under_its_rectangle(built):
    for each in built:
        wanted = {f"audit:{statement[:12]}#{pointer}" for _, statement, pointer in each.values}
        assert wanted == set(addresses_of(each.pdf))


def test_the_forbidden_word_is_not_printed(texts):
    assert not any(re.search("complian", page, re.IGNORECASE) for pages in texts for page in pages)


def test_undefined_rows_are_drawn_in_the_forest_plot(view, texts):
    document = resolve(read_template(MAIN[0]), view)
    plots = [node for node in document.nodes if isinstance(node, ForestPlot)]
    undefined = [mark for plot in plots for row in plot.rows for mark in row.marks if mark and mark.value is None]
    assert undefined
    assert all(mark.undefined == "undefined: no reference-positive cases" for mark in undefined)
    page = next(text for text in texts[0] if plots[0].caption in text)
    assert "undefined: no reference-positive cases" in page


def test_bookmarks_contents_language_and_fonts(built):
    with pikepdf.open(io.BytesIO(built[0].pdf)) as pdf:
        assert str(pdf.Root.Lang) == "en-GB"
        with pdf.open_outline() as outline:
            titles = [item.title for item in outline.root]
        fonts = [font for page in pdf.pages for font in page.Resources.Font.values()]
        for font in fonts:
            assert "/FontFile2" in font.FontDescriptor, font.BaseFont
            assert "DejaVuSans" in str(font.BaseFont)
    assert titles[0] == "Gaps"
    assert titles[-1] == "Evidence"
    contents = next(page for page in pages_of(built[0].pdf) if "Contents" in page)
    assert "Requirement matrix" in contents


def test_a_long_table_breaks_with_its_header_on_every_page(view, tiny):
    rows = [
        an_estimate(index, "value", "candidate", "auroc", "lesion", "site", f"Site {index:03d}") for index in range(300)
    ]
    long = ESTIMATES.conform(pd.concat([view.estimates, pd.DataFrame(
        [(f"L{index}", *row[1:]) for index, row in enumerate(rows)], columns=list(ESTIMATES.columns))]))  # fmt: skip
    pages = pages_of(build_documents(make_view(estimates=long), [tiny])[0].pdf)
    holding = [page for page in pages if "Site 1" in page and "Estimates by group" in page]
    assert len(holding) > 1
    for page in holding:
        assert "Group Version Patients Cases Events Estimate Interval" in page
    assert all(any(f"Site {index:03d}" in page for page in pages) for index in range(300))


def test_texts_stay_inside_the_page(built):
    for each in built:
        for page in pypdfium2.PdfDocument(each.pdf):
            width, height = page.get_size()
            texts = page.get_textpage()
            for index in range(texts.count_rects()):
                left, bottom, right, top = texts.get_rect(index)
                assert left > 30
                assert right < width - 30
                assert bottom > 20
                assert top < height - 20
