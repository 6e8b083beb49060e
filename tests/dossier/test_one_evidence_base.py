"""What holds for every document at once: marks are kept, nothing is blank, one number stands in exactly its places."""

from dataclasses import replace

import pandas as pd
import pypdfium2
import pytest
from dossier_example import MAIN, make_view

from audit.dossier.answering import known_answers
from audit.dossier.building import applicable_templates, default_templates, template_at
from audit.dossier.catalogues import known_requirements
from audit.dossier.content import Document, Heading, StatusBox, Table
from audit.dossier.locating import Shared
from audit.dossier.pdf import paginated
from audit.dossier.pointers import pointer
from audit.dossier.resolve import resolve
from audit.dossier.serial import to_json
from audit.dossier.statuses import answers
from audit.dossier.templates import Asked, TemplateSection
from audit.dossier.view import AuditView

TEMPLATES = [template_at(path) for path in default_templates()]


def unbound(view: AuditView) -> dict[str, str]:
    """Every entry that is marked as fed by a run and has no statement behind it, with what it lacks."""
    marked = [Asked(id=each) for each, answering in known_answers().items() if answering.feeds == "run"]
    section = TemplateSection(title="All marks", requirements=tuple(marked))
    found = answers(view, section, "all", "eu")
    return {each.requirement: each.missing for each in found if not each.statements}


@pytest.fixture(scope="module")
def documents(view) -> dict[str, Document]:
    shared = Shared()
    return {template.id: resolve(template, view, shared) for template in TEMPLATES}


def test_what_is_marked_as_fed_by_a_run_is_bound(view):
    assert len([each for each in known_answers().values() if each.feeds == "run"]) > 180
    assert unbound(view) == {}
    assert unbound(replace(view, statements={})) != {}


def test_every_mark_is_of_a_computed_or_mixed_entry():
    known = known_requirements()
    for name, answering in known_answers().items():
        assert bool(answering.feeds) == (known[name].kind != "declared" and bool(answering.evidence)), name


def test_every_document_has_gaps_first_and_nothing_is_blank(documents):
    for document in documents.values():
        assert isinstance(document.front[0], StatusBox)
        gaps_stand_first(document)
        assert document.sections
        for answer in document.answers:
            assert answer.status in ("evidenced", "partly evidenced", "declared", "missing", "not applicable")
            assert answer.status in ("evidenced", "declared") or answer.missing or answer.reason
        for node in document.nodes:
            if isinstance(node, Table):
                assert node.rows, (document.id, node.caption)


def gaps_stand_first(document: Document) -> None:
    """As the first heading, or in the status box where the front is one page."""
    headings = [node.text for node in document.nodes if isinstance(node, Heading)]
    box = document.front[0]
    assert headings[0] == "Gaps" or box.items[-1].label == "Gaps", document.id


def test_no_document_says_the_word(documents):
    for document in documents.values():
        assert "complian" not in to_json(document).decode().lower(), document.id


@pytest.mark.parametrize("row", [3, 40])
def test_altering_one_estimate_changes_exactly_the_places_that_cite_it(view, documents, row):
    estimates = view.estimates.copy()
    estimates.loc[row, "value"] -= 0.001  # no other order of the groups, which some blocks go by
    address = pointer(estimates.loc[row, "estimate_id"], "value")
    shared, altered = Shared(), replace(view, estimates=estimates)
    cited = 0
    for template in TEMPLATES:
        old, new = documents[template.id], resolve(template, altered, shared)
        for node, now in zip(old.nodes, new.nodes, strict=True):  # words, colours and marks as well as numbers
            assert node == now or cites(old, node, address), (template.id, node)
        before, after = old.values, new.values
        changed = {new.pointer for old, new in zip(before, after, strict=True) if old != new}
        here = {each.pointer for each in before if each.pointer == address}
        assert changed == here, template.id
        cited += len(here)
    assert cited


def cites(document: Document, node, address: str) -> bool:
    """Whether a number in this part of the document is that of the address."""
    return address in {each.pointer for each in replace(document, front=(node,), sections=(), appendix=()).values}


def test_markets_choose_the_documents(view):
    def chosen(**facts):
        return {path.stem for path in applicable_templates(replace(view, device=view.device.model_copy(update=facts)))}

    both = chosen()
    assert both == {template.id for template in TEMPLATES}
    assert chosen(markets=("eu",)) == {each for each in both if not each.startswith("fda_")}
    assert chosen(markets=("us",)) == {each for each in both if not each.startswith("eu_")}
    assert both - chosen(predetermined_changes=False) == {"fda_pccp"}
    assert chosen(markets=("us",)) < {path.stem for path in applicable_templates(replace(view, device=None))}


def test_a_document_prints_the_facts_of_its_own_market(documents):
    """The example is sold in both; what one market alone asks for stands in no document of the other."""
    union = ("Authorised representative in the Union", "Class and rule under", "Notified body, procedure, certificate")
    states = ("Product code (FDA)", "Classification regulation (21 CFR)")
    printed = {name: to_json(each).decode() for name, each in documents.items() if "Device, as declared" in str(each)}
    assert {name[:3] for name in printed} >= {"eu_", "fda"}
    for name, words in printed.items():
        assert all((label in words) == (not name.startswith("fda_")) for label in union), name
        assert all((label in words) == (not name.startswith("eu_")) for label in states), name


def test_the_declaration_cannot_be_issued_while_gaps_stand(documents):
    words = to_json(documents["eu_declaration_of_conformity"]).decode()
    assert "This draft cannot be issued" in words
    assert '"type":"Signature"' not in words


def test_reader_clauses_are_missing_until_there_is_a_reader_study(view):
    device = view.device.model_copy(update={"regulation": "892.2060"})
    report = resolve(template_at(MAIN[1]), replace(view, device=device))
    reader = next(each for each in report.answers if each.requirement == "fda.cfr892.2060.b1.iii")
    assert (reader.status, reader.missing) == ("missing", "no reader study is part of this audit")
    assert len([each for each in report.answers if "892.2060" in each.requirement]) == 13


def test_a_checklist_names_the_pages_of_documents_of_the_same_run(view):
    template = template_at(next(path for path in default_templates() if path.stem == "stard_ai_checklist"))
    pages = {"eu_ai_act_annex_iv": {"case_flow": 23, "sets": 9}, "fda_performance_testing": {"case_flow": 31}}
    titles = {"eu_ai_act_annex_iv": "Technical documentation", "fda_performance_testing": "Testing report"}
    together = resolve(template, view, Shared(pages=pages, titles=titles))
    assert where(together, "Item 24") == "Technical documentation, p. 23; Testing report, p. 31"
    assert where(together, "Item 6") == "–"
    alone = where(resolve(template, view), "Item 24")
    assert alone == "page known when built together with eu_ai_act_annex_iv or fda_performance_testing"


def where(document: Document, item: str) -> str:
    tables = (node for section in document.sections for node in section.nodes if isinstance(node, Table))
    row = next(row for table in tables for row in table.rows if row.cells[0][0].text == item)
    return "".join(run.text for run in row.cells[3])


def test_the_noted_page_of_a_block_is_the_one_on_which_it_begins(documents):
    document = documents["fda_public_summary"]
    data, layout = paginated(document)
    texts = [page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(data)]
    places = dict(document.places)
    assert {"population_table", "case_flow", "key_results", "two_by_two"} <= set(places)
    for key in places.values():
        caption = key.removeprefix("at: ")
        assert next(n for n, text in enumerate(texts, 1) if caption in " ".join(text.split())) == layout.pages[key]


def test_the_words_of_each_market_stand_in_its_documents(documents):
    eu, fda = (to_json(documents[name]).decode() for name in ("eu_data_governance", "fda_510k_summary"))
    assert "Declared by" in eu
    assert "testing data set" in eu
    assert "test data set" in fda
    assert "testing data set" not in fda
    assert " %" in to_json(documents["eu_data_governance"]).decode()
    shares = [node for section in documents["fda_510k_summary"].sections for node in section.nodes
              if isinstance(node, Table) and node.caption == "Cases and patients by characteristic"]  # fmt: skip
    assert shares[0].rows[0].cells[2][0].text == "100.0%"


def test_a_public_document_says_so(documents):
    public = {"fda_public_summary", "fda_model_card", "fda_510k_summary", "hospital_summary"}
    assert {name for name, document in documents.items() if document.public} == public


def test_an_audit_without_device_and_comparator_fills_every_document():
    view = make_view(
        device=None, comparator=None, findings=(), importance=pd.DataFrame(columns=make_view().importance.columns)
    )
    shared = Shared()
    for template in TEMPLATES:
        assert resolve(template, view, shared).sections
