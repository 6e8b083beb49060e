"""A template is data: the shipped ones read, wrong ones are refused with file, line and reason."""

from pathlib import Path

import pytest
import yaml

from audit.dossier.building import default_templates
from audit.dossier.catalogues import Loader, instruments, known_requirements, requirements
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
        (", evidence: [overall estimates]", "", 8, "names no evidence"),
    ],
)  # fmt: skip
def test_a_wrong_template_is_refused_with_its_line(tmp_path, old, new, line, reason):
    assert old in GOOD
    with pytest.raises(BadInput) as refusal:
        read_template(written(tmp_path, GOOD.replace(old, new, 1)))
    message = str(refusal.value)
    assert f"trial.yaml, line {line}: " in message
    assert reason in message


def test_a_file_that_is_no_yaml_or_absent_is_refused(tmp_path):
    with pytest.raises(BadInput, match="not valid YAML"):
        read_template(written(tmp_path, "sections: [\n"))
    with pytest.raises(BadInput, match="cannot be read"):
        read_template(tmp_path / "absent.yaml")


def test_shipped_templates_read_and_cover_their_clauses():
    asked = {
        path.stem: [a.id for s in read_template(path).sections for a in s.requirements] for path in default_templates()
    }
    for name, ids in asked.items():
        assert len(ids) == len(set(ids)), name
    assert set(requirements("eu_ai_act_annex_iv")) <= set(asked["eu_ai_act_annex_iv"])
    for regulation in ("2060", "2070", "2080", "2090"):
        assert any(f"cfr892.{regulation}" in each for each in asked["fda_performance_testing"])


def test_the_computed_testing_clauses_are_covered():
    asked = {a.id for path in default_templates() for s in read_template(path).sections for a in s.requirements}
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
            own = Path(default_templates()[0].parent / "catalogues" / f"{raw['catalogue']}.yaml")
            assert yaml.load(own.read_text(encoding="utf-8"), Loader) == raw
            found += 1
    assert found == 27


def test_every_entry_is_sourced_and_of_a_known_kind():
    assert len(known_requirements()) == 750
    for entry in known_requirements().values():
        assert entry.kind in ("computed", "declared", "mixed")
        assert entry.confidence in ("sourced", "recalled")
        assert entry.clause
    assert all(instrument.date_entry in known_requirements() for instrument in instruments().values())
