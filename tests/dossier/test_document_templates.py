"""A template is data: the shipped ones read, wrong ones are refused with file, line and reason."""

from pathlib import Path

import pytest
import yaml

from audit.datafolders import data_folder
from audit.dossier.answering import known_answers, read_answers
from audit.dossier.building import default_templates, template_at
from audit.dossier.catalogues import Loader, date_of, instruments, known_requirements, requirements, writing_style
from audit.dossier.templates import read_template
from audit.records import BadInput

GOOD = """\
id: trial
title: Trial
instrument: eu_ai_act
vocabulary: eu
sections:
- title: Results
  requirements:
  - {id: aia.annex4.3.1, evidence: [overall estimates]}
  blocks:
  - kind: text
    text: The {test_set} is described in Article 3(32) and 21 CFR 892.2080.
  - kind: results
    caption: Headline
    rows:
    - {label: AUROC, value: {measure: auroc}}
"""


def written(folder: Path, source: str) -> Path:
    path = folder / "trial.yaml"
    path.write_text(source, encoding="utf-8")
    return path


def test_a_good_template_reads(tmp_path):
    assert read_template(written(tmp_path, GOOD)).sections[0].blocks[1].kind == "results"


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("aia.annex4.3.1", "aia.annex4.99", 8, "unknown clause 'aia.annex4.99'"),
        ("kind: results", "kind: pie_chart", 12, "unknown block 'pie_chart'"),
        ("overall estimates", "good feelings", 8, "unknown evidence 'good feelings'"),
        ("value: {measure: auroc}", "value: 0.91", 15, "the literal 0.91 cannot stand there"),
        ("value: {measure: auroc}", "value: '0.91'", 15, "the literal '0.91' cannot stand there"),
        ("{measure: auroc}", "{mesure: auroc}", 15, "block 'results'"),
        ("is described in", "gave 0.91 in", 11, "'0.91' is a typed figure"),
        ("is described in", "was met in 97 % of", 11, "'97 %' is a typed figure"),
        ("is described in", "held 412 patients of", 11, "'412 patients' is a typed figure"),
        ("{test_set}", "{oracle}", 11, "unknown word '{oracle}'"),
        ("instrument: eu_ai_act", "instrument: magna_carta", 3, "unknown instrument 'magna_carta'"),
        ("vocabulary: eu", "vocabulary: elvish", 4, "vocabulary"),
        ("title: Results", "title: Results\n  colour: red", 7, "colour"),
        ("title: Results", "title: Results\n  when: {moon: full}", 7, "unknown condition 'moon'"),
        ("title: Results", "title: Results\n  when: {comparator: true}", 7, "not_applicable_because"),
        ("aia.annex4.3.1, evidence: [overall estimates]", "futureai.F2", 8, "names no evidence"),
        ("title: Trial", "title: Trial\npages_of: [novel]", 3, "unknown document 'novel'"),
        ("title: Trial", "title: Trial\nwhen: {moon: full}", 3, "unknown condition 'moon'"),
        ("title: Trial", "title: Trial\nfront: back", 3, "front"),
        ("title: Results", "title: Results\n  shows: a share of 0.91", 7, "'0.91' is a typed figure"),
    ],
)  # fmt: skip
def test_a_wrong_template_is_refused_with_its_line(tmp_path, old, new, line, reason):
    assert old in GOOD
    with pytest.raises(BadInput) as refusal:
        read_template(written(tmp_path, GOOD.replace(old, new, 1)))
    message = str(refusal.value)
    assert f"trial.yaml, line {line}: " in message
    assert reason in message


@pytest.mark.parametrize("kind", ["changed_cases", "per_case", "explanations"])
def test_a_public_document_names_no_single_case(tmp_path, kind):
    listing = GOOD.replace("  blocks:\n", f"  blocks:\n  - kind: {kind}\n")
    assert read_template(written(tmp_path, listing)).sections[0].blocks[0].kind == kind
    with pytest.raises(BadInput, match=f"line 11: block '{kind}' names single cases; a public document holds none"):
        read_template(written(tmp_path, listing.replace("title: Trial\n", "title: Trial\npublic: true\n")))


def test_a_file_that_is_no_yaml_or_absent_is_refused(tmp_path):
    with pytest.raises(BadInput, match="not valid YAML"):
        read_template(written(tmp_path, "sections: [\n"))
    with pytest.raises(BadInput, match="cannot be read"):
        read_template(tmp_path / "absent.yaml")


ANSWERS = """\
aia.annex4.1.a: {evidence: [plan], feeds: run}
aia.annex4.1.b: {owner: Systems engineering}
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("aia.annex4.1.a", "aia.annex4.99", 1, "unknown clause 'aia.annex4.99'"),
        ("[plan]", "[good feelings]", 1, "unknown evidence 'good feelings'"),
        ("feeds: run", "feeds: hope", 1, "unknown feeds 'hope'"),
        (", feeds: run", "", 1, "evidence and feeds stand together"),
        ("owner:", "who:", 2, "expected a mapping"),
        ("{owner: Systems engineering}", "{evidence: [plan], feeds: run}", 2, "is declared"),
    ],
)
def test_wrong_answers_are_refused_with_their_line(tmp_path, old, new, line, reason):
    assert old in ANSWERS
    path = tmp_path / "answers.yaml"
    path.write_text(ANSWERS.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BadInput) as refusal:
        read_answers(path)
    assert f"answers.yaml, line {line}: " in str(refusal.value)
    assert reason in str(refusal.value)


def test_a_clause_alone_takes_its_evidence_from_the_common_answers(tmp_path):
    source = GOOD.replace("{id: aia.annex4.3.1, evidence: [overall estimates]}", "aia.annex4.3.1")
    asked = read_template(written(tmp_path, source)).sections[0].requirements[0]
    assert asked.answering == known_answers()["aia.annex4.3.1"]
    assert asked.answering.evidence == ("overall estimates", "case flow")
    assert read_template(written(tmp_path, GOOD)).sections[0].requirements[0].answering.evidence == (
        "overall estimates",
    )


def test_words_and_paper_come_from_the_instrument(tmp_path):
    source = GOOD.replace("vocabulary: eu\n", "")
    eu, fda = (
        read_template(written(tmp_path, source.replace("eu_ai_act", each))) for each in ("eu_ai_act", "fda_pccp")
    )
    assert (eu.vocabulary, eu.page, fda.vocabulary, fda.page) == ("eu", "A4", "fda", "Letter")


def test_dates_come_from_the_catalogue():
    assert date_of("aia.date.art113.c.annex1") in instruments()["eu_ai_act"].foot
    for instrument in instruments().values():
        assert "{" not in instrument.foot + instrument.status
        assert (instrument.market == "eu") == instrument.id.startswith("eu_")
    with pytest.raises(BadInput, match="names no date"):
        date_of("aia.annex4.1.a")


def test_days_and_shares_are_written_as_the_market_does():
    assert writing_style("eu").day("2026-11-02") == "2 November 2026"
    assert writing_style("fda").day("2026-11-02T09:30:00Z") == "November 2, 2026, 09:30 UTC"
    assert (writing_style("eu").percent, writing_style("fda").percent) == (" %", "%")


@pytest.mark.parametrize("path", default_templates(), ids=lambda path: path.stem)
def test_every_shipped_document_says_what_each_section_shows(path):
    template = template_at(path)
    assert template.id == path.stem
    for section in template.sections:
        if template.panel != "none":
            assert section.shows, section.title
            assert section.shows_not or "not apply" in section.title, section.title


def test_shipped_templates_read_and_cover_their_clauses():
    asked = {
        path.stem: [a.id for s in template_at(path).sections for a in s.requirements] for path in default_templates()
    }
    for name, ids in asked.items():
        assert len(ids) == len(set(ids)), name
    whole = {
        "eu_ai_act_annex_iv": ("eu_ai_act_annex_iv", "eu_mdr", "eu_mdr_gspr", "eu_mdcg_2020_1"),
        "eu_declaration_of_conformity": ("eu_ai_act_annex_v",),
        "fda_pccp": ("fda_pccp",),
        "fda_510k_summary": ("fda_21cfr807",),
        "gmlp_self_assessment": ("gmlp_imdrf_2025",),
        "claim_2024_checklist": ("claim_2024",),
        "stard_ai_checklist": ("stard_ai_2025",),
    }
    for name, catalogues in whole.items():
        for catalogue in catalogues:
            assert set(requirements(catalogue)) <= set(asked[name]), (name, catalogue)
    assert {each for each in requirements("fda_21cfr892")} <= set(asked["fda_performance_testing"])
    draft = {each for each in requirements("fda_ai_dsf_draft") if ".app" not in each or ".appc" in each}
    assert draft <= set(asked["fda_ai_dsf_package"])
    assert set(requirements("eu_ai_act_annex_iv")) <= set(asked["eu_ai_act_annex_iv"])
    for regulation in ("2060", "2070", "2080", "2090"):
        assert any(f"cfr892.{regulation}" in each for each in asked["fda_performance_testing"])


def test_the_computed_testing_clauses_are_covered():
    asked = {a.id for path in default_templates() for s in template_at(path).sections for a in s.requirements}
    for entry in known_requirements().values():
        own = entry.id.startswith(("aia.art.9.", "aia.art.10.", "aia.art.15.", "fda.aidsf.x.", "fda.aidsf.viii"))
        if own and entry.kind == "computed":
            assert entry.id in asked, entry.id


def test_catalogues_equal_the_reference_text(shared):
    """Every catalogue of the reference text is carried over entry by entry."""
    found = 0
    for source in ("eu_ai_act", "fda", "reporting_guidelines"):
        parts = (shared / "regulatory" / f"{source}.md").read_text(encoding="utf-8").split("```yaml\n")[1:]
        for part in parts:
            raw = yaml.load(part.split("\n```")[0], Loader)
            own = data_folder("templates") / "catalogues" / f"{raw['catalogue']}.yaml"
            assert yaml.load(own.read_text(encoding="utf-8"), Loader) == raw
            found += 1
    assert found == 27


def test_every_entry_is_sourced_and_of_a_known_kind():
    assert len(known_requirements()) == 772
    for entry in known_requirements().values():
        assert entry.kind in ("computed", "declared", "mixed")
        assert entry.confidence in ("sourced", "recalled")
        assert entry.clause
    assert all(instrument.date_entry in known_requirements() for instrument in instruments().values())
