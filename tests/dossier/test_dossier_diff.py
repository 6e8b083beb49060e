"""What changed between two builds: numbers, clauses, sections; and what a new edition of a catalogue touches."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from audit.cli import assembled
from audit.datafolders import data_folder
from audit.documents.dossier_diff import as_text, catalogue_changes, compared
from audit.dossier.differing import FRONT, changes
from audit.dossier.resolve import resolve
from audit.dossier.serial import to_json
from audit.dossier.templates import read_template
from audit.dossier.view import AuditView
from audit.records import BadInput

TEMPLATE = read_template(data_folder("templates") / "eu_ai_act_annex_iv.yaml")


def tree_of(view: AuditView) -> dict:
    return json.loads(to_json(resolve(TEMPLATE, view)))


@pytest.fixture(scope="module")
def old(view: AuditView) -> dict:
    return tree_of(view)


@pytest.fixture(scope="module")
def new(view: AuditView) -> dict:
    """One estimate altered, its table stated again, and the device's facts gone."""
    estimates = view.estimates.copy()
    estimates.loc[3, "value"] = 0.5
    again = replace(view.statements["estimates"], id="ee" * 32)
    statements = {**view.statements, "estimates": again}
    ledger = (*view.ledger, again)
    return tree_of(replace(view, estimates=estimates, statements=statements, ledger=ledger, device=None))


def test_a_document_does_not_differ_from_itself(old: dict) -> None:
    found = changes(old, old)
    assert found.about == found.sections == found.clauses == ()


def test_each_changed_number_is_named_where_it_stands_and_no_other(old: dict, new: dict, view: AuditView) -> None:
    found = changes(old, new)
    address = f"estimates /{view.estimates.loc[3, 'estimate_id']}/value"
    altered = {each for section in found.sections for each in section.numbers if each.what.startswith("estimates")}
    assert {each.what for each in altered} == {address}
    assert {(each.old, each.new) for each in altered} == {("0.962", "0.500")}
    citing = {
        str(section["title"]).partition("  ")[2]
        for section in old["sections"]
        if f"/{view.estimates.loc[3, 'estimate_id']}/value" in json.dumps(section)
    }
    told = {section.title for section in found.sections if any(each in altered for each in section.numbers)}
    assert told - {FRONT} == citing


def test_changed_statuses_name_their_clauses(old: dict, new: dict) -> None:
    found = changes(old, new)
    statuses = {each.what: (each.old, each.new) for section in found.sections for each in section.statuses}
    assert statuses["Annex IV(1)(b) (aia.annex4.1.b)"] == ("declared", "missing")
    assert "Annex IV(1)(b)" in found.clauses
    before = {each["requirement"]: each["status"] for section in old["sections"] for each in section["answers"]}
    after = {each["requirement"]: each["status"] for section in new["sections"] for each in section["answers"]}
    assert len(statuses) == sum(before[name] != after[name] for name in before)


def test_a_section_that_came_or_went_is_told(old: dict) -> None:
    less = {**old, "sections": old["sections"][1:]}
    (gone,) = changes(old, less).sections
    assert gone.title == str(old["sections"][0]["title"]).partition("  ")[2]
    assert all(each.new == "" for each in (*gone.numbers, *gone.statuses))
    (came,) = changes(less, old).sections
    assert all(each.old == "" for each in (*came.numbers, *came.statuses))


def test_the_command_compares_two_files(old: dict, new: dict, tmp_path: Path) -> None:
    for name, tree in (("old", old), ("new", new)):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{TEMPLATE.id}.json").write_text(json.dumps(tree))
    paths = [str(tmp_path / name / f"{TEMPLATE.id}.json") for name in ("old", "new")]
    run = CliRunner().invoke(assembled(), ["dossier", "--diff", *paths, "--json"])
    assert run.exit_code == 0, run.output
    (told,) = json.loads(run.output)["documents"]
    assert "Annex IV(1)(b)" in told["clauses"]
    folders = compared(str(tmp_path / "old"), str(tmp_path / "new"), tmp_path)
    text = as_text(folders)
    assert "0.962 → 0.500" in text
    assert as_text(compared(paths[0], paths[0], tmp_path)) == f"{TEMPLATE.id}: nothing differs."


def test_a_new_edition_lists_the_sections_it_touches(tmp_path: Path) -> None:
    packaged = data_folder("templates") / "catalogues" / "eu_ai_act_annex_iv.yaml"
    text = packaged.read_text(encoding="utf-8")
    assert text.count("title: Forms of supply") == 1
    (tmp_path / "new.yaml").write_text(text.replace("title: Forms of supply", "title: Ways of supply"))
    found = catalogue_changes(packaged, tmp_path / "new.yaml")
    annex = next(each for each in found if each.id == TEMPLATE.id)
    (section,) = annex.sections
    assert section.title == "1  General description of the system"
    assert section.clauses == ("Annex IV(1)",)
    (entry,) = section.statuses
    assert (entry.what, entry.old, entry.new) == (
        "aia.annex4.1.d", "title: Forms of supply", "title: Ways of supply",
    )  # fmt: skip
    assert catalogue_changes(packaged, packaged) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [("{}", "not of the format"), ("{", "no JSON"), ('["audit"]', "not of the format"), ("[" * 100_000, "no JSON")],
)
def test_what_is_no_document_is_one_sentence(content: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(BadInput, match=words):
        compared(str(tmp_path / "a.json"), str(tmp_path / "a.json"), tmp_path)


def test_sides_that_cannot_be_compared_are_refused(old: dict, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(old))
    (tmp_path / "b.json").write_text(json.dumps({**old, "id": "another"}))
    with pytest.raises(BadInput, match="no document in common"):
        compared(str(tmp_path / "a.json"), str(tmp_path / "b.json"), tmp_path)
    with pytest.raises(BadInput, match="cannot be read"):
        compared(str(tmp_path / "c.json"), str(tmp_path / "b.json"), tmp_path)
    (tmp_path / "c.yaml").write_text("entries: 3")
    with pytest.raises(BadInput, match="no clause catalogue"):
        compared(str(tmp_path / "c.yaml"), str(tmp_path / "c.yaml"), tmp_path)
