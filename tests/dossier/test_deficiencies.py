"""The questions of a reviewer: each fires on a planted audit, is silent on its twin, and says when it cannot tell."""

import json

import pytest
from dossier_example import make_view
from planted_deficiencies import PLANTS

from audit.catalogue import entries
from audit.documents.prechecking import as_dict, as_text
from audit.dossier.blocks.deficiencies import ENTRY as BLOCK
from audit.dossier.catalogues import known_requirements
from audit.dossier.content import Value, plain
from audit.dossier.deficiencies.check import CannotTell
from audit.dossier.pointers import look_up
from audit.dossier.precheck import precheck
from audit.dossier.templates import TYPED_RESULT

CHECKS = entries("dossier.deficiencies")


def test_every_question_has_a_planted_audit():
    assert sorted(PLANTS) == sorted(CHECKS)


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_a_question_has_clauses_and_a_remedy(name):
    check = CHECKS[name]
    known = known_requirements()
    assert check.eu in known
    assert check.eu.startswith("aia.")
    assert check.fda in known
    assert check.fda.startswith("fda.")
    assert check.question.endswith("?")
    assert check.remedy.endswith(".")
    assert not TYPED_RESULT.search(check.question + check.remedy)


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_it_fires_on_the_planted_audit_and_not_on_its_twin(name, view):
    plant = PLANTS[name]
    found = CHECKS[name].find(plant.planted(view))
    assert not isinstance(found, CannotTell), found
    assert found is not None
    assert plant.words in plain(found)
    assert CHECKS[name].find(plant.clean(view)) is None


@pytest.mark.parametrize("name", sorted(name for name, plant in PLANTS.items() if plant.untold))
def test_it_says_when_it_cannot_tell(name, view):
    found = CHECKS[name].find(PLANTS[name].untold(view))
    assert isinstance(found, CannotTell)
    assert found.because
    assert not found.because.endswith(".")


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_numbers_in_a_finding_resolve(name, view):
    planted = PLANTS[name].planted(view)
    kinds = {statement.id: kind for kind, statement in planted.statements.items()}
    for run in CHECKS[name].find(planted) or ():
        if isinstance(run, Value):
            look_up(planted.payload(kinds[run.statement]), run.pointer)


def test_deficiencies_come_first_and_the_gravest_of_them(view):
    asked = precheck(view)
    assert len(asked) == len(CHECKS)
    outcomes = [each.outcome for each in asked]
    assert outcomes == sorted(outcomes, key=("deficient", "cannot be told", "nothing to ask").index)
    grave = [each.check.severity for each in asked if each.outcome == "deficient"]
    assert grave == sorted(grave, key=("serious", "moderate", "note").index)
    assert plain(next(each.what for each in asked if each.outcome == "cannot be told")).startswith("Cannot be told, ")


def test_the_block_prints_what_was_found_and_names_what_was_not(view):
    table, note = BLOCK.build(view, BLOCK.parameters())
    shown = [each for each in precheck(view) if each.outcome != "nothing to ask"]
    assert len(table.rows) == len(shown)
    for row, each in zip(table.rows, shown, strict=True):
        assert each.check.question in plain(row.cells[0])
        assert "EU: " in plain(row.cells[2])
        assert "FDA: " in plain(row.cells[2])
    assert "Does performance carry over to scanners of other manufacturers?" in plain(note.runs)


@pytest.mark.parametrize(("market", "place"), [("eu", 0), ("us", 1)])
def test_a_document_of_one_market_names_the_clauses_of_that_market(view, market, place):
    table, _ = BLOCK.build(view, BLOCK.parameters(market=market))
    shown = [each for each in precheck(view) if each.outcome != "nothing to ask"]
    assert [plain(row.cells[2]) for row in table.rows] == [each.clauses[place] for each in shown]


def test_machines_get_clauses_and_addresses():
    asked = precheck(PLANTS["reused test set"].planted(make_view()))
    found = as_dict("audit-1", asked)
    again = next(each for each in found["questions"] if each["name"] == "reused test set")
    assert again["outcome"] == "deficient"
    assert again["what"] == "Runs on record for the set: 2."
    assert again["evidence"][0].startswith("audit:")
    assert again["clauses"]["fda.aidsf.viii.6"] == known_requirements()["fda.aidsf.viii.6"].label
    assert found["deficiencies"] == sum(each["outcome"] == "deficient" for each in found["questions"])
    json.dumps(found, allow_nan=False)
    text = as_text("audit-1", asked)
    assert f"audit audit-1: {found['deficiencies']} deficiencies" in text
    assert "Remedy: " + again["remedy"] in text
