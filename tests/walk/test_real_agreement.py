"""Readers in place of a device, two volumetry networks, three raters: full audits of ``tests/real``."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import cohen_kappa_score
from toy_walk import MAIN, Walk, audit

from audit.tables import ANALYSES, ESTIMATES, OBSERVATIONS, REFERENCES

REAL = Path(__file__).parents[1] / "real"


def walked(name: str, empty_home: Path, folder: Path) -> Walk:
    walk, plan = Walk(folder), REAL / name / "plan.yaml"
    shutil.copytree(empty_home, walk.home)
    locked = audit("lock", plan, "--home", walk.home, "--json")
    assert locked.code == 0, locked.err
    run = audit("run", plan, "--home", walk.home, "--json")
    assert run.code in (0, 1), run.err
    return Walk(walk.folder, locked.json["audit"])


@pytest.fixture(scope="module")
def severity(shared: Path, empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    return walked("severity_readers", empty_home, tmp_path_factory.mktemp("severity"))


@pytest.fixture(scope="module")
def volume(shared: Path, empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    return walked("prostate_volume", empty_home, tmp_path_factory.mktemp("volume"))


@pytest.fixture(scope="module")
def raters(shared: Path, empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    return walked("quality_raters", empty_home, tmp_path_factory.mktemp("raters"))


def overall(walk: Walk, version: str = "candidate") -> pd.DataFrame:
    rows = walk.store.read_table(ESTIMATES)
    rows = rows[(rows["kind"] == "value") & (rows["attribute"] == "overall") & (rows["version"] == version)]
    return rows.set_index(["target", "measure"])


def test_regions_have_the_kappa_of_scikit_learn(severity: Walk, shared: Path) -> None:
    scores = pd.read_csv(shared / "data/severity_readers/scores.csv")
    found = overall(severity)
    regions = ("upper_right", "middle_right", "lower_right", "upper_left", "middle_left", "lower_left")
    for region, letter in zip(regions, "abcdef", strict=True):
        senior, junior = scores[f"senior_{letter}"], scores[f"junior_{letter}"]
        for weights in ("linear", "quadratic"):
            expected = cohen_kappa_score(senior, junior, weights=weights, labels=[0, 1, 2, 3])
            assert found.loc[(region, f"kappa_{weights}"), "value"] == pytest.approx(expected, abs=1e-12)
        assert found.loc[(region, "exact_agreement"), "value"] == pytest.approx((senior == junior).mean())
    assert (found["n_cases"] == 92).all()
    assert (found["n_patients"] == 65).all()
    assert found["n_events"].isna().all()
    assert found.loc[("lower_right", "kappa_quadratic"), "method"] == "jackknife over patients, t"


def test_the_sum_score_is_audited_as_a_measurement(severity: Walk, shared: Path) -> None:
    scores = pd.read_csv(shared / "data/severity_readers/scores.csv")
    difference = scores["junior_global"] - scores["senior_global"]
    found = overall(severity).loc["total"]
    assert found.loc["bias", "value"] == pytest.approx(difference.mean())
    assert found.loc["agreement_limit_upper", "value"] == pytest.approx(difference.mean() + 1.96 * difference.std())
    assert "ratio_bias" not in found.index, "scores of 0 have no ratio"


def test_the_documents_show_grades_and_the_plot(severity: Walk) -> None:
    made = audit("dossier", "--home", severity.home, *MAIN, "--json")
    assert made.code == 0, made.err
    for name in ("fda_performance_testing", "eu_ai_act_annex_iv"):
        document = json.loads((severity.store.folder / "documents" / f"{name}.json").read_text(encoding="utf-8"))
        nodes = [node for section in document["sections"] for node in section["nodes"]]
        (plot,) = [node for node in nodes if node["type"] == "AgreementPlot"]
        assert len(plot["points"]) == 92
        assert [line["label"] for line in plot["lines"]] == ["upper limit", "bias", "lower limit"]
        tables = [node for node in nodes if node["type"] == "Table" and node["caption"].startswith("Grades: ")]
        assert len(tables) == 6


def test_volumes_of_two_networks(volume: Walk, shared: Path) -> None:
    cases = pd.read_csv(shared / "data/prostate_mri/cases.csv")
    known = cases[cases["prostate_volume"].notna()]
    for version, column in (("candidate", "gland_ai_a_ml"), ("comparator", "gland_ai_b_ml")):
        found = overall(volume, version).loc["gland"]
        logs = np.log(known[column] / known["prostate_volume"])
        assert found.loc["ratio_bias", "value"] == pytest.approx(np.exp(logs.mean()))
        assert found.loc["mae", "value"] == pytest.approx((known[column] - known["prostate_volume"]).abs().mean())
        assert found.loc["icc", "n_patients"] == known["patient_id"].nunique()
    changes = volume.store.read_table(ESTIMATES)
    change = changes[
        (changes["kind"] == "change") & (changes["measure"] == "mae") & (changes["attribute"] == "overall")
    ]
    assert change["low"].item() < 0 < change["high"].item()


def test_the_spread_of_volumes_grows_with_size(volume: Walk) -> None:
    """Why the plan says scale: log."""
    rows = volume.store.read_table(OBSERVATIONS)
    rows = rows[(rows["version"] == "candidate") & rows["value_reference"].notna()]
    first, second = (rows[name].to_numpy(float) for name in ("value_predicted", "value_reference"))
    assert stats.spearmanr(np.abs(first - second), first + second).statistic > 0.3


def test_studies_of_one_man_give_the_precision(volume: Walk, shared: Path) -> None:
    cases = pd.read_csv(shared / "data/prostate_mri/cases.csv")
    several = cases.groupby("patient_id")["gland_ai_a_ml"].agg(["size", "var"])
    several = several[several["size"] > 1]
    expected = np.sqrt((several["var"] * (several["size"] - 1)).sum() / (several["size"] - 1).sum())
    rows = volume.store.read_table(ANALYSES)
    rows = rows[(rows["analysis"] == "repeatability") & (rows["version"] == "candidate") & (rows["level"] == "all")]
    found = rows.set_index("quantity")
    assert found.loc["within-subject SD", "value"] == pytest.approx(expected)
    assert found.loc["within-subject SD", "n_patients"] == len(several) == 10


def test_each_rater_is_kept_and_compared(raters: Walk, shared: Path) -> None:
    cases = pd.read_csv(shared / "data/mri_quality/cases.csv.gz")
    references = raters.store.read_table(REFERENCES)
    assert references.groupby("reader")["value"].count().to_dict() == {
        "rater 1": 356, "rater 2": 354, "rater 3": 645, "reference": 338,
    }  # fmt: skip
    rows = raters.store.read_table(ANALYSES)
    found = rows[rows["analysis"] == "readers"].set_index(["version", "measure", "level"])["value"]
    both = cases[cases["rater_1"].notna()]
    expected = cohen_kappa_score(both["rater_1"] == -1, both["rater_3"] == -1)
    assert found.loc[("set", "kappa", "rater 1 - rater 3")] == pytest.approx(expected, abs=1e-12)
    flag = cases["prob_exclude"] >= 0.34218
    expected = cohen_kappa_score(flag, cases["rater_3"] == -1)
    assert found.loc[("candidate", "kappa", "rater 3")] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", ["severity", "volume", "raters"])
def test_it_verifies(name: str, request: pytest.FixtureRequest) -> None:
    assert audit("verify", "--home", request.getfixturevalue(name).home).code == 0
