"""Estimates: groups, contrasts, changes, worst cases, the too-few rule, intervals that are never a lie."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from audit.attributes.bands import band_names
from audit.catalogue import entries
from audit.estimates import estimate, estimate_id
from audit.explanation_estimates import estimate_explanations
from audit.measures.answers import NO_VARIATION, Rules, Side, answer, resampled
from audit.plan import Plan, Stratum
from audit.records import BadInput, Rows
from audit.statistics.resampling import patient_counts
from audit.tables import ESTIMATES, EXPLANATION_SCORES, stratum_column

POINT = {"threshold": 0.5, "chosen_on": "tuning set"}


def plan_of(**changes: Any) -> Plan:
    fields: dict[str, Any] = {
        "id": "p",
        "title": "t",
        "intended_purpose": "x",
        "model": {"kind": "mlflow", "name": "m", "version": 2},
        "comparator": {"kind": "mlflow", "name": "m", "version": 1},
        "validation_sets": ["v"],
        "targets": {
            "lesion": {"task": "classification", "output": "p", "reference": "lesion", "operating_point": POINT}
        },
        "strata": {"maker": {"baseline": "Alder"}, "age": {"cuts": [40, 60]}},
        "intersections": [["maker", "age"]],
        "resamples": 200,
        "seed": 5,
    }
    return Plan.model_validate({**fields, **changes})


def tables(n: int = 240, images: int = 1, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(n), images)
    size = patient.size
    maker = rng.choice(["Alder", "Birch", "Cedar", "unknown"], n, p=[0.4, 0.3, 0.25, 0.05])[patient]
    cases = pd.DataFrame({"case_id": [f"c{i}" for i in range(size)], "patient_id": [f"p{i}" for i in patient]})
    cases[stratum_column("maker")] = maker
    cases[stratum_column("age")] = rng.choice(["<40", "40-60"], n)[patient]
    reference = (rng.uniform(size=size) < 0.5).astype(float)
    observed = [
        _observed(
            version,
            cases,
            reference,
            np.clip(0.5 + strength * (reference - 0.5) + rng.normal(0, 0.25, size), 0.01, 0.99),
        )
        for version, strength in (("candidate", 0.6), ("comparator", 0.3))
    ]
    observations = pd.concat(observed, ignore_index=True)
    fates = observations[["version", "case_id", "target"]].assign(fate="analysed", reason=None)
    return cases, observations, fates


def _observed(version: str, cases: pd.DataFrame, reference: np.ndarray, score: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "version": version,
            "case_id": cases["case_id"],
            "patient_id": cases["patient_id"],
            "target": "lesion",
            "score": score,
            "reference": reference,
            "decision": (score >= 0.5).astype(float),
            "dice": np.nan,
            "volume_predicted_ml": np.nan,
            "volume_reference_ml": np.nan,
        }
    )


def pick(frame: pd.DataFrame, **where: Any) -> pd.DataFrame:
    for name, value in where.items():
        frame = frame[frame[name] == value]
    return frame


def one(frame: pd.DataFrame, **where: Any) -> pd.Series:
    found = pick(frame, **where)
    assert len(found) == 1, (where, len(found))
    return found.iloc[0]


@pytest.fixture(scope="module")
def result() -> pd.DataFrame:
    return estimate(plan_of(), *tables())


def test_the_table_is_as_declared(result: pd.DataFrame) -> None:
    assert ESTIMATES.conform(result).equals(result)
    assert result["estimate_id"].is_unique
    assert result["estimate_id"].str.fullmatch("E[0-9a-f]{12}").all()
    assert estimate_id(result.iloc[0].where(result.iloc[0].notna(), None)) == result["estimate_id"].iloc[0]


def test_no_value_or_no_interval_always_says_why(result: pd.DataFrame) -> None:
    silent = result[(result["value"].isna() | result["low"].isna()) & result["undefined"].isna()]
    assert not len(silent)
    assert not len(result[result["low"].notna() & result["method"].isna()])


def test_every_declared_group_appears(result: pd.DataFrame) -> None:
    rows = pick(result, kind="value", version="candidate", measure="sensitivity")
    groups = set(zip(rows["attribute"], rows["level"], strict=True))
    assert {("overall", "all"), ("maker", "unknown"), ("age", "≥60"), ("maker & age", "Cedar & <40")} <= groups
    empty = one(rows, attribute="age", level="≥60")
    assert pd.isna(empty["value"])
    assert empty["undefined"] == "no cases"
    assert empty["n_cases"] == 0


def test_values_are_those_of_the_rows(result: pd.DataFrame) -> None:
    cases, observations, _ = tables()
    rows = observations[observations["version"] == "candidate"].merge(cases, on=["case_id", "patient_id"])
    for level, part in rows.groupby(stratum_column("maker")):
        positives = part[part["reference"] == 1]
        row = one(result, kind="value", version="candidate", measure="sensitivity", attribute="maker", level=level)
        assert row["n_cases"] == row["n_events"] == len(positives)
        if len(positives) >= 10:
            assert row["value"] == pytest.approx(positives["decision"].mean())
            assert row["method"] == "Wilson"


def test_contrasts_are_signed_from_the_baseline(result: pd.DataFrame) -> None:
    values = pick(result, kind="value", version="candidate", measure="specificity", attribute="maker").set_index(
        "level"
    )
    row = one(result, kind="contrast", version="candidate", measure="specificity", attribute="maker", level="Birch")
    assert row["baseline"] == "Alder"
    assert row["value"] == pytest.approx(values.loc["Birch", "value"] - values.loc["Alder", "value"])
    assert row["method"] == "Newcombe hybrid score"
    assert not len(pick(result, kind="contrast", attribute="age")), "age declares no baseline"


def test_changes_are_paired_on_the_same_cases(result: pd.DataFrame) -> None:
    row = one(result, kind="change", version="candidate - comparator", measure="auroc", attribute="overall")
    values = [
        one(result, kind="value", version=v, measure="auroc", attribute="overall") for v in ("candidate", "comparator")
    ]
    assert row["value"] == pytest.approx(values[0]["value"] - values[1]["value"])
    assert row["low"] < row["value"] < row["high"]
    assert row["method"] == "DeLong, paired"
    methods = {
        measure: one(result, kind="change", measure=measure, attribute="overall")["method"]
        for measure in ("sensitivity", "accuracy", "ppv", "npv", "brier", "calibration_slope")
    }
    assert methods["sensitivity"] == methods["accuracy"] == "Tango score"
    assert methods["ppv"] == methods["npv"] == methods["brier"] == "linearised over patients, t"
    assert methods["calibration_slope"] == "sandwich over patients, t"


def test_a_brier_score_has_a_studentised_interval(result: pd.DataFrame) -> None:
    row = one(result, kind="value", version="candidate", measure="brier", attribute="overall")
    assert row["method"] == "patient bootstrap-t, 200 resamples"
    assert row["low"] < row["value"] < row["high"]
    assert row["n_undefined_resamples"] == 0


def test_a_change_of_the_brier_score_has_the_degrees_of_freedom_of_the_rarer_class() -> None:
    rng = np.random.default_rng(1)
    reference, score = np.repeat([1.0, 0.0], [12, 188]), rng.uniform(0.01, 0.99, (2, 200))
    sides = [
        Side(entries("measures")["brier"], Rows(np.arange(200), {"reference": reference, "score": s}), Rules(10, 0.95))
        for s in score
    ]
    interval = answer("change", (sides[0], sides[1]), of_resamples).interval
    assert interval is not None
    difference = np.square(score[0] - reference) - np.square(score[1] - reference)
    half = stats.t.ppf(0.975, 11) * stats.sem(difference)
    assert (interval.low, interval.high) == pytest.approx((difference.mean() - half, difference.mean() + half))


@pytest.mark.parametrize("measure", ["brier", "accuracy", "npv", "auroc"])
def test_the_rarer_class_decides_what_can_be_concluded(measure: str) -> None:
    """Two hundred cases with seven reference-positive ones carry the information of seven."""
    cases, observations, fates = tables()
    for start in (0, 240):
        rare = np.flatnonzero(observations["reference"].to_numpy()[start : start + 240] == 1)[7:] + start
        observations.loc[rare, "reference"] = 0.0
    found = estimate(plan_of(intersections=[]), cases, observations, fates)
    why = "fewer than 10 reference-positive cases (7)"
    assert one(found, kind="value", version="candidate", measure=measure, attribute="overall")["undefined"] == why
    assert one(found, kind="change", measure=measure, attribute="overall")["undefined"] == why
    part = pick(found, kind="contrast", version="candidate", measure=measure, attribute="maker", level="Birch")
    assert "reference-positive cases" in one(part)["undefined"]
    specificity = one(found, kind="value", version="candidate", measure="specificity", attribute="overall")
    assert pd.notna(specificity["low"])


def test_a_change_uses_only_cases_that_both_versions_can_use() -> None:
    cases, observations, fates = tables()
    lost = (fates["version"] == "comparator") & fates["case_id"].isin([f"c{i}" for i in range(30)])
    fates.loc[lost, "fate"] = "failed"
    found = estimate(plan_of(), cases, observations, fates)
    row = one(found, kind="change", measure="accuracy", attribute="overall")
    assert row["n_cases"] == 210
    assert row["n_failed"] == 30
    assert one(found, kind="value", version="candidate", measure="accuracy", attribute="overall")["n_cases"] == 240


def test_same_tables_same_numbers_in_any_order() -> None:
    cases, observations, fates = tables(80)
    first = estimate(plan_of(), cases, observations, fates)
    shuffled = [frame.sample(frac=1, random_state=1) for frame in (cases, observations, fates)]
    pd.testing.assert_frame_equal(first, estimate(plan_of(), *shuffled), check_exact=True)


def test_excluded_cases_never_enter() -> None:
    cases, observations, fates = tables()
    out = fates["case_id"].isin([f"c{i}" for i in range(40)])
    fates.loc[out, "fate"] = "excluded"
    found = estimate(plan_of(), cases, observations, fates)
    row = one(found, kind="value", version="candidate", measure="auroc", attribute="overall")
    assert (row["n_cases"], row["n_failed"]) == (200, 0)


def test_failed_cases_give_a_worst_case() -> None:
    cases, observations, fates = tables()
    lost = (fates["version"] == "candidate") & (np.arange(len(fates)) % 12 == 0)
    fates.loc[lost, "fate"] = ["failed", "rejected"] * (int(lost.sum()) // 2)
    observations.loc[lost, ["score", "decision"]] = np.nan
    found = estimate(plan_of(), cases, observations, fates)
    for measure in ("sensitivity", "specificity", "accuracy", "auroc"):
        value = one(found, kind="value", version="candidate", measure=measure, attribute="overall")
        worst = one(found, kind="worst case", version="candidate", measure=measure)
        assert value["n_failed"] == worst["n_failed"] == 20
        assert worst["value"] < value["value"]
        assert worst["low"] < worst["value"]
    accuracy = one(found, kind="value", version="candidate", measure="accuracy", attribute="overall")
    worst = one(found, kind="worst case", version="candidate", measure="accuracy")
    assert worst["value"] == pytest.approx(accuracy["value"] * 220 / 240)
    assert not len(pick(found, kind="worst case", version="comparator"))


def test_worst_predictive_values_and_brier_score_count_every_failed_case() -> None:
    cases, observations, fates = tables()
    lost = (fates["version"] == "candidate") & (np.arange(len(fates)) % 12 == 0)
    fates.loc[lost, "fate"] = "failed"
    observations.loc[lost, ["score", "decision"]] = np.nan
    mine = observations[observations["version"] == "candidate"]
    kept, failed = mine[mine["decision"].notna()], mine[mine["decision"].isna()]
    found = estimate(plan_of(), cases, observations, fates)
    worst = {m: one(found, kind="worst case", version="candidate", measure=m)["value"] for m in ("ppv", "npv", "brier")}
    called, right = kept[kept["decision"] == 1], (kept["decision"] == kept["reference"])
    missed = int(failed["reference"].sum())
    assert worst["ppv"] == pytest.approx((right[called.index]).sum() / (len(called) + len(failed) - missed))
    assert worst["npv"] == pytest.approx(right.drop(called.index).sum() / (len(kept) - len(called) + missed))
    squares = np.square(kept["score"] - kept["reference"]).sum() + len(failed)
    assert worst["brier"] == pytest.approx(squares / len(mine))


def test_too_few_says_what_is_too_few() -> None:
    cases, observations, fates = tables()
    few = (cases[stratum_column("maker")] == "Cedar").to_numpy()
    chosen = np.flatnonzero(few & (observations["reference"].to_numpy()[:240] == 1))[7:]
    for version in (0, 240):
        observations.loc[chosen + version, "reference"] = 0.0
    found = estimate(plan_of(), cases, observations, fates)
    row = one(found, kind="value", version="candidate", measure="sensitivity", attribute="maker", level="Cedar")
    assert pd.isna(row["value"])
    assert row["undefined"] == "fewer than 10 reference-positive cases (7)"
    contrast = one(found, kind="contrast", version="candidate", measure="sensitivity", attribute="maker", level="Cedar")
    assert contrast["undefined"] == "fewer than 10 reference-positive cases (7)"


def test_several_images_per_patient_never_get_the_naive_interval() -> None:
    cases, observations, fates = tables(60, 4)
    found = estimate(plan_of(), cases, observations, fates)
    for measure, method in (
        ("sensitivity", "ratio estimator"),
        ("auroc", "binormal score over patients"),
        ("calibration_slope", "sandwich over patients"),
    ):
        assert method in one(found, kind="value", version="candidate", measure=measure, attribute="overall")["method"]


def test_levels_that_share_patients_are_compared_over_patients() -> None:
    cases, observations, fates = tables(80, 3)
    cases[stratum_column("maker")] = np.tile(["Alder", "Birch", "Cedar"], 80)
    found = estimate(plan_of(intersections=[]), cases, observations, fates)
    rows = pick(found, kind="contrast", measure="sensitivity", attribute="maker", level="Birch").set_index("version")
    assert rows.loc["comparator", "method"] == "linearised over patients, t"
    baseline = one(found, kind="value", version="candidate", measure="sensitivity", attribute="maker", level="Alder")
    assert baseline["value"] == 1
    assert rows.loc["candidate", "method"] == "Newcombe hybrid score (the patients of a side do not vary)"
    auroc = pick(found, kind="contrast", version="candidate", measure="auroc", attribute="maker", level="Birch")
    assert one(auroc)["method"] == "linearised over patients, t"
    brier = pick(found, kind="contrast", version="candidate", measure="brier", attribute="maker", level="Birch")
    assert one(brier)["method"] == "linearised over patients, t"


def test_arms_get_values_and_changes_but_no_cells() -> None:
    cases, observations, fates = tables(120)
    arm = {"name": "noise", "kind": "rician_noise", "size": 0.2}
    observations, fates = (
        pd.concat([frame, frame[frame["version"] == "candidate"].assign(version="candidate + noise")])
        for frame in (observations, fates)
    )
    found = estimate(plan_of(perturbation_arms=[arm], comparator=None), cases, observations, fates)
    rows = found[found["version"].str.startswith("candidate + noise")]
    assert set(rows["version"]) == {"candidate + noise", "candidate + noise - candidate"}
    assert set(rows["kind"]) == {"value", "change"}
    assert "maker & age" not in set(rows["attribute"])
    same = one(rows, kind="change", measure="sensitivity", attribute="overall")
    assert same["value"] == 0
    assert same["method"] == "Tango score"
    assert same["low"] < 0 < same["high"], "identical decisions still leave uncertainty"
    for measure, why in (("auroc", "no variance"), ("brier", "do not vary")):
        assert why in one(rows, kind="change", measure=measure, attribute="overall")["undefined"]


def test_an_endpoint_with_a_pass_mark_is_judged_on_the_exact_interval() -> None:
    endpoint = {
        "id": "P1", "role": "primary", "measure": "sensitivity", "target": "lesion",
        "group": {"attribute": "maker", "level": "each"}, "criterion": {"kind": "minimum", "value": 0.5},
    }  # fmt: skip
    found = estimate(plan_of(endpoints=[endpoint]), *tables())
    rows = pick(found, kind="value", version="candidate", measure="sensitivity")
    assert one(rows, attribute="maker", level="Birch")["method"] == "Clopper-Pearson"
    assert one(rows, attribute="overall", level="all")["method"] == "Wilson"


def side(name: str, hits: list[int], patients: list[int] | None = None) -> Side:
    decision = np.array(hits, dtype=float)
    patient = np.arange(decision.size) if patients is None else np.array(patients)
    rows = Rows(
        patient, {"reference": np.ones(decision.size), "decision": decision, "case": np.arange(decision.size) * 1.0}
    )
    return Side(entries("measures")[name], rows, Rules(1, 0.95))


def of_resamples(of: Side) -> np.ndarray:
    return resampled([of], patient_counts(60, 100, 1))[of]


def test_all_right_is_not_certain() -> None:
    perfect, other = side("sensitivity", [1] * 30), side("sensitivity", [1] * 20 + [0] * 10, list(range(30, 60)))
    value = answer("value", (perfect,), of_resamples).interval
    assert value is not None
    assert value.low == pytest.approx(0.886, abs=1e-3)
    contrast = answer("contrast", (perfect, other), of_resamples).interval
    assert contrast is not None
    assert contrast.method == "Newcombe hybrid score"
    assert contrast.high - contrast.low > 0.2
    change = answer("change", (perfect, side("sensitivity", [1] * 30)), of_resamples).interval
    assert change is not None
    assert change.method == "Tango score"
    assert change.high == pytest.approx(0.1135, abs=2e-3)


def test_a_small_denominator_takes_the_exact_interval() -> None:
    small, enough = side("sensitivity", [1] * 18 + [0] * 2), side("sensitivity", [1] * 27 + [0] * 3)
    exact = answer("value", (small,), of_resamples).interval
    assert exact is not None
    assert exact.method == "Clopper-Pearson"
    assert (exact.low, exact.high) == pytest.approx((0.6830173, 0.9876515), abs=1e-7), "R 4.2: binom.test(18, 20)"
    wilson = answer("value", (enough,), of_resamples).interval
    assert wilson is not None
    assert wilson.method == "Wilson"


def test_clustered_versions_without_discordant_cases_keep_a_width() -> None:
    patients = [i // 3 for i in range(60)]
    found = answer(
        "change", (side("sensitivity", [1, 0] * 30, patients), side("sensitivity", [1, 0] * 30, patients)), of_resamples
    )
    assert found.value == 0
    assert found.interval is not None
    assert "Tango score on patients" in found.interval.method
    assert found.interval.high > 0.1


def test_independent_contrast_covers() -> None:
    """Newcombe's hybrid interval of a true difference of 0 at 20 against 40 cases."""
    rng, inside = np.random.default_rng(11), 0
    for _ in range(300):
        level = side("sensitivity", (rng.uniform(size=20) < 0.85).astype(int).tolist())
        base = side("sensitivity", (rng.uniform(size=40) < 0.85).astype(int).tolist(), list(range(20, 60)))
        interval = answer("contrast", (level, base), of_resamples).interval
        assert interval is not None
        inside += interval.low <= 0 <= interval.high
    assert 0.92 <= inside / 300 <= 0.995


def test_bands_are_named_as_the_attributes_room_names_them() -> None:
    for cuts in ((40.0,), (18.0, 40.5, 60.0)):
        assert list(Stratum(cuts=cuts).bands) == band_names(cuts)


def test_two_rows_of_one_case_are_refused() -> None:
    cases, observations, fates = tables(40)
    twice = pd.concat([observations, observations.iloc[[3]]])
    with pytest.raises(BadInput, match="case c3 occurs more than once"):
        estimate(plan_of(), cases, twice, fates)
    with pytest.raises(BadInput, match="no dispositions"):
        estimate(plan_of(), cases, observations, fates[fates["version"] == "candidate"])


def segmented(n: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Observations and estimates of masks of lesions, which about half of the cases have."""
    cases, observations, fates = tables(n)
    observations["dice"] = np.where(observations["reference"] == 1, 0.7 + 0.2 * observations["score"], np.nan)
    observations["iou"] = observations["dice"] / (2 - observations["dice"])
    target = {"lesion": {"task": "segmentation", "output": "mask", "reference": "mask"}}
    return observations, estimate(plan_of(targets=target), cases, observations, fates)


def test_segmentation_without_volumes_or_threshold() -> None:
    observations, found = segmented(240)
    assert set(found["measure"]) == {"dice", "iou", "sensitivity", "specificity"}
    row = one(found, kind="value", version="candidate", measure="dice", attribute="overall")
    assert row["method"] == "patient bootstrap-t, 200 resamples"
    assert row["n_cases"] == int(pick(observations, version="candidate")["dice"].notna().sum())
    assert one(found, kind="change", measure="dice", attribute="overall")["method"] == "linearised over patients, t"


def test_a_mean_of_scores_is_bounded_from_thirty_patients_on() -> None:
    _, found = segmented(240)
    rows = found[(found["measure"] == "dice") & found["value"].notna()]
    few = rows[(rows["kind"] == "value") & (rows["n_patients"] < 30)]
    assert len(few)
    assert few["low"].isna().all()
    for _, row in few.iterrows():
        assert row["undefined"].startswith(f"no interval from fewer than 30 patients ({row['n_patients']})")
    assert rows.loc[(rows["kind"] == "value") & (rows["n_patients"] >= 30), "low"].notna().all()
    _, small = segmented(50)
    change = one(small, kind="change", measure="dice", attribute="overall")
    assert pd.notna(change["value"])
    assert "fewer than 30 patients" in change["undefined"]


def explained(n: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    cases, _, _ = tables(60)
    rng = np.random.default_rng(0)
    part = cases.iloc[:n]
    rows = pd.DataFrame(
        {
            "version": "candidate", "case_id": part["case_id"], "patient_id": part["patient_id"], "target": "lesion",
            "method": "grad_cam", "energy_inside": rng.uniform(0, 1, n), "area_inside": 0.05,
            "completeness_error": np.nan, "error": [None] * (n - 1) + ["no gradient"],
        }
    )  # fmt: skip
    rows.loc[rows.index[-1], ["energy_inside", "area_inside"]] = np.nan
    return cases, rows


def test_explanations_are_estimated_the_same_way() -> None:
    plan = plan_of(explanations={"target": "lesion", "methods": ["grad_cam"], "cases": {"attribute": "maker"}})
    cases, rows = explained(40)
    found = estimate_explanations(plan, cases, rows, None)
    assert set(found["target"]) == {"lesion: grad_cam"}
    whole = one(found, measure="energy_inside", attribute="overall")
    assert whole["value"] == pytest.approx(rows["energy_inside"].mean())
    assert whole["low"] < whole["value"] < whole["high"]
    assert whole["method"] == "patient bootstrap-t, 200 resamples"
    assert (whole["n_cases"], whole["n_failed"]) == (39, 1)
    assert one(found, measure="area_inside", attribute="overall")["undefined"] == NO_VARIATION
    assert pd.isna(one(found, measure="completeness_error", attribute="overall")["value"])
    assert set(found["attribute"]) == {"overall", "maker"}


def test_scores_are_estimated_for_every_stratum_that_has_explained_cases() -> None:
    plan = plan_of(explanations={"target": "lesion", "methods": ["grad_cam"], "cases": {"attribute": "maker"}})
    cases, rows = explained(40)
    keys = ["version", "case_id", "patient_id", "target", "method"]
    scores = rows[keys].assign(score="pointing_game", value=rows["energy_inside"].round(), detail=None, undefined=None)
    found = estimate_explanations(plan, cases, rows, EXPLANATION_SCORES.conform(scores))
    assert set(found["measure"]) == {"pointing_game"}
    assert set(found["attribute"]) == {"overall", *plan.strata}
    whole = one(found, attribute="overall")
    assert whole["value"] == pytest.approx(rows["energy_inside"].round().mean())
    assert (whole["n_cases"], whole["n_failed"]) == (39, 1)


def test_nothing_explained_is_an_empty_table() -> None:
    cases, rows = explained(6)
    found = estimate_explanations(plan_of(), cases, rows.iloc[:0], None)
    assert not len(found)
    assert list(found) == list(ESTIMATES.columns)


def test_gaps_stand_with_their_null(result: pd.DataFrame) -> None:
    rows = pick(result, kind="gap", attribute="maker")
    assert set(rows["measure"]) == {"equalized_odds_difference", "selection_rate_difference"}
    assert rows["low"].isna().all()
    assert rows["method"].str.contains("null (200 permutations of patients): mean", regex=False).all()


def test_few_explained_cases_have_a_mean_but_no_interval() -> None:
    plan = plan_of(explanations={"target": "lesion", "methods": ["grad_cam"], "cases": {"attribute": "maker"}})
    row = one(estimate_explanations(plan, *explained(6), None), measure="energy_inside", attribute="overall")
    assert row["value"] > 0
    assert pd.isna(row["low"])
    assert row["undefined"] == "no interval from fewer than 10 patients (5)"
    row = one(estimate_explanations(plan, *explained(13), None), measure="energy_inside", attribute="overall")
    assert row["value"] > 0
    assert row["undefined"].startswith("no interval from fewer than 30 patients (12)")


def test_chest_radiographs(shared: Path) -> None:
    """Two real findings: clustered intervals, levels that share patients, empty cells named."""
    folder = shared / "data" / "nih_cxr_preds"
    frame = pd.read_csv(folder / "predictions.csv.gz")
    check = json.loads((folder / "check.json").read_text(encoding="utf-8"))
    ids, patients = frame["image_id"], frame["patient_id"].astype(str)
    cases = pd.DataFrame({"case_id": ids, "patient_id": patients})
    cases[stratum_column("sex")], cases[stratum_column("view")] = frame["sex"], frame["view"]
    names = ("Effusion", "Hernia")
    observed = []
    for name in names:
        score, reference = frame[f"prob_{name}"], frame["labels"].str.contains(name).astype(float)
        part = _observed("candidate", cases, reference.to_numpy(), score.to_numpy())
        observed.append(part.assign(target=name, decision=(score >= 0.1).astype(float)))
    observations = pd.concat(observed, ignore_index=True)
    fates = observations[["version", "case_id", "target"]].assign(fate="analysed", reason=None)
    target = {"task": "classification", "reference": "labels", "measures": ["auroc", "sensitivity"],
              "operating_point": {"threshold": 0.1, "chosen_on": "developers' half"}}  # fmt: skip
    plan = plan_of(
        comparator=None, strata={"sex": {"baseline": "M"}, "view": {"baseline": "PA"}}, intersections=[["sex", "view"]],
        targets={name: {**target, "output": f"prob_{name}"} for name in names},
    )  # fmt: skip
    found = estimate(plan, cases, observations, fates)
    for name in names:
        row = one(found, kind="value", target=name, measure="auroc", attribute="overall")
        assert round(row["value"], 4) == round(check["auroc"][name], 4)
        assert row["n_events"] == check["n_pos"][name]
    sex = one(found, kind="contrast", target="Effusion", measure="auroc", attribute="sex")
    view = one(found, kind="contrast", target="Effusion", measure="auroc", attribute="view")
    assert sex["method"] == view["method"] == "linearised over patients, t"
    assert pd.notna(view["low"])
