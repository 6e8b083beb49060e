"""Recorded predictions over seven sites and three manufacturers: full audit of ``tests/real/mri_quality``."""

import json
import shutil
from pathlib import Path

import pytest
from toy_walk import MAIN, Walk, audit, pages

from audit.documents.view import audit_view
from audit.dossier.answering import known_answers
from audit.dossier.statuses import answers
from audit.dossier.templates import Asked, TemplateSection
from audit.evidence.integrity import check_integrity
from audit.evidence.parquet import table_bytes
from audit.tables import ESTIMATES, IMPORTANCE, PREDICTIONS

PLAN = Path(__file__).parents[1] / "real" / "mri_quality" / "plan.yaml"
LEVELS = {"manufacturer": 3, "site": 7, "sex": 2, "age_band": 4}


@pytest.fixture(scope="module")
def quality(shared: Path, empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    walk = Walk(tmp_path_factory.mktemp("quality"))
    shutil.copytree(empty_home, walk.home)
    locked = audit("lock", PLAN, "--home", walk.home, "--json")
    assert locked.code == 0, locked.err
    run = audit("run", PLAN, "--home", walk.home, "--json")
    assert run.code in (0, 1), run.err
    documents = audit("dossier", "--home", walk.home, *MAIN, "--json")
    assert documents.code == 0, documents.err
    return Walk(walk.folder, locked.json["audit"])


def test_the_published_figures_come_out(quality: Walk, shared: Path) -> None:
    published = json.loads((shared / "data/mri_quality/operating_point.json").read_text())
    rows = quality.store.read_table(ESTIMATES)
    overall = rows[(rows["kind"] == "value") & (rows["attribute"] == "overall")].set_index("measure")
    assert overall.loc["auroc", "value"] == pytest.approx(published["shared_auroc"], abs=5e-5)
    assert (overall.loc["auroc", "n_patients"], overall.loc["auroc", "n_events"]) == (645, 93)


def test_every_level_of_every_stratum_is_reported(quality: Walk) -> None:
    rows = quality.store.read_table(ESTIMATES)
    mine = rows[(rows["kind"] == "value") & (rows["measure"] == "sensitivity")]
    assert {name: int((mine["attribute"] == name).sum()) for name in LEVELS} == LEVELS
    for name in LEVELS:
        assert mine.loc[mine["attribute"] == name, "n_events"].sum() == 93
    assert (mine["value"].notna() | mine["undefined"].notna()).all()
    contrasts = rows[(rows["kind"] == "contrast") & (rows["measure"] == "sensitivity")]
    assert set(contrasts.loc[contrasts["attribute"] == "manufacturer", "baseline"]) == {"Siemens Healthineers"}


def test_what_drives_the_errors_is_answered_without_a_model(quality: Walk) -> None:
    rows = quality.store.read_table(IMPORTANCE)
    assert set(rows["outcome"]) == {"misses", "false alarms", "score"}
    assert set(rows["feature"]) >= {"manufacturer", "site", "cnr", "efc"}


def test_every_clause_marked_as_fed_by_a_run_is_bound(quality: Walk) -> None:
    marked = [Asked(id=name) for name, answering in known_answers().items() if answering.feeds == "run"]
    section = TemplateSection(title="All marks", requirements=tuple(marked))
    found = answers(audit_view(quality.store, "2026-01-31T00:00:00Z"), section, "all", "eu")
    assert len(found) > 180
    assert [each.requirement for each in found if not each.statements] == []


@pytest.mark.parametrize("name", ["eu_ai_act_annex_iv", "fda_performance_testing"])
def test_page_one_says_what_weakens_the_evidence(quality: Walk, name: str) -> None:
    page = pages(quality.store.folder / "documents" / f"{name}.pdf", 1)
    assert "predictions existed before the lock" in page.lower()
    assert "was chosen on 'mri_quality', the set under audit" in page
    assert "SIMULATED" not in page


def test_the_operating_point_is_a_major_gap(quality: Walk) -> None:
    stated = json.loads(quality.store.read_bytes("set.json"))["concerns"]
    (found,) = [each for each in stated if "was chosen on 'mri_quality'" in each["what"]]
    assert found["severity"] == "major"


def test_it_verifies(quality: Walk) -> None:
    assert audit("verify", "--home", quality.home).code == 0


def test_a_changed_recorded_score_is_found(quality: Walk, tmp_path: Path) -> None:
    shutil.copytree(quality.home, tmp_path / "evidence")
    store = Walk(tmp_path).store
    frame = store.read_table(PREDICTIONS, "recorded/candidate.parquet")
    frame.loc[10, "score"] = 1 - frame.loc[10, "score"]
    (store.folder / "recorded" / "candidate.parquet").write_bytes(table_bytes(PREDICTIONS, frame))
    assert [each.thing for each in check_integrity(store)] == ["recorded/candidate.parquet"]
