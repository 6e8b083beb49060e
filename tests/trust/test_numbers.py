"""Numbers in documents: one value each, none typed, none stale, none of another product, none changed in silence."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from small_audit import Small, audit

from audit.dossier.revisions import Printed, changed_results, disagreements
from audit.dossier.rounding import agree, prints_as
from audit.evidence.store import AuditSummary, create_audit, list_audits
from audit.plan import StoredPlan
from audit.records import BadInput
from audit.tables import ESTIMATES
from audit.tabulating import stored_plan
from audit.verifying import result_checking
from audit.verifying.delivered_checking import check_delivered
from audit.verifying.result_checking import Evidence, check_documents, check_values

Edit = Callable[[list[dict[str, Any]]], str]


def raise_estimates(small: Small) -> None:
    """States other estimates, as a later run of corrected code would."""
    frame = small.store.read_table(ESTIMATES)
    small.store.put_table(ESTIMATES, frame.assign(value=frame["value"] + 0.1))


def restate(small: Small, name: str, edit: Edit) -> str:
    """Edits the values of a document's record and states the file again: a forgery that no digest contradicts."""
    path = small.documents / f"{name}.json"
    record = json.loads(path.read_bytes())
    told = edit(record["values"])
    stated = small.store.latest("document")
    small.store.put_bytes("document", f"documents/{name}.json", json.dumps(record).encode(), [], stated.body)
    return told


def typed(values: list[dict[str, Any]]) -> str:
    one = next(each for each in values if each["pointer"].endswith("/value"))
    one["text"] = "0.999"
    return str(one["reference"])


def without_statement(values: list[dict[str, Any]]) -> str:
    values[0]["statement"], values[0]["reference"] = "0" * 64, f"audit:{'0' * 12}#/x"
    return f"audit:{'0' * 12}#/x"


def test_an_untouched_audit_has_nothing_to_tell(pristine: Small) -> None:
    assert check_documents(pristine.store) == []
    for name in ("summary.pdf", "summary.docx", "report.json"):
        assert pristine.verify(pristine.documents / name).code == 0, name


@pytest.mark.parametrize("edit", [typed, without_statement])
def test_a_planted_number_is_named_in_audit_and_file(small: Small, edit: Edit) -> None:
    told = restate(small, "summary", edit)
    checked = small.verify(small.documents / "summary.json")
    assert checked.code == 1
    assert any(told in each["thing"] for each in checked.json["differences"]), checked.out
    assert any(told in each.thing for each in check_documents(small.store))


def test_a_number_changed_in_a_delivered_record_is_named(small: Small, tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    record = json.loads((small.documents / "summary.json").read_bytes())
    told = typed(record["values"])
    path.write_text(json.dumps(record))
    said = small.verify(path).json["differences"]
    assert "not the delivered file" in said[0]["explanation"]
    assert (said[1]["thing"], said[1]["found"]) == (f"summary.json: {told}", "0.999")


def test_a_number_of_another_product_is_named(small: Small) -> None:
    stored = StoredPlan(stored_plan(small.store), b"id: other", small.folder / "plan.yaml")
    other = create_audit(small.home, stored, "2026-03-01T00:00:00Z", "exploratory", "a second product", producer={})
    statement = other.put_table(ESTIMATES, small.store.read_table(ESTIMATES))

    def copied(values: list[dict[str, Any]]) -> str:
        one = next(each for each in values if each["pointer"].endswith("/value"))
        one["statement"], one["reference"] = statement.id, f"audit:{statement.id[:12]}#{one['pointer']}"
        return str(one["reference"])

    told = restate(small, "summary", copied)
    (said,) = check_delivered(small.documents / "summary.json", small.store, "documents/summary.json")
    assert told in said.thing
    assert other.audit_id in said.found
    assert "copied from another product" in said.explanation


def test_other_audits_are_read_once_however_many_results_lack_evidence(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    def listing(home: Path) -> list[AuditSummary]:
        asked.append(home)
        return list_audits(home)

    monkeypatch.setattr(result_checking, "list_audits", listing)
    values = [{"text": "1", "reference": f"audit:{number:012x}#/a"} for number in range(300)]
    found = list(check_values("a rewritten ledger", values, Evidence(small.store)))
    assert [one.found for one in found] == ["no statement"] * 300
    assert len(asked) == 1


def test_products_that_cannot_be_read_are_tried_once(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[object] = []

    def damaged(*asked: object) -> Any:
        tried.append(asked)
        return json.loads("[")

    monkeypatch.setattr(result_checking, "audit_view", damaged)
    found = check_documents(small.store)
    assert {one.thing.rpartition(": ")[2] for one in found} == {"evidence"}
    assert len(tried) == 1


def test_stale_results_are_named_in_every_format(small: Small) -> None:
    raise_estimates(small)
    whole = check_documents(small.store)
    assert any("documents/summary.json" in each.thing and "stale" in each.explanation for each in whole)
    for name in ("summary.pdf", "summary.docx", "summary.html"):
        said = small.verify(small.documents / name).json["differences"]
        assert said, name
        assert all("stale" in each["explanation"] for each in said)


def test_a_changed_number_is_refused_until_acknowledged(small: Small) -> None:
    raise_estimates(small)
    before = (small.documents / "summary.json").read_bytes()
    with pytest.raises(BadInput, match=r"results differ from the version of .*--acknowledge"):
        small.build("summary")
    assert (small.documents / "summary.json").read_bytes() == before
    small.build("summary", reason="an estimator was corrected")
    stated = small.store.latest("acknowledged")
    assert stated.body["who"] == "Tester"
    assert stated.body["count"] == len(stated.body["changed"]) > 0
    document = pypdfium2.PdfDocument(small.documents / "summary.pdf")
    words = " ".join(" ".join(page.get_textpage().get_text_range().split()) for page in document)
    assert "an estimator was corrected (acknowledged by Tester)" in words
    assert "Results changed by version 2" in words
    assert small.verify(small.documents / "summary.pdf").code == 0
    said = [each.thing for each in check_documents(small.store)]
    assert any("report.json" in thing for thing in said), "the other document is stale still"
    assert not any("summary.json" in thing for thing in said)


def test_a_document_built_again_unchanged_needs_no_reason(small: Small) -> None:
    small.build("summary", at="2026-03-03T10:00:00Z")
    assert small.store.latest("acknowledged") is None
    assert small.verify().code == 0


def test_one_quantity_has_one_value() -> None:
    one, near = Printed("estimates", "/E1/value", "0.944"), Printed("estimates", "/E1/value", "0.94")
    far, grown = replace(one, text="0.954"), Printed("accesses", "/count", "3")
    assert list(disagreements({"a": [one, grown], "b": [near, replace(grown, text="4")]})) == []
    (found,) = disagreements({"a": [one], "b": [far]})
    assert found.found == (("a", "0.944"), ("b", "0.954"))
    assert changed_results([one, grown], [near, replace(grown, text="4")]) == []
    assert [each.after for each in changed_results([one], [far, far])] == ["0.954"]


def test_a_reason_needs_somebody_who_answers(small: Small) -> None:
    said = audit("dossier", small.audit_id, "--home", small.home, "--acknowledge", "because")
    assert said.code == 2
    assert "--who NAME" in said.err


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("0.944", "0.944", True),
        ("0.944", "0.94", True),
        ("0.944", "0.95", False),
        ("0.944", "0.945", False),
        ("\u22120.1", "0.1", False),
        ("+0.031", "0.031", True),
        ("1,204", "1204", True),
        ("met", "failed", False),
    ],
)
def test_when_two_printed_results_agree(one: str, other: str, same: bool) -> None:
    assert agree(one, other) is same
    assert agree(other, one) is same


@pytest.mark.parametrize(
    ("value", "text", "fits"),
    [
        ("not shown", "met", False),
        ("co_primary", "co primary", True),
        ("04267ce2c775fa65", "04267ce2c775", True),
        ("the score is 0.99", "The score is 0.99", True),
        ("the score is 0.99", "The score is 0.98", False),
        (0.5, "excellent", False),
        (0.00001, "<0.001", True),
        (float("inf"), "\u221e", True),
        (True, "yes", True),
    ],
)
def test_words_are_held_against_the_evidence_too(value: object, text: str, fits: bool) -> None:
    assert prints_as(value, text) is fits
