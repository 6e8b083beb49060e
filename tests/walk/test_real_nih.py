"""Fourteen findings, 11,127 images of 3,060 patients: the AUROCs are those that the data set's authors' scores give."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from toy_walk import MAIN, Walk, audit, pages

from audit.tables import ANALYSES, ESTIMATES

FOLDER = Path(__file__).parents[1] / "real" / "nih_cxr_preds"
FULL = ("pneumothorax", "effusion")


def affordable(plan: dict[str, Any]) -> dict[str, Any]:
    """The committed plan with fewer resamples, without intersections, and all measures for the claimed findings
    only."""
    targets = {
        name: target if name in FULL else {**target, "measures": ["auroc"]} for name, target in plan["targets"].items()
    }
    scores = str((FOLDER / plan["model"]["scores"]).resolve())
    changed = {"targets": targets, "resamples": 200, "intersections": [], "validation_sets": [str(FOLDER)]}
    return {**plan, **changed, "model": {**plan["model"], "scores": scores}}


@pytest.fixture(scope="module")
def chest(shared: Path, empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    walk = Walk(tmp_path_factory.mktemp("chest"))
    shutil.copytree(empty_home, walk.home)
    plan = affordable(yaml.safe_load((FOLDER / "plan.yaml").read_text()))
    walk.plan.write_text(yaml.safe_dump(plan))
    assert audit("lock", walk.plan, "--home", walk.home).code == 0
    run = audit("run", walk.plan, "--home", walk.home, "--json")
    assert run.code in (0, 1), run.err
    documents = audit("dossier", "--home", walk.home, *MAIN, "--json")
    assert documents.code == 0, documents.err
    return walk


def test_the_areas_equal_the_published_ones(chest: Walk, shared: Path) -> None:
    check = json.loads((shared / "data/nih_cxr_preds/check.json").read_text())
    rows = chest.store.read_table(ESTIMATES)
    mine = rows[(rows["kind"] == "value") & (rows["measure"] == "auroc") & (rows["attribute"] == "overall")]
    found = mine.set_index("target")
    for finding, expected in check["auroc"].items():
        row = found.loc[finding.lower()]
        assert row["value"] == pytest.approx(expected, abs=5e-5), finding
        assert (row["n_events"], row["n_patients"]) == (check["n_pos"][finding], check["n_patients"])
        assert row["low"] < row["value"] < row["high"]


def test_the_label_set_has_the_mean_of_the_published_areas(chest: Walk, shared: Path) -> None:
    check = json.loads((shared / "data/nih_cxr_preds/check.json").read_text())
    rows = chest.store.read_table(ANALYSES)
    mine = rows[(rows["analysis"] == "label_sets") & (rows["measure"] == "auroc")].set_index("target")
    macro = mine.loc["chest"]
    assert macro["value"] == pytest.approx(sum(check["auroc"].values()) / 14, abs=5e-5)
    assert macro["low"] < macro["value"] < macro["high"]
    assert macro["n_patients"] == check["n_patients"]


def test_strata_are_complete(chest: Walk) -> None:
    rows = chest.store.read_table(ESTIMATES)
    mine = rows[(rows["kind"] == "value") & (rows["measure"] == "auroc") & (rows["target"] == "effusion")]
    counted = mine.groupby("attribute")["n_cases"].sum().to_dict()
    assert counted == dict.fromkeys(("overall", "sex", "age_band", "view", "detector_group"), 11127)


def test_labels_mined_from_reports_are_no_reference_standard(chest: Walk) -> None:
    text = pages(chest.store.folder / "documents" / "fda_performance_testing.pdf", 60).lower()
    assert "positive percent agreement" in text
    assert "predictions existed before the lock" in pages(
        chest.store.folder / "documents" / "eu_ai_act_annex_iv.pdf", 1
    ).lower()  # fmt: skip


def test_it_verifies(chest: Walk) -> None:
    assert audit("verify", "--home", chest.home).code == 0
