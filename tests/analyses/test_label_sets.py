"""Findings of one output set together, against scikit-learn."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from sklearn import metrics

from audit.analyses.label_sets import ENTRY
from audit.analyses.study import Study, new_study
from audit.plan import Plan
from audit.tables import CASES, DISPOSITIONS, ESTIMATES, OBSERVATIONS

FINDINGS = ("effusion", "mass", "nodule")


def plan_of(**changes: Any) -> Plan:
    point = {"threshold": 0.5, "chosen_on": "tuning"}
    targets = {
        name: {"task": "classification", "output": name, "reference": name, "operating_point": point}
        for name in FINDINGS
    }
    raw = {"id": "x", "title": "x", "intended_purpose": "x", "validation_sets": ["s"], "targets": targets}
    raw |= {"model": {"kind": "recorded", "name": "d", "version": "1", "scores": "s.csv"}, "resamples": 300}
    return Plan.model_validate(raw | {"label_sets": {"chest": FINDINGS}} | changes)


def made(n: int = 240, seed: int = 2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(n // 2), 2)
    truth = (rng.random((n, 3)) < [0.5, 0.3, 0.2]).astype(float)
    score = np.clip(0.35 * truth + rng.beta(2, 3, (n, 3)), 0, 1)
    return patient, truth, score


def study_of(plan: Plan, patient: np.ndarray, truth: np.ndarray, score: np.ndarray) -> Study:
    ids = [f"c{i:04d}" for i in range(len(patient))]
    who = [f"p{each:04d}" for each in patient]
    parts = [
        pd.DataFrame({
            "version": "candidate", "case_id": ids, "patient_id": who, "target": name, "score": score[:, i],
            "reference": truth[:, i], "decision": np.where(np.isnan(score[:, i]), np.nan, score[:, i] >= 0.5),
        })
        for i, name in enumerate(FINDINGS)
    ]  # fmt: skip
    seen = OBSERVATIONS.conform(pd.concat(parts, ignore_index=True))
    fates = seen[["version", "case_id", "target"]].assign(fate="analysed", reason=None)
    cases = CASES.conform(pd.DataFrame({"case_id": ids, "patient_id": who, "image": None, "sha256": None}))
    estimates = pd.DataFrame(columns=list(ESTIMATES.columns))
    return new_study(plan, cases, seen, DISPOSITIONS.conform(fates), estimates, {})


def rows_of(study: Study) -> pd.DataFrame:
    return pd.DataFrame(ENTRY.run(study)).set_index(["measure", "quantity"])


def test_scikit_learn_agrees() -> None:
    patient, truth, score = made()
    rows, called = rows_of(study_of(plan_of(), patient, truth, score)), (score >= 0.5).astype(float)
    expected = {
        ("auroc", "macro average"): metrics.roc_auc_score(truth, score, average="macro"),
        ("sensitivity", "macro average"): metrics.recall_score(truth, called, average="macro"),
        ("sensitivity", "micro average"): metrics.recall_score(truth, called, average="micro"),
        ("specificity", "macro average"): metrics.recall_score(1 - truth, 1 - called, average="macro"),
        ("specificity", "micro average"): metrics.recall_score(1 - truth, 1 - called, average="micro"),
        ("all", "subset accuracy"): metrics.accuracy_score(truth, called),
        ("all", "Hamming loss"): metrics.hamming_loss(truth, called),
    }
    assert set(rows.index) == set(expected)
    for key, value in expected.items():
        assert rows.loc[key, "value"] == pytest.approx(value, abs=1e-12), key
        assert rows.loc[key, "low"] < value < rows.loc[key, "high"], key
    assert (rows["n_patients"] <= 120).all()


def test_a_finding_without_positives_is_left_out_by_name() -> None:
    patient, truth, score = made()
    truth[:, 2] = 0.0
    rows = rows_of(study_of(plan_of(), patient, truth, score))
    assert "left out, without a value: nodule" in rows.loc[("auroc", "macro average"), "method"]
    expected = np.mean([metrics.roc_auc_score(truth[:, i], score[:, i]) for i in (0, 1)])
    assert rows.loc[("auroc", "macro average"), "value"] == pytest.approx(expected)


def test_a_case_without_one_call_leaves_the_subset_and_stays_in_the_micro_average() -> None:
    patient, truth, score = made()
    score[::4, 1] = np.nan
    rows = rows_of(study_of(plan_of(), patient, truth, score))
    assert rows.loc[("all", "subset accuracy"), "n_cases"] == 180
    assert rows.loc[("sensitivity", "micro average"), "n_cases"] == 240


def test_without_a_label_set_that_is_said() -> None:
    (row,) = ENTRY.run(study_of(plan_of(label_sets={}), *made()))
    assert row["undefined"] == "not assessed: the plan declares no label set"


@pytest.mark.parametrize(
    ("sets", "sentence"),
    [
        ({"chest": ["effusion"]}, "needs two or more different targets"),
        ({"chest": ["effusion", "effusion"]}, "needs two or more different targets"),
        ({"chest": ["effusion", "hernia"]}, "names 'hernia', which is no classification target"),
        ({"mass": ["effusion", "nodule"]}, "has the name of a target"),
    ],
)
def test_a_label_set_that_cannot_work_is_refused(sets: Any, sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        plan_of(label_sets=sets)
