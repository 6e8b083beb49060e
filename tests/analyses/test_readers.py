"""Readers among themselves and the device among them; repeat acquisitions."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from audit.analyses.readers import ENTRY as READERS
from audit.analyses.readers import GAIN, LESS
from audit.analyses.repeatability import ENTRY as REPEATABILITY
from audit.analyses.study import Study, new_study
from audit.measures.repeats import repeat_terms, with_repeats
from audit.plan import Plan
from audit.statistics.agreement_many import krippendorff_alpha
from audit.statistics.repeatability import repeatability
from audit.tables import CASES, DISPOSITIONS, ESTIMATES, NO_REFERENCE, OBSERVATIONS, REFERENCES, stratum_column

NOTHING = pd.DataFrame(columns=list(ESTIMATES.columns))


def plan_of(target: dict[str, Any], **changes: Any) -> Plan:
    raw = {"id": "x", "title": "x", "intended_purpose": "x", "validation_sets": ["s"], "resamples": 200}
    raw["model"] = {"kind": "recorded", "name": "d", "version": "1", "scores": "scores.csv"}
    return Plan.model_validate(raw | {"targets": {"t": {"output": "o", "reference": "r"} | target}} | changes)


def study_of(plan: Plan, columns: dict[str, Any], readings: dict[str, Any], patient: Any = None, **cases: Any) -> Study:
    n = len(next(iter(columns.values())))
    ids = [f"c{i:04d}" for i in range(n)]
    who = ids if patient is None else [f"p{each}" for each in patient]
    frame = CASES.conform(pd.DataFrame({"case_id": ids, "patient_id": who, "image": None, "sha256": None} | cases))
    seen = pd.DataFrame({"version": "candidate", "case_id": ids, "patient_id": who, "target": "t"} | columns)
    fates = seen[["version", "case_id", "target"]].assign(fate="analysed", reason=None)
    no_reference = [i for i in range(n) if readings and len({values[i] for values in readings.values()}) > 1]
    fates.loc[no_reference[:3], ["fate", "reason"]] = ["excluded", NO_REFERENCE]
    parts = [
        pd.DataFrame({"case_id": ids, "target": "t", "reader": name, "value": values, "artifact": None})
        for name, values in readings.items()
    ]
    read = REFERENCES.conform(pd.concat(parts)) if parts else None
    return new_study(plan, frame, OBSERVATIONS.conform(seen), DISPOSITIONS.conform(fates), NOTHING, {}, read)


def table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(rows).set_index(["version", "measure", "level", "quantity"]).sort_index()


@pytest.fixture(scope="module")
def psychiatrists(shared: Path) -> np.ndarray:
    """30 patients, 6 readers, 5 categories (Fleiss 1971), from the reference data."""
    frame = pd.read_csv(shared / "reference/data/diagnoses.csv")
    text = frame.iloc[:, -6:].to_numpy(dtype=str)
    return np.unique(text, return_inverse=True)[1].reshape(text.shape).astype(float)


def test_fleiss_and_krippendorff_of_the_published_diagnoses(psychiatrists: np.ndarray, shared: Path) -> None:
    expected = json.loads((shared / "reference/cases/08-fleiss-diagnoses.json").read_text(encoding="utf-8"))["expected"]
    plan = plan_of({"task": "ordinal", "grades": [0, 1, 2, 3, 4]})
    readings = {f"r{i}": psychiatrists[:, i] for i in range(6)}
    device = {"grade_predicted": psychiatrists[:, 0], "n_grades": 5.0}
    rows = table(READERS.run(study_of(plan, device, readings)))
    found = rows.loc[("set", "all", "all", "Fleiss kappa, 6 readers")]
    assert found["value"] == pytest.approx(expected["fleiss_kappa"], rel=1e-9)
    assert found["low"] < found["value"] < found["high"]
    assert found["n_cases"] == 30, "cases without a consensus are those on which readers differ"
    alpha = rows.loc[("set", "all", "all", "Krippendorff alpha, ordinal")]["value"]
    assert alpha == pytest.approx(krippendorff_alpha(psychiatrists.T, "ordinal"), rel=1e-9)
    pairs = rows.xs("reader with reader", level="quantity").loc[("set", "kappa_quadratic")]
    assert len(pairs) == 15
    own = rows.loc[("candidate", "exact_agreement", "r0", "device with reader")]
    assert own["value"] == 1.0, "the device repeats reader r0"


def test_the_alpha_with_missing_ratings(shared: Path) -> None:
    case = json.loads((shared / "reference/cases/08-krippendorff-c-data.json").read_text(encoding="utf-8"))
    values = next(v for v in case["inputs"].values() if isinstance(v, list) and isinstance(v[0], list))
    ratings = np.array([[np.nan if x is None else x for x in row] for row in values], float)
    ratings = ratings if ratings.shape[0] < ratings.shape[1] else ratings.T
    from audit.statistics.agreement_sums import alpha, coincidences, interval_alpha, interval_terms

    for level in ("nominal", "ordinal"):
        assert float(alpha(level)(coincidences(ratings.T).sum(axis=0))) == pytest.approx(
            krippendorff_alpha(ratings, level), rel=1e-9
        )
        key = next(name for name in case["expected"] if level in name)
        assert krippendorff_alpha(ratings, level) == pytest.approx(case["expected"][key], rel=1e-6)
    assert float(interval_alpha(interval_terms(ratings.T).sum(axis=0))) == pytest.approx(
        krippendorff_alpha(ratings, "interval"), rel=1e-9
    )


def test_a_device_that_agrees_less_than_the_readers_do_is_named() -> None:
    rng = np.random.default_rng(5)
    truth = rng.normal(50, 15, 120)
    readings = {name: truth + rng.normal(0, 2, 120) for name in ("a", "b", "c")}
    plan = plan_of({"task": "measurement", "unit": "mL"})
    rows = table(READERS.run(study_of(plan, {"value_predicted": truth + rng.normal(0, 12, 120)}, readings)))
    gain = rows.loc[("candidate", "icc", "all", GAIN)]
    assert gain["verdict"] == LESS
    assert gain["high"] < 0
    among = rows.xs("reader with reader", level="quantity").loc[("set", "icc"), "value"]
    device = rows.xs("device with reader", level="quantity").loc[("candidate", "icc"), "value"]
    assert gain["value"] == pytest.approx(device.mean() - among.mean(), abs=1e-9)
    same = table(READERS.run(study_of(plan, {"value_predicted": truth + rng.normal(0, 2, 120)}, readings)))
    assert "no difference shown" in same.loc[("candidate", "icc", "all", GAIN)]["verdict"]


def test_no_readings_is_said_and_few_readings_are_not_computed() -> None:
    plan = plan_of({"task": "measurement", "unit": "mL"})
    (row,) = READERS.run(study_of(plan, {"value_predicted": np.arange(5.0)}, {}))
    assert "keeps no readings of two or more readers" in row["undefined"]
    readings = {"a": np.arange(5.0), "b": np.arange(5.0) + 1}
    rows = READERS.run(study_of(plan, {"value_predicted": np.arange(5.0)}, readings))
    assert rows
    assert all(each["value"] is None and "fewer than 10" in each["undefined"] for each in rows)


def repeated(seed: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """40 patients on two scanners, two acquisitions each: repeat SD 2, scanner offset 3 for each patient."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(40), 4)
    scanner = np.tile([0, 0, 1, 1], 40)
    value = 60 + 10 * rng.normal(size=40)[patient] + 3 * rng.normal(size=(40, 2))[patient, scanner]
    return patient, scanner, value + rng.normal(0, 2, 160), np.tile([1, 1, 2, 2], 40)


def test_repeatability_is_that_of_the_statistics_room() -> None:
    patient, scanner, value, session = repeated()
    asked = {"session": "session", "conditions": ["scanner"]}
    plan = plan_of({"task": "measurement", "unit": "mL"}, repeat_acquisitions=asked, strata={"scanner": {}})
    names = np.array(["Alpha", "Beta"])[scanner]
    study = study_of(
        plan, {"value_predicted": value}, {}, patient, scanner=names, session=session,
        **{stratum_column("scanner"): names},
    )  # fmt: skip
    rows = pd.DataFrame(REPEATABILITY.run(study)).set_index(["attribute", "level", "quantity"])
    within = repeatability(value, patient, scanner)
    whole = rows.loc[("overall", "all")]
    assert whole.loc["within-subject SD", "value"] == pytest.approx(within.within_sd.value, rel=1e-9)
    assert whole.loc["repeatability coefficient", "high"] == pytest.approx(within.coefficient.interval.high, rel=1e-9)
    assert whole.loc["within-subject CV, %", "value"] == pytest.approx(within.cv_percent.value, rel=1e-9)
    between = whole.loc["reproducibility SD"]
    assert between["value"] == pytest.approx(within.reproducibility.sd.value, rel=1e-9)
    assert between["low"] < np.hypot(2, 3) < between["high"]
    beta = rows.loc[("scanner", "Beta", "within-subject SD"), "value"]
    assert beta == pytest.approx(within.by_condition["1"].value, rel=1e-9)
    assert (whole["n_patients"] == 40).all()


def test_without_repeats_or_with_few_there_is_a_reason() -> None:
    (row,) = REPEATABILITY.run(study_of(plan_of({"task": "measurement", "unit": "mL"}), {"value_predicted": [1.0]}, {}))
    assert "marks no repeat acquisitions" in row["undefined"]
    plan = plan_of({"task": "measurement", "unit": "mL"}, repeat_acquisitions={})
    rows = REPEATABILITY.run(study_of(plan, {"value_predicted": np.arange(6.0)}, {}, [0, 0, 1, 1, 2, 3]))
    assert [each["undefined"] for each in rows] == ["fewer than 10 patients with repeat acquisitions (2)"]


def test_the_columns_add_up_to_the_pooled_variance() -> None:
    patient, scanner, value, _ = repeated()
    square, df = repeat_terms(value, np.char.add(patient.astype(str), np.char.add("/", scanner.astype(str))))
    found = repeatability(value, patient, scanner)
    assert df.sum() == pytest.approx(found.df)
    assert np.sqrt(square.sum() / df.sum()) == pytest.approx(found.within_sd.value, rel=1e-12)
    lonely, none = repeat_terms(np.array([1.0, np.nan, 3.0]), np.array(["a", "a", "b"]))
    assert lonely.tolist() == none.tolist() == [0.0, 0.0, 0.0]


def test_the_coefficient_as_a_measure_has_the_interval_of_the_analysis() -> None:
    from audit.catalogue import entries
    from audit.records import Rows

    patient, scanner, value, _ = repeated()
    cases = pd.DataFrame({"patient_id": patient.astype(str), "scanner": scanner})
    plan = plan_of({"task": "measurement", "unit": "mL"}, repeat_acquisitions={"conditions": ["scanner"]})
    table = with_repeats(pd.DataFrame({"value_predicted": value}), cases, "value_predicted", plan.repeat_acquisitions)
    measure = entries("measures")["repeatability_coefficient"]
    rows = Rows(patient, {name: table[name].to_numpy() for name in measure.columns})
    found = repeatability(value, patient, scanner).coefficient
    interval = measure.interval(rows, 0.95)
    assert measure.point(rows) == pytest.approx(found.value, rel=1e-12)
    assert (interval.low, interval.high) == pytest.approx((found.interval.low, found.interval.high), rel=1e-9)
