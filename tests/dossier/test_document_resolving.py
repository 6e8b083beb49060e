"""Statuses, gaps, first-page stories and addresses of printed numbers."""

import json
from dataclasses import replace

import pandas as pd
import pytest
from dossier_example import MAIN, a_plan, make_view
from hypothesis import given
from hypothesis import strategies as st

from audit.dossier.block import NoParameters
from audit.dossier.blocks.endpoints import ENTRY as ENDPOINTS
from audit.dossier.content import Value
from audit.dossier.front import story
from audit.dossier.gaps import gaps
from audit.dossier.moments import moment
from audit.dossier.pointers import count_pointer, look_up, pointer
from audit.dossier.resolve import resolve
from audit.dossier.rounding import number
from audit.dossier.serial import document_schema, to_json
from audit.dossier.templates import read_template
from audit.dossier.view import ESTIMATES
from audit.tables import ANALYSES

TEMPLATES = [read_template(path) for path in MAIN]
EU, FDA = TEMPLATES


def answer(document, requirement):
    return next(each for each in document.answers if each.requirement == requirement)


@pytest.fixture(scope="module", params=TEMPLATES, ids=lambda template: template.id)
def document(request, view):
    return resolve(request.param, view)


def test_every_requirement_has_a_status_and_nothing_is_silently_blank(document):
    asked = [
        each.id
        for template in TEMPLATES
        if template.id == document.id
        for s in template.sections
        for each in s.requirements
    ]
    assert [each.requirement for each in document.answers] == asked
    for each in document.answers:
        assert each.status in ("evidenced", "partly evidenced", "declared", "missing", "not applicable")
        if each.status in ("missing", "partly evidenced"):
            assert each.missing
            assert each.owner
        if each.status == "not applicable":
            assert each.reason
            assert "{" not in each.reason


def test_every_printed_number_resolves_to_its_evidence(document, view):
    kinds = {statement.id: kind for kind, statement in view.statements.items()}
    assert len(document.values) > 500
    for value in document.values:
        found = look_up(view.payload(kinds[value.statement]), value.pointer)
        assert printed_like(found, value.text), (value, found)


def printed_like(found, text):
    if isinstance(found, bool) or found is None:
        return text in ("yes", "no", "not stated")
    if isinstance(found, list | tuple):
        return text in (", ".join(map(str, found)), "none")
    if isinstance(found, int | float) or pd.api.types.is_number(found):
        return float(text.replace("\u2212", "-").replace(",", "")) == pytest.approx(float(found), abs=5.1e-4)
    if (at := moment(str(found))) is not None:
        return at == moment(text)
    return text.replace(" ", "_") in str(found).replace(" ", "_") or str(found) in text


def test_an_adjusted_claim_prints_both_lines(view):
    fields = {**dict.fromkeys(ANALYSES.columns), "analysis_id": "A1", "analysis": "claims", "quantity": "claim P1"}
    claim = {
        **fields,
        "value": 0.91,
        "low": 0.79,
        "high": 0.97,
        "p": 0.021,
        "p_adjusted": 0.042,
        "verdict": "not shown",
    }
    claim["method"] = "Holm over 2 claims of 'any': 97.5 % interval, Wilson"
    first = replace(view.findings[0], alone="met", verdict="not shown", family="Holm over 2 claims", adjusted_id="A1")
    adjusted = replace(view, findings=(first, *view.findings[1:]), analyses=pd.DataFrame([claim]))
    (table,) = ENDPOINTS.build(adjusted, NoParameters())
    alone, within = (["".join(run.text for run in cell) for cell in row.cells] for row in table.rows[:2])
    assert alone[-1] == "met"
    assert within == [
        "within its family: Holm over 2 claims of 'any'; p 0.021, adjusted 0.042",
        "[0.790 to 0.970]",
        "not shown",
    ]
    assert "It can only take a claim away" in "".join(run.text for run in table.note)


def test_altering_one_estimate_changes_exactly_the_places_that_cite_it(view):
    estimates = view.estimates.copy()
    estimates.loc[3, "value"] = 0.961  # no other order of the groups, which some blocks go by
    before, after = (resolve(EU, each).values for each in (view, replace(view, estimates=estimates)))
    changed = {new.pointer for old, new in zip(before, after, strict=True) if old != new}
    assert changed == {pointer(estimates.loc[3, "estimate_id"], "value")}


def test_computed_needs_its_statement_and_defined_estimates():
    full = resolve(EU, make_view())
    assert answer(full, "aia.art.15.3").status == "evidenced"
    assert answer(full, "aia.annex4.3.2").status == "partly evidenced"
    without = make_view()
    without = replace(without, statements={kind: s for kind, s in without.statements.items() if kind != ESTIMATES})
    assert answer(resolve(EU, without), "aia.art.15.3").status == "missing"
    emptied = make_view().estimates.assign(value=pd.NA, undefined="no cases")
    assert answer(resolve(EU, make_view(estimates=emptied)), "aia.art.15.3").status == "missing"


def test_declared_needs_text_and_mixed_needs_both():
    with_device, without = resolve(EU, make_view()), resolve(EU, make_view(device=None))
    assert answer(with_device, "aia.annex4.1.b").status == "declared"
    assert answer(without, "aia.annex4.1.b").status == "missing"
    assert answer(with_device, "aia.annex4.1.a").status == "evidenced"
    assert answer(without, "aia.annex4.1.a").status == "partly evidenced"
    assert "Regulatory affairs" in answer(without, "aia.annex4.1.a").owner


def test_conditions_choose_the_regulation():
    shown = resolve(FDA, make_view())
    assert answer(shown, "fda.cfr892.2080.b1.iv").status == "partly evidenced"
    other = answer(shown, "fda.cfr892.2060.b1.iv")
    assert (other.status, other.reason) == (
        "not applicable",
        "device.yaml does not name this classification regulation.",
    )


def test_a_number_without_a_statement_is_not_printed():
    view = make_view(statements={})
    document = resolve(EU, view)
    assert not document.values
    assert "not in evidence" in to_json(document).decode()


def words_of(view, words="eu"):
    return {gap.id: "".join(getattr(run, "text", "") for run in gap.what) for gap in gaps(view)}


def test_gaps_are_found_from_plan_and_evidence(view):
    found = words_of(view)
    assert "chosen on the audited set: lesions v2" in found["operating point candidate"]
    assert "age band 80-120" in found["small groups"]
    assert {
        "simulated",
        "race",
        "endpoints failed",
        "endpoints not shown",
        "leakage",
        "reader study",
        "unsigned",
    } <= set(found)
    assert "manufacturer" not in found
    order = [gap.severity for gap in gaps(view)]
    assert order == sorted(order, key=["serious", "moderate", "note"].index)


def test_gaps_vanish_with_their_cause():
    plan = a_plan().model_dump()
    plan["targets"]["lesion"]["operating_point"]["chosen_on"] = "tuning_set"
    found = words_of(make_view(plan=a_plan(targets=plan["targets"]), signed=True, simulated=False))
    assert not {"operating point candidate", "unsigned", "simulated"} & set(found)


def test_one_manufacturer_exploratory_recorded_and_weak_references_are_gaps(view):
    cases = view.cases.assign(**{"stratum:manufacturer": "Aurelia"})
    facts = {**view.sets[0].facts, "reference": {"kind": "single_reader"}}
    changed = make_view(
        cases=cases, mode="exploratory", mode_reason="no lock was found", recorded_predictions=True,
        sets=(replace(view.sets[0], facts=facts),),
    )  # fmt: skip
    found = words_of(changed)
    assert found["manufacturer"] == "One scanner manufacturer only (Aurelia)."
    assert "no lock was found" in found["exploratory"]
    assert "before the lock" in found["recorded"]
    assert "agreement, not accuracy" in found["reference brain_simulated"]
    assert changed.measure("sensitivity").title == "positive percent agreement"


def test_the_story_names_who_fails_where(view):
    assert story(view) == (
        "lesions v2 (candidate) fails on no manufacturer; not every limit is shown to be met on Corvid.",
        "lesions v1 (comparator) fails on manufacturer Corvid: specificity, lesion; dice, lesion mask.",
    )


def test_the_story_says_what_the_training_did_not_hold(view):
    def of(trained):
        return story(replace(view, comparator=replace(view.comparator, parameters={"training_manufacturer": trained})))

    assert "Corvid, absent from its training set: specificity" in of("Aurelia; Borealis")[1]
    assert "absent" not in of("Aurelia; Corvid")[1]


def test_no_comparator_no_explanations_no_importance_still_resolves(view):
    plan = a_plan(comparator=None, explanations=None)
    bare = make_view(comparator=None, plan=plan, explanations=view.explanations.iloc[:0],
                     importance=view.importance.iloc[:0], findings=(), pictures={})  # fmt: skip
    source = to_json(resolve(FDA, bare)).decode()
    assert "not assessed: the plan asks for none" in source
    assert "The plan sets no endpoint" in source


def test_json_follows_its_schema_and_repeats(document):
    jsonschema = pytest.importorskip("jsonschema")
    data = to_json(document)
    assert data == to_json(document)
    tree = json.loads(data)
    jsonschema.validate(tree, document_schema())
    del tree["sections"][0]["answers"][0]["status"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tree, document_schema())


def test_the_word_that_no_document_may_say_stands_nowhere(document):
    assert "complian" not in to_json(document).decode().lower()


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4))
def test_a_pointer_finds_its_value_whatever_the_keys(keys):
    tree = "found"
    for key in reversed(keys):
        tree = {key: tree}
    assert look_up(tree, pointer(*keys)) == "found"


def test_counts_can_be_counted_again():
    frame = pd.DataFrame({"fate": ["failed", "analysed", None], "decision": pd.array([1, 0, None], dtype="Float64")})
    assert look_up(frame, count_pointer()) == 3
    assert look_up(frame, count_pointer(fate="failed")) == 1
    assert look_up(frame, count_pointer(fate="")) == 1
    assert look_up(frame, count_pointer(decision=1)) == 1
    with pytest.raises(LookupError):
        look_up(frame.assign(estimate_id="E1"), "/E9/fate")


@pytest.mark.parametrize(
    ("value", "unit", "signed", "printed"),
    [
        (0.9125, "", False, "0.912"),
        (-0.0001, "", True, "0.000"),
        (0.05, "", True, "+0.050"),
        (-0.05, "", True, "\u22120.050"),
        (1234.5678, "mL", False, "1,234.57"),
        (float("inf"), "", False, "\u221e"),
        (float("-inf"), "", True, "\u2212\u221e"),
    ],
)
def test_numbers_are_rounded_in_one_place(value, unit, signed, printed):
    assert number(value, unit, signed=signed) == printed


def test_a_missing_value_is_never_a_number():
    with pytest.raises(ValueError, match="undefined"):
        number(float("nan"))


def test_a_value_names_its_own_address():
    assert Value("0.912", "ab" * 32, "/E1/value").reference == "audit:abababababab#/E1/value"


def test_every_statement_of_the_ledger_stands_in_the_appendix(view):
    extra = replace(view.ledger[0], id="ab" * 32, kind="shard", inputs=tuple(f"{index:064x}" for index in range(30)))
    document = resolve(FDA, make_view(ledger=(*view.ledger, extra)))
    rows = next(node.rows for node in reversed(document.appendix) if hasattr(node, "rows"))
    assert [row.key for row in rows] == [*(each.id for each in view.ledger), extra.id]
    assert "and 22 more, in the ledger" in "".join(run.text for run in rows[-1].cells[-1])
