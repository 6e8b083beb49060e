"""Sites and strata against metafor, R stats, survival and statsmodels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.records import BadInput, Interval, Undefined
from audit.statistics.diagnostic_table import DiagnosticTable, npv_at_prevalence, ppv_at_prevalence
from audit.statistics.differences import farrington_manning, newcombe
from audit.statistics.equivalence import inside, reading, tost, tost_proportions
from audit.statistics.heterogeneity import between_variance, fixed_effect, heterogeneity, random_effects
from audit.statistics.proportions import proportion
from audit.statistics.roc import delong
from audit.statistics.roc_within import within_site_auroc
from audit.statistics.strata import homogeneity_of_proportions, stratified_comparison

AUCS = [0.91, 0.87, 0.93, 0.84, 0.89, 0.9]
ERRORS = [0.018, 0.025, 0.015, 0.031, 0.022, 0.027]


def _pooled(name: str, pooled) -> dict[str, float]:
    return {
        name: pooled.value,
        f"{name}.se": pooled.standard_error,
        f"{name}.ci_lower": pooled.interval.low,
        f"{name}.ci_upper": pooled.interval.high,
    }


def test_six_sites(reference) -> None:
    case = reference("13-heterogeneity-auc-sites")
    data = case.inputs["auc"], case.inputs["se"]
    found = heterogeneity(*data)
    simple, restricted = (random_effects(*data, method=m, knapp_hartung=False) for m in ("DL", "REML"))
    corrected = random_effects(*data, knapp_hartung=True)
    got: dict[str, Any] = {
        "Q": found.q,
        "df": found.df,
        "Q_p": found.p,
        "I2_percent": found.i2_percent,
        "H2": found.h2,
        "tau2_DL": simple.mean.tau2,
        "tau2_REML": restricted.mean.tau2,
        "random_REML_knapp_hartung.se": corrected.mean.standard_error,
        "random_REML_knapp_hartung.ci_lower": corrected.mean.interval.low,
        "random_REML_knapp_hartung.ci_upper": corrected.mean.interval.high,
        "prediction_interval_lower": restricted.prediction.low,
        "prediction_interval_upper": restricted.prediction.high,
        "shrunken_site_estimates": restricted.shrunken,
    }
    got |= _pooled("fixed", fixed_effect(*data))
    got |= _pooled("random_DL", simple.mean) | _pooled("random_REML", restricted.mean)
    case.check(got)


def test_kidney_stones(reference) -> None:
    case = reference("13-simpson-kidney-stones")
    strata = [case.inputs["small_stones"], case.inputs["large_stones"]]
    cells = {group: np.array([stratum[group] for stratum in strata]) for group in ("A", "B")}
    a, c = cells["A"][:, 0], cells["B"][:, 0]
    m, n = cells["A"].sum(axis=1), cells["B"].sum(axis=1)
    found = stratified_comparison(a, m, c, n)
    assert found.reversed_by_strata
    got = {
        "crude_p_group1": a.sum() / m.sum(),
        "crude_p_group2": c.sum() / n.sum(),
        "crude_difference": found.crude_difference,
        "mh_odds_ratio": found.odds_ratio,
        "mh_odds_ratio.ci_lower": found.odds_ratio_interval.low,
        "mh_odds_ratio.ci_upper": found.odds_ratio_interval.high,
        "cmh_chi2": found.association.statistic,
        "cmh_p": found.association.p,
        "cmh_chi2_cc": found.association_corrected.statistic,
        "cmh_p_cc": found.association_corrected.p,
        "mh_risk_difference": found.risk_difference,
        "mh_risk_difference.se_sato": found.risk_difference_error,
        "breslow_day_chi2": found.homogeneity.statistic,
        "breslow_day_df": len(found.stratum_differences) - 1,
        "breslow_day_p": found.homogeneity.p,
    }
    for k in (0, 1):
        got |= {f"stratum{k + 1}.p_group1": a[k] / m[k], f"stratum{k + 1}.p_group2": c[k] / n[k]}
    case.check(got)


def test_within_site(reference) -> None:
    case = reference("13-within-site-auc")
    frame = case.table()
    y, score, site = (frame[name].to_numpy() for name in ("y", "score", "site"))
    pooled, within = delong(score, y), within_site_auroc(score, y, site)
    got: dict[str, Any] = {
        "pooled.auc": pooled.auroc,
        "pooled.var_delong": pooled.variance,
        "within_site.auc": within.value,
        "within_site.var_infinitesimal_jackknife": within.jackknife_variance,
        "within_site.var_from_site_delong": within.variance,
    }
    tables: dict[str, DiagnosticTable] = {}
    aucs, errors = [], []
    for name, rows in frame.groupby("site"):
        table = _table(rows, case.inputs["threshold"])
        tables[name] = table
        one = delong(rows["score"], rows["y"])
        aucs.append(one.auroc)
        errors.append(math.sqrt(one.variance))
        got |= _site(f"site{name}", table, case.inputs["common_prevalence"]) | {
            f"site{name}.auc": one.auroc,
            f"site{name}.auc_se": errors[-1],
        }
    spread, fixed = heterogeneity(aucs, errors), fixed_effect(aucs, errors)
    got |= {
        "auc_heterogeneity.Q": spread.q,
        "auc_heterogeneity.df": spread.df,
        "auc_heterogeneity.p": spread.p,
        "auc_heterogeneity.I2_percent": spread.i2_percent,
        "auc_fixed_effect": fixed.value,
        "auc_fixed_effect.se": fixed.standard_error,
    }
    all_tables = list(tables.values())
    for name, pairs in {
        "sensitivity": [(t.tp, t.positives) for t in all_tables],
        "specificity": [(t.tn, t.negatives) for t in all_tables],
        "ppv": [(t.tp, t.tp + t.fp) for t in all_tables],
    }.items():
        test = homogeneity_of_proportions(*zip(*pairs, strict=True))
        got |= {f"{name}_homogeneity.chi2": test.statistic, f"{name}_homogeneity.p": test.p}
    case.check(got)


def _table(rows, threshold: float) -> DiagnosticTable:
    called, y = rows["score"] >= threshold, rows["y"] == 1
    return DiagnosticTable(
        int((called & y).sum()), int((called & ~y).sum()), int((~called & y).sum()), int((~called & ~y).sum())
    )


def _site(name: str, table: DiagnosticTable, prevalence: float) -> dict[str, Any]:
    return {
        f"{name}.n": table.positives + table.negatives,
        f"{name}.n_positive": table.positives,
        f"{name}.sensitivity": proportion(table.tp, table.positives),
        f"{name}.specificity": proportion(table.tn, table.negatives),
        f"{name}.ppv_observed": proportion(table.tp, table.tp + table.fp),
        f"{name}.npv_observed": proportion(table.tn, table.tn + table.fn),
        f"{name}.ppv_at_common_prevalence": ppv_at_prevalence(table, prevalence).value,
        f"{name}.npv_at_common_prevalence": npv_at_prevalence(table, prevalence).value,
    }


def test_equivalence(reference) -> None:
    case = reference("13-equivalence-proportions")
    x1, n1, x2, n2, margin = (case.inputs[name] for name in ("x1", "n1", "x2", "n2", "margin"))
    p1, p2 = x1 / n1, x2 / n2
    error = math.sqrt(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)
    wald, exact = tost(p1 - p2, error, margin), tost_proportions(x1, n1, x2, n2, margin)
    hybrid = newcombe(x1, n1, x2, n2, 0.9)
    case.check(
        {
            "difference": wald.difference,
            "wald.se": error,
            "wald.p_lower": wald.p_lower,
            "wald.p_upper": wald.p_upper,
            "wald.p": wald.p,
            "wald.ci90_lower": wald.interval.low,
            "wald.ci90_upper": wald.interval.high,
            "newcombe.ci90_lower": hybrid.low,
            "newcombe.ci90_upper": hybrid.high,
            "farrington_manning.z_lower": farrington_manning(x1, n1, x2, n2, -margin).statistic,
            "farrington_manning.z_upper": farrington_manning(x1, n1, x2, n2, margin).statistic,
            "farrington_manning.p": exact.p,
            "wald.equivalent": wald.equivalent,
            "newcombe.equivalent": inside(hybrid, margin),
        }
    )
    assert exact.equivalent


def test_five_readings_of_two_intervals() -> None:
    def read(low95: float, high95: float, low90: float, high90: float) -> str:
        return reading(Interval(low95, high95, "", 0.95), Interval(low90, high90, "", 0.9), 0.05)

    assert read(-0.03, 0.03, -0.02, 0.02) == "equivalent"
    assert read(0.01, 0.045, 0.013, 0.04) == "different but irrelevant"
    assert read(0.06, 0.12, 0.07, 0.11) == "different and relevant"
    assert read(0.01, 0.09, 0.02, 0.08) == "different"
    assert read(-0.02, 0.09, -0.01, 0.08) == "inconclusive"


@given(st.permutations(range(6)), st.floats(-0.5, 0.5))
def test_order_and_shift(order, shift) -> None:
    y, errors = np.array(AUCS), np.array(ERRORS)
    base, moved = heterogeneity(y, errors), heterogeneity(y[order] + shift, errors[order])
    assert moved.q == pytest.approx(base.q)
    for method in ("DL", "PM", "REML"):
        assert between_variance(y[order] + shift, errors[order] ** 2, method) == pytest.approx(
            between_variance(y, errors**2, method), rel=1e-6
        )


def test_paule_mandel_solves_its_equation() -> None:
    y, v = np.array(AUCS), np.square(ERRORS)
    w = 1 / (v + between_variance(y, v, "PM"))
    assert float(w @ np.square(y - w @ y / w.sum())) == pytest.approx(5)


def test_higgins_thompson_interval_of_a_published_meta_analysis() -> None:
    found = heterogeneity(AUCS, ERRORS)
    assert found.i2_interval.low == 0
    assert 48 < found.i2_interval.high < 90
    equal = heterogeneity([0.8, 0.8, 0.8], [0.1, 0.1, 0.1])
    assert (equal.i2_percent, equal.q) == (0, pytest.approx(0, abs=1e-12))


def test_small_sets_use_knapp_hartung_and_undefined_is_said() -> None:
    assert "Knapp-Hartung" in random_effects(AUCS, ERRORS).mean.interval.method
    assert isinstance(heterogeneity([0.9], [0.1]), Undefined)
    assert "zero" in random_effects([1.0, 0.9], [0.0, 0.1]).reason
    assert isinstance(within_site_auroc([1, 2], [0, 1], ["a", "b"]), Undefined)
    assert isinstance(stratified_comparison([1, 0], [2, 0], [0, 1], [0, 3]), Undefined)
    assert isinstance(tost(0.0, 0.0, 0.05), Undefined)
    with pytest.raises(BadInput, match="margin"):
        tost(0.0, 0.1, -0.05)


def test_strata_without_both_groups_are_counted() -> None:
    found = stratified_comparison([5, 3, 4], [10, 5, 9], [4, 0, 5], [9, 0, 8])
    assert found.dropped_strata == 1
    assert found.stratum_differences.size == 2


def test_one_site_is_the_ordinary_auroc() -> None:
    score, y = [1, 3, 2, 5, 4, 6, 2, 7], [0, 0, 1, 1, 0, 1, 0, 1]
    within = within_site_auroc(score, y, ["x"] * 8)
    assert within.value == pytest.approx(delong(score, y).auroc)
    assert within.variance == pytest.approx(delong(score, y).variance)
