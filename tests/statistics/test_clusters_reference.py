"""Clustered proportions and paired tests against R survey, ratesci and clust.bin.pair."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from audit.records import BadInput, Undefined
from audit.statistics.clusters import (
    anova_icc,
    clustered_proportion,
    inflation_factor,
    rao_scott_homogeneity,
)
from audit.statistics.clusters_paired import (
    durkalski,
    eliasziw_donner,
    obuchowski,
    pairs_by_patient,
    unclustered_mcnemar,
    yang,
)

TESTS = {
    "obuchowski": obuchowski,
    "durkalski": durkalski,
    "yang": yang,
    "eliasziw": eliasziw_donner,
    "mcnemar": unclustered_mcnemar,
}


def _paired(pairs, prefix: str = "") -> dict[str, float]:
    found = {name: test(pairs) for name, test in TESTS.items()}
    return {f"{prefix}{name}_{part}": getattr(test, part) for name, test in found.items() for part in ("chi2", "p")}


def test_copd(reference) -> None:
    case = reference("05-clustered-copd")
    x, n = case.inputs["x"], case.inputs["n"]
    found = clustered_proportion(x, n, method="wilson")
    case.check(
        {
            "p": found.value,
            "se_ratio": found.standard_error,
            "wilson_cluster_lower": found.interval.low,
            "wilson_cluster_upper": found.interval.high,
            "wilson_cluster_vif": inflation_factor(n, found.icc),
            "anova_icc": found.icc,
            "published.anova_icc_short2020": found.icc,
        }
    )


def test_thyroids(reference) -> None:
    case = reference("05-clustered-thyroids")
    inputs = case.inputs
    pairs = inputs["per_patient_pairs"]
    got: dict[str, Any] = _paired(
        pairs_by_patient(pairs["both"], pairs["pet_only"], pairs["spect_only"], pairs["neither"])
    )
    for name in ("pet", "spect"):
        found = clustered_proportion(
            inputs[f"true_negatives_{name}"], inputs["glands_per_patient"], method="wilson", floor=False
        )
        got |= {
            f"{name}.specificity": found.value,
            f"{name}.se": found.standard_error,
            f"{name}.wilson_cluster_lower": found.interval.low,
            f"{name}.wilson_cluster_upper": found.interval.high,
            f"{name}.anova_icc": found.icc,
        }
    case.check(got)
    floored = clustered_proportion(inputs["true_negatives_spect"], inputs["glands_per_patient"], method="wilson")
    assert "floored" in floored.interval.method
    assert floored.interval.low < got["spect.wilson_cluster_lower"]


def test_lesions(reference) -> None:
    case = reference("05-clustered-proportions")
    frame = case.table()
    got: dict[str, Any] = {}
    for rate, truth in (("sens", 1), ("spec", 0)):
        rows = frame[frame["y"] == truth]
        calls = {reading: (rows[f"call_{reading}"] == truth).astype(int) for reading in ("a", "b")}
        for reading, right in calls.items():
            grouped = right.groupby(rows["patient"])
            got |= _proportion(f"{rate}_{reading}", grouped.sum(), grouped.size())
        cells = [
            ((calls["a"] == a) & (calls["b"] == b)).groupby(rows["patient"]).sum()
            for a, b in ((1, 1), (1, 0), (0, 1), (0, 0))
        ]
        got |= _paired(pairs_by_patient(*cells), f"{rate}_paired.")
    case.check(got)


def _proportion(name: str, events, cases) -> dict[str, Any]:
    found = {
        method: clustered_proportion(events, cases, method=method, floor=False)
        for method in ("wald", "logit", "logit-t", "wilson")
    }
    one = found["wald"]
    got: dict[str, Any] = {
        name: one.value,
        f"{name}.n": one.n_cases,
        f"{name}.clusters": one.n_patients,
        f"{name}.se": one.standard_error,
        f"{name}.design_effect": one.design_effect,
        f"{name}.anova_icc": one.icc,
        f"{name}.wilson_cluster_vif": inflation_factor(cases, one.icc),
    }
    for method, label in (("wald", "wald"), ("logit", "logit"), ("logit-t", "logit_t"), ("wilson", "wilson_cluster")):
        got[f"{name}.{label}_lower"] = found[method].interval.low
        got[f"{name}.{label}_upper"] = found[method].interval.high
    return got


def test_one_case_per_patient_is_wilson_and_all_right_is_wilson_on_patients() -> None:
    plain = clustered_proportion([1, 0, 1, 1], [1, 1, 1, 1])
    assert plain.interval.method == "Wilson"
    assert plain.design_effect == pytest.approx(4 / 3)
    perfect = clustered_proportion([3, 2, 4], [3, 2, 4])
    assert perfect.value == 1
    assert "patients" in perfect.interval.method
    assert perfect.interval.low == pytest.approx(0.4385, abs=1e-4)


def test_duplicated_cases_within_patients_change_nothing() -> None:
    events, cases = np.array([1, 0, 2, 1, 3]), np.array([2, 1, 3, 1, 3])
    once, twice = clustered_proportion(events, cases), clustered_proportion(2 * events, 2 * cases)
    assert once.standard_error == pytest.approx(twice.standard_error)
    assert twice.design_effect == pytest.approx(2 * once.design_effect)


def test_undefined_and_refused() -> None:
    assert isinstance(clustered_proportion([0, 0], [0, 0]), Undefined)
    assert isinstance(clustered_proportion([2], [3]).interval, Undefined)
    assert isinstance(anova_icc([1, 0], [1, 1]), Undefined)
    assert isinstance(obuchowski(pairs_by_patient([2, 1], [0, 0], [0, 0], [1, 1])), Undefined)
    with pytest.raises(BadInput):
        clustered_proportion([2], [1])


def test_rao_scott_without_clustering_is_nearly_pearson() -> None:
    a, b = np.repeat([1, 0], [30, 20]), np.repeat([1, 0], [20, 30])
    chi2, df, p = rao_scott_homogeneity((a, b), (np.ones(50), np.ones(50)))
    assert (chi2, df) == (pytest.approx(4.0 * 49 / 50), 1)
    assert math.isclose(p, 0.0477, abs_tol=1e-3)
