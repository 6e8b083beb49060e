"""Differences, ratios and predictive values against ratesci, PropCIs, epiR, DTComPair and bdpv."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.records import BadInput, Undefined
from audit.statistics.diagnostic_table import (
    DiagnosticTable,
    diagnostic_odds_ratio,
    koopman,
    negative_likelihood_ratio,
    npv_at_prevalence,
    positive_likelihood_ratio,
    ppv_at_prevalence,
    youden,
)
from audit.statistics.differences import (
    chi_square,
    farrington_manning,
    fisher,
    mee,
    miettinen_nurminen,
    newcombe,
)
from audit.statistics.differences_paired import (
    PairedTable,
    bonett_price,
    mcnemar,
    mcnemar_exact,
    mcnemar_mid_p,
    newcombe_paired,
    tango,
)
from audit.statistics.paired_tests import (
    PairedDiagnostic,
    generalized_score,
    joint_sensitivity_specificity,
    likelihood_ratio_comparison,
    predictive_values,
    relative_predictive_value,
    weighted_generalized_score,
)
from audit.statistics.proportions import clopper_pearson, proportion


def _limits(name: str, interval) -> dict[str, float]:
    return {f"{name}_lower": interval.low, f"{name}_upper": interval.high}


def test_independent(reference) -> None:
    case = reference("02-proportion-difference-independent")
    got: dict[str, Any] = {}
    for x1, n1, x2, n2 in case.inputs["x1_n1_x2_n2"]:
        key, data = f"{x1}of{n1}_vs_{x2}of{n2}", (x1, n1, x2, n2)
        test = chi_square(*data)
        undefined = isinstance(test, Undefined)
        got |= {
            f"{key}.diff": x1 / n1 - x2 / n2,
            f"{key}.chi2": test if undefined else test.statistic,
            f"{key}.chi2_p": test if undefined else test.p,
            f"{key}.fisher_p": fisher(*data),
        }
        methods = {"newcombe": newcombe, "miettinen_nurminen": miettinen_nurminen, "mee": mee}
        for name, method in methods.items():
            interval = method(*data)
            got |= _limits(f"{key}.{name}", interval)
            if f"published.{key}.{name}" in case.expected:
                got[f"published.{key}.{name}"] = [interval.low, interval.high]
    case.check(got)


def test_paired(reference) -> None:
    case = reference("02-proportion-difference-paired")
    got: dict[str, Any] = {}
    for cells in case.inputs["tables"]:
        key, table = "_".join(map(str, cells)), PairedTable(*cells)
        plain, corrected = mcnemar(table), mcnemar(table, continuity=True)
        got |= {
            f"{key}.diff": table.difference,
            f"{key}.mcnemar_exact_p": mcnemar_exact(table),
            f"{key}.mcnemar_midp": mcnemar_mid_p(table),
            f"{key}.mcnemar_chi2": plain.statistic,
            f"{key}.mcnemar_p": plain.p,
            f"{key}.mcnemar_cc_chi2": corrected.statistic,
            f"{key}.mcnemar_cc_p": corrected.p,
        }
        for name, method in {"tango": tango, "newcombe10": newcombe_paired, "bonett_price": bonett_price}.items():
            got |= _limits(f"{key}.{name}", method(table))
    case.check(got)


def test_two_by_two(reference) -> None:
    case = reference("02-diagnostic-2x2")
    cells = case.inputs
    table = DiagnosticTable(cells["tp"], cells["fp"], cells["fn"], cells["tn"])
    total = table.positives + table.negatives
    counts = {
        "sensitivity": (table.tp, table.positives),
        "specificity": (table.tn, table.negatives),
        "ppv": (table.tp, table.tp + table.fp),
        "npv": (table.tn, table.tn + table.fn),
        "accuracy": (table.tp + table.tn, total),
    }
    got: dict[str, Any] = {name: proportion(*pair) for name, pair in counts.items()}
    for name, pair in counts.items():
        got |= _limits(f"{name}.clopper_pearson", clopper_pearson(*pair))
    odds, plus, minus = diagnostic_odds_ratio(table), positive_likelihood_ratio(table), negative_likelihood_ratio(table)
    got |= {
        "apparent_prevalence": proportion(table.tp + table.fp, total),
        "true_prevalence": proportion(table.positives, total),
        "youden": youden(table),
        "diagnostic_or": odds.value,
        "plr": plus.value,
        "nlr": minus.value,
    }
    got |= _limits("diagnostic_or.wald_log", odds.interval)
    got |= _limits("plr.log", plus.interval) | _limits("nlr.log", minus.interval)
    got |= _limits("plr.score", koopman(table.tp, table.positives, table.fp, table.negatives))
    got |= _limits("nlr.score", koopman(table.fn, table.positives, table.tn, table.negatives))
    case.check(got)


def test_predictive_values_at_prevalence(reference) -> None:
    case = reference("02-predictive-values-at-prevalence")
    cells = case.inputs
    table = DiagnosticTable(
        cells["cases_positive"], cells["controls_positive"], cells["cases_negative"], cells["controls_negative"]
    )
    got: dict[str, Any] = {}
    for prevalence in cells["prevalence"]:
        for name, function in {"ppv": ppv_at_prevalence, "npv": npv_at_prevalence}.items():
            found = function(table, prevalence)
            key = f"prev{prevalence}.{name}"
            got[key] = found.value
            got |= {f"{key}.lower": found.interval.low, f"{key}.upper": found.interval.high}
            if f"published.{key}_ci" in case.expected:
                got[f"published.{key}_ci"] = [found.interval.low, found.interval.high]
    case.check(got)


def test_two_tests_on_the_same_patients(reference) -> None:
    case = reference("02-paired-diagnostic-tests")
    sick, well = PairedTable(*case.inputs["diseased"]), PairedTable(*case.inputs["non_diseased"])
    tables = PairedDiagnostic(sick, well)
    got: dict[str, Any] = _both_tests(tables, sick, well)
    for name, table, sign in (("se", sick, 1), ("sp", well, -1)):
        test, swapped = mcnemar(table), PairedTable(table.both, table.second_only, table.first_only, table.neither)
        interval = tango(swapped if sign == 1 else table)
        got |= {
            f"{name}.mcnemar_chi2": test.statistic,
            f"{name}.mcnemar_p": test.p,
            f"{name}.exact_p": mcnemar_exact(table),
            f"{name}.diff_2minus1": -sign * table.difference,
            f"{name}.tango_lower": interval.low,
            f"{name}.tango_upper": interval.high,
        }
    for name, positive in (("ppv", True), ("npv", False)):
        score, weighted = generalized_score(tables, positive), weighted_generalized_score(tables, positive)
        relative = relative_predictive_value(_swap(tables), positive)
        got |= {
            f"{name}.gs_statistic": score.statistic,
            f"{name}.gs_p": score.p,
            f"{name}.wgs_statistic": weighted.statistic,
            f"{name}.wgs_p": weighted.p,
            f"r{name}_2over1": relative.ratio,
            f"r{name}_2over1.lower": relative.interval.low,
            f"r{name}_2over1.upper": relative.interval.high,
            f"r{name}.z": relative.z,
            f"r{name}.p": relative.p,
        }
    for name, positive in (("pdlr", True), ("ndlr", False)):
        found = likelihood_ratio_comparison(tables, positive)
        got |= {
            f"{name}.ratio_1over2": found.ratio,
            f"{name}.ratio.lower": found.interval.low,
            f"{name}.ratio.upper": found.interval.high,
            f"{name}.z": found.z,
            f"{name}.p": found.p,
        }
    joint = joint_sensitivity_specificity(tables)
    case.check(got | {"se_sp_joint.chi2": joint.statistic, "se_sp_joint.p": joint.p})


def _swap(tables: PairedDiagnostic) -> PairedDiagnostic:
    def one(table: PairedTable) -> PairedTable:
        return PairedTable(table.both, table.second_only, table.first_only, table.neither)

    return PairedDiagnostic(one(tables.diseased), one(tables.non_diseased))


def _both_tests(tables, sick, well) -> dict[str, Any]:
    ppv, npv = predictive_values(tables), predictive_values(tables, positive=False)
    plus, minus = likelihood_ratio_comparison(tables), likelihood_ratio_comparison(tables, positive=False)
    hits = (sick.both + sick.first_only, sick.both + sick.second_only)
    rejected = (well.neither + well.second_only, well.neither + well.first_only)
    got: dict[str, Any] = {}
    for k in (0, 1):
        got |= {
            f"test{k + 1}.sensitivity": hits[k] / sick.n,
            f"test{k + 1}.specificity": rejected[k] / well.n,
            f"test{k + 1}.ppv": ppv[k],
            f"test{k + 1}.npv": npv[k],
            f"test{k + 1}.pdlr": (plus.first, plus.second)[k],
            f"test{k + 1}.ndlr": (minus.first, minus.second)[k],
        }
    return got


def test_published_intervals() -> None:
    independent = miettinen_nurminen(56, 70, 48, 80)
    assert (round(independent.low, 4), round(independent.high, 4)) == (0.0528, 0.3382)
    airway = tango(PairedTable(1, 1, 7, 12))
    assert (round(airway.low, 3), round(airway.high, 3)) == (-0.517, -0.026)


@given(st.integers(0, 12), st.integers(0, 12), st.integers(1, 12), st.integers(1, 12))
def test_score_intervals_contain_the_difference_and_mirror(a, b, n1, n2) -> None:
    x1, x2 = min(a, n1), min(b, n2)
    for method in (newcombe, miettinen_nurminen, mee):
        interval, mirrored = method(x1, n1, x2, n2), method(x2, n2, x1, n1)
        assert -1 <= interval.low <= x1 / n1 - x2 / n2 + 1e-12
        assert interval.high >= x1 / n1 - x2 / n2 - 1e-12
        assert interval.low == pytest.approx(-mirrored.high, abs=1e-8)


@given(st.tuples(*[st.integers(0, 9)] * 4).filter(lambda cells: sum(cells) > 0))
def test_paired_intervals_contain_the_difference_and_mirror(cells) -> None:
    table = PairedTable(*cells)
    mirror = PairedTable(cells[0], cells[2], cells[1], cells[3])
    for method in (tango, newcombe_paired):
        interval = method(table)
        assert interval.low - 1e-9 <= table.difference <= interval.high + 1e-9
        assert interval.low == pytest.approx(-method(mirror).high, abs=1e-7)


def test_farrington_manning_agrees_with_mee() -> None:
    interval = mee(90, 100, 85, 100, confidence=0.9)
    assert farrington_manning(90, 100, 85, 100, interval.low).p == pytest.approx(0.05, abs=1e-8)


def test_zero_cells_are_infinite_or_undefined_never_corrected() -> None:
    table = DiagnosticTable(tp=20, fp=0, fn=5, tn=40)
    ratio = positive_likelihood_ratio(table)
    assert ratio.value == math.inf
    assert ratio.interval.high == math.inf
    assert 1 < ratio.interval.low < 100
    assert isinstance(diagnostic_odds_ratio(table), Undefined)
    assert ppv_at_prevalence(table, 0.1).value == 1.0
    assert "adjusted" in ppv_at_prevalence(table, 0.1).interval.method
    assert isinstance(ppv_at_prevalence(DiagnosticTable(0, 0, 5, 5), 0.1), Undefined)
    assert isinstance(positive_likelihood_ratio(DiagnosticTable(1, 0, 1, 0)), Undefined)
    assert isinstance(mcnemar(PairedTable(3, 0, 0, 4)), Undefined)
    with pytest.raises(BadInput):
        newcombe(3, 2, 1, 2)
