"""Expert and AI outlines of prostate cancer on MRI: ``tests/real/prostate_mri`` on a part of the set.

The smallest volumes of each centre, and the two cases whose outlines lie on different grids.
"""

import ast
import json
import math
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest
from toy_walk import MAIN, Walk, audit, pages

from audit.tables import DISPOSITIONS, ESTIMATES, OBSERVATIONS
from tests.real.prostate import write_prostate_set

TURNED = {"10577_1000590", "10644_1000660"}
SIZES = {"RUMC": 24, "PCNN": 14}


def chosen(data: Path) -> set[str]:
    cases = pd.read_csv(data / "cases.csv")
    cases = cases[cases["reference_source"].notna()]
    voxels = cases["shape"].map(lambda shape: math.prod(ast.literal_eval(shape)))
    cases = cases.assign(voxels=voxels).sort_values(["voxels", "case_id"])
    parts = [cases[cases["center"] == centre]["case_id"].head(n) for centre, n in SIZES.items()]
    return TURNED | {case for part in parts for case in part}


@pytest.fixture(scope="module")
def prostate(shared: Path, empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    data = shared / "data" / "prostate_mri"
    walk = Walk(tmp_path_factory.mktemp("prostate") / "set")
    write_prostate_set(walk.folder, data, chosen(data))
    shutil.copytree(empty_home, walk.home)
    for command in (("lock", walk.plan), ("run", walk.plan), ("dossier", *MAIN)):
        answer = audit(*command, "--home", walk.home, "--json")
        assert answer.code in (0, 1), answer.err
    return walk


def test_both_turned_grids_are_named_and_averaged_nowhere(prostate: Walk) -> None:
    fates = prostate.store.read_table(DISPOSITIONS)
    lost = fates[fates["fate"] == "failed"]
    assert set(lost["case_id"]) == TURNED
    told = "the predicted mask does not lie on the reference mask's grid: orientation, voxels up to"
    assert set(lost["reason"]) == {f"{told} 0.044 mm apart", f"{told} 0.039 mm apart"}
    rows = prostate.store.read_table(OBSERVATIONS)
    rows = rows[rows["target"] == "cancer"].set_index("case_id")
    assert rows.loc[sorted(TURNED), ["dice", "hd95_mm", "lesions_found", "decision"]].isna().all(axis=None)
    found = prostate.store.read_table(ESTIMATES)
    dice = found[(found["measure"] == "dice") & (found["target"] == "cancer") & (found["attribute"] == "overall")]
    assert dice.set_index("kind")["n_failed"].to_dict() == {"value": 2, "worst case": 2}
    value, worst = (dice.set_index("kind").loc[kind] for kind in ("value", "worst case"))
    assert worst["n_cases"] == value["n_cases"] + 2
    assert worst["value"] == pytest.approx(value["value"] * value["n_cases"] / worst["n_cases"])


def test_values_are_those_of_the_files(prostate: Walk, shared: Path) -> None:
    rows = prostate.store.read_table(OBSERVATIONS)
    rows = rows[(rows["target"] == "cancer") & rows["dice"].notna()]
    table = pd.read_csv(shared / "data" / "prostate_mri" / "cases.csv").set_index("case_id")
    for own, theirs in (("volume_predicted_ml", "ai_volume_ml"), ("volume_reference_ml", "reference_volume_ml")):
        expected = table.loc[rows["case_id"], theirs].to_numpy(dtype=float)
        np.testing.assert_allclose(rows[own].to_numpy(dtype=float), expected, atol=2e-5)
    first = rows.iloc[0]
    folder = prostate.folder / "masks"
    ai, expert = (np.asarray(nibabel.load(folder / f"{first['case_id']}_{kind}.nii.gz").dataobj) > 0
                  for kind in ("ai", "reference"))  # fmt: skip
    assert first["dice"] == pytest.approx(2 * (ai & expert).sum() / (ai.sum() + expert.sum()))


def test_results_by_centre_age_and_pirads(prostate: Walk) -> None:
    found = prostate.store.read_table(ESTIMATES)
    values = found[(found["kind"] == "value") & (found["target"] == "cancer")]
    assert {"dice", "hd95", "assd", "normalised_surface_distance", "volume_difference", "relative_volume_difference",
            "lesion_sensitivity", "lesion_f1", "panoptic_quality"} <= set(values["measure"])  # fmt: skip
    dice = values[values["measure"] == "dice"]
    assert {"RUMC", "PCNN"} <= set(dice["level"])
    assert {"overall", "site", "age_band", "pirads", "reference_source"} == set(dice["attribute"])
    assert (dice["value"].notna() | dice["undefined"].notna()).all()


def test_the_dossier_warns_of_what_the_version_has_seen(prostate: Walk) -> None:
    concerns = json.loads(prostate.store.read_bytes("set.json"))["concerns"]
    serious = [each["what"] for each in concerns if each["severity"] == "stop"]
    assert any("guided by the clinical reports" in what for what in serious)
    assert any("patients of training set 'training.txt'" in what for what in serious)
    (document,) = prostate.store.folder.glob("documents/eu*.pdf")
    words = pages(document, 40)
    assert "guided by the clinical reports" in words
    for case in TURNED:
        assert case in words, case


def test_the_audit_verifies(prostate: Walk) -> None:
    assert audit("verify", "--home", prostate.home).code == 0
