"""Three real sets from intake to estimates: ``tests/real/taken_in.py``; numbers redone with pandas and others."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score
from statsmodels.stats.proportion import proportion_confint
from toy_walk import Walk, audit

from audit.tables import ANALYSES, DISPOSITIONS, ESTIMATES
from tests.real.taken_in import take_in_set


@pytest.fixture(scope="module")
def audited(shared: Path, empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Walk]:
    """The audit of a set by its name; each runs once."""
    known: dict[str, Walk] = {}

    def walk(name: str) -> Walk:
        if name not in known:
            made = Walk(tmp_path_factory.mktemp(name) / "walk")
            take_in_set(name, shared / "data" / name, made.folder)
            shutil.copytree(empty_home, made.home)
            run = audit("run", made.plan, "--home", made.home, "--json")
            assert run.code in (0, 1), run.err
            known[name] = made
        return known[name]

    return walk


def values(walk: Walk, measure: str, **where: str) -> pd.DataFrame:
    """Rows of one measure by level."""
    rows = walk.store.read_table(ESTIMATES)
    rows = rows[(rows["kind"] == "value") & (rows["measure"] == measure)]
    for column, wanted in ({"attribute": "overall"} | where).items():
        rows = rows[rows[column] == wanted]
    return rows.set_index("level")


def analysed(walk: Walk, analysis: str, **where: str) -> pd.DataFrame:
    rows = walk.store.read_table(ANALYSES)
    rows = rows[rows["analysis"] == analysis]
    for column, wanted in where.items():
        rows = rows[rows[column] == wanted]
    return rows


def joined(walk: Walk) -> pd.DataFrame:
    """Manifest and recorded predictions, as any table."""
    cases = pd.read_csv(walk.folder / "set" / "manifest.csv")
    return cases.merge(pd.read_csv(walk.folder / "set" / "predictions" / "device.csv"), on="case_id", how="left")


def concerns(walk: Walk) -> list[str]:
    return [str(each["what"]) for each in json.loads(walk.store.read_bytes("set.json"))["concerns"]]


def test_a_score_that_knows_the_hospital_is_seen_through(audited: Callable[[str], Walk]) -> None:
    walk = audited("cxr_sites")
    table = joined(walk)
    covid = table["finding"] == "COVID-19"
    found = values(walk, "auroc", target="covid")
    assert found.loc["all", "value"] == pytest.approx(roc_auc_score(covid, table["sharpness"]))
    assert found.loc["all", "value"] > 0.8
    reports = table["source"] == "cohen"
    inside = roc_auc_score(covid[reports], table["sharpness"][reports])
    by_source = values(walk, "auroc", target="covid", attribute="source")
    assert by_source.loc["cohen", "value"] == pytest.approx(inside)
    assert pd.isna(by_source.loc["hannover", "value"])  # every image there is COVID-19
    assert "negative" in by_source.loc["hannover", "undefined"]
    assert 0.3 < inside < 0.7
    for attribute, level in (("source", "hannover"), ("site", "Hannover Medical School")):
        [told] = [what for what in concerns(walk) if f"cases of {attribute} {level} are reference-positive" in what]
        assert told.startswith("Target covid: all 117")


def test_a_claim_about_every_source_meets_too_few_patients(audited: Callable[[str], Walk]) -> None:
    walk = audited("cxr_sites")
    table = joined(walk)
    found = values(walk, "sensitivity", target="bedside", attribute="source")
    bedside = table[table["view"] == "AP"]
    hannover = bedside[bedside["source"] == "hannover"]
    assert found.loc["hannover", "value"] == pytest.approx((hannover["sharpness"] >= 0.25).mean())
    assert "fewer than 5 patients" in found.loc["cohen", "undefined"]  # ten images of four patients
    whole = values(walk, "auroc", target="bedside").loc["all", "value"]
    views = table["view"] == "AP"
    assert whole == pytest.approx(roc_auc_score(views, table["sharpness"]))


def test_small_sites_are_rows_without_a_number(audited: Callable[[str], Walk]) -> None:
    walk = audited("cxr_sites")
    table = joined(walk)
    for attribute in ("site", "country"):
        found = values(walk, "sensitivity", target="covid", attribute=attribute)
        assert set(found.index) == set(table[attribute].fillna("unknown"))
        assert (found["value"].notna() | found["undefined"].notna()).all()
    small = values(walk, "sensitivity", target="covid", attribute="country").loc["Israel"]
    assert pd.isna(small["low"])
    share = analysed(walk, "representativeness", quantity="share", attribute="country").set_index("level")["value"]
    by_patient = table.groupby("patient_id")["country"].agg(lambda c: c.value_counts(normalize=True).to_dict())
    german = sum(levels.get("Germany", 0.0) for levels in by_patient) / len(by_patient)
    assert share["Germany"] == pytest.approx(german)
    assert any("country France is 10% of the target population and has no case" in what for what in concerns(walk))


def test_cohort_without_images_against_its_target_population(audited: Callable[[str], Walk]) -> None:
    walk = audited("breast_mri_cohort")
    table = joined(walk)
    found = analysed(walk, "representativeness").set_index(["attribute", "level", "quantity"])
    share = (table["race_ethnicity"] == "white").mean()
    assert found.loc[("race_ethnicity", "white", "share"), "value"] == pytest.approx(share)
    apart = (share - 0.578) / np.sqrt((share * (1 - share) + 0.578 * 0.422) / 2)
    assert found.loc[("race_ethnicity", "white", "standardised difference"), "value"] == pytest.approx(apart)
    low, high = proportion_confint((table["race_ethnicity"] == "white").sum(), len(table), method="wilson")
    assert found.loc[("race_ethnicity", "white", "share"), ["low", "high"]].tolist() == pytest.approx([low, high])
    counts = [(table["manufacturer"] == m).sum() for m in ("Siemens Healthineers", "GE HealthCare", "Philips")]
    chi = stats.chisquare(counts, np.array([0.4, 0.3, 0.3]) * sum(counts))
    row = found.loc[("manufacturer", "all", "chi-square")]
    assert (row["value"], row["p"]) == (pytest.approx(chi.statistic), pytest.approx(chi.pvalue))
    assert found.loc[("manufacturer", "Philips", "standardised difference"), "verdict"] == "absent from the set"
    assert found.loc[("race_ethnicity", "unknown", "share"), "verdict"] == "missing attribute"
    assert any("manufacturer Philips is 30% of the target population" in what for what in concerns(walk))


def test_patients_without_a_prediction_are_failed_cases(audited: Callable[[str], Walk]) -> None:
    walk = audited("breast_mri_cohort")
    table = joined(walk)
    known = table["points"].notna()
    fates = walk.store.read_table(DISPOSITIONS)
    assert (fates["fate"] == "failed").sum() == (~known).sum() == 168
    found = values(walk, "sensitivity").loc["all"]
    recurred = table[known & (table["recurrence"] == 1)]
    hits, n = int((recurred["points"] >= 6).sum()), len(recurred)
    assert (found["value"], found["n_events"]) == (pytest.approx(hits / n), n)
    low, high = proportion_confint(hits, n, method="beta")  # fewer than 30 patients: Clopper-Pearson
    assert [found["low"], found["high"]] == pytest.approx([low, high])
    assert values(walk, "auroc").loc["all", "value"] == pytest.approx(
        roc_auc_score(table["recurrence"][known], table["points"][known])
    )


def test_makers_institutions_and_missing_levels(audited: Callable[[str], Walk]) -> None:
    walk = audited("spine_multivendor")
    table = joined(walk)
    kept = table[table["left_out_by_authors"] == 0]
    fates = walk.store.read_table(DISPOSITIONS)
    out = fates[fates["fate"] == "excluded"]
    assert len(out) == len(table) - len(kept) == table["left_out_by_authors"].sum() > 5
    assert set(out["reason"].str.contains("left out by the authors")) == {True}
    compressed = kept["pathology"] != "HC"
    assert values(walk, "auroc").loc["all", "value"] == pytest.approx(roc_auc_score(compressed, kept["years"]))
    makers = values(walk, "sensitivity", attribute="manufacturer")
    for level, rows in kept[compressed].groupby(kept["manufacturer"].fillna("unknown")):
        assert makers.loc[level, "n_cases"] == len(rows)
        if pd.notna(makers.loc[level, "value"]):
            assert makers.loc[level, "value"] == pytest.approx((rows["years"] >= 40).mean())
    assert "unknown" in makers.index
    sites = values(walk, "specificity", attribute="site")
    assert len(sites) == 23
    assert sites["low"].isna().sum() > 0
    assert values(walk, "auroc").loc["all", "n_patients"] == kept["patient_id"].nunique()


def test_absent_makers_and_field_strengths_are_said(audited: Callable[[str], Walk]) -> None:
    walk = audited("spine_multivendor")
    told = concerns(walk)
    for absent in ("manufacturer Canon is 10%", "field_strength 1.5 T is 50%"):
        assert any(what.startswith(absent) and "no case in the set" in what for what in told), absent
    assert any("Manufacturer is unknown for 24 of 298 cases" in what for what in told)
