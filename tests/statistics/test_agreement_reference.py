"""Agreement coefficients against irr, irrCAC, vcd, psych, epiR and krippendorff."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from audit.records import BadInput, Undefined
from audit.statistics.agreement_categorical import (
    cohen_kappa,
    gwet,
    krippendorff_two_raters,
    observed_agreement,
    scott_pi,
    two_by_two_indices,
)
from audit.statistics.agreement_continuous import (
    bland_altman,
    concordance,
    intraclass_correlation,
    mean_absolute_error,
    pearson,
    root_mean_square_error,
)
from audit.statistics.agreement_many import (
    conger_kappa,
    fleiss_kappa,
    gwet_ac1,
    krippendorff_alpha,
    light_kappa,
)
from audit.statistics.differences_paired import PairedTable, mcnemar

SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def test_multiple_sclerosis(reference) -> None:
    case = reference("08-kappa-ms-patients")
    got: dict[str, Any] = {}
    for city, table in case.inputs.items():
        got[f"{city}.n"] = int(np.sum(table))
        got[f"{city}.observed_agreement"] = observed_agreement(table)
        for weights, names in {
            "unweighted": ("cohen_kappa", "gwet_ac1", "scott_pi", "krippendorff_nominal"),
            "linear": ("weighted_kappa_linear", "gwet_ac2_linear", "scott_pi_linear", "krippendorff_linear"),
            "quadratic": (
                "weighted_kappa_quadratic",
                "gwet_ac2_quadratic",
                "scott_pi_quadratic",
                "krippendorff_quadratic",
            ),
        }.items():
            kappa, ac = cohen_kappa(table, weights), gwet(table, weights)
            key = f"{city}.{names[0]}"
            got |= {
                key: kappa.value,
                f"{key}.se": kappa.standard_error,
                f"{key}.ci_lower": kappa.interval.low,
                f"{key}.ci_upper": kappa.interval.high,
                f"{key}.z_null": kappa.z_null,
                f"{key}.p_null": kappa.p_null,
                f"{city}.{names[1]}": ac.value,
                f"{city}.{names[1]}.se": ac.standard_error,
                f"{city}.{names[2]}": scott_pi(table, weights),
                f"{city}.{names[3]}": krippendorff_two_raters(table, weights),
            }
    case.check(got)


def test_paradox(reference) -> None:
    case = reference("08-kappa-paradox")
    table = case.inputs["table"]
    indices, kappa, ac1 = two_by_two_indices(table), cohen_kappa(table), gwet(table)
    test = mcnemar(PairedTable(table[0][0], table[0][1], table[1][0], table[1][1]))
    case.check(
        {
            "observed_agreement": indices.observed,
            "expected_agreement": indices.expected,
            "kappa": kappa.value,
            "kappa.se": kappa.standard_error,
            "prevalence_index": indices.prevalence_index,
            "bias_index": indices.bias_index,
            "pabak": indices.pabak,
            "mcnemar_chi2": test.statistic,
            "mcnemar_p": test.p,
            "gwet_ac1": ac1.value,
            "gwet_ac1.se": ac1.standard_error,
        }
    )


def test_diagnoses(reference) -> None:
    case = reference("08-fleiss-diagnoses")
    ratings = case.table().to_numpy(dtype=str)
    fleiss, ac1 = fleiss_kappa(ratings), gwet_ac1(ratings)
    codes = np.unique(ratings, return_inverse=True)[1].reshape(ratings.shape)
    got = {
        "fleiss_kappa": fleiss.value,
        "fleiss_kappa.z": fleiss.z_null,
        "fleiss_kappa.se_gwet": fleiss.standard_error,
        "conger_exact_kappa": conger_kappa(ratings),
        "light_kappa": light_kappa(ratings),
        "gwet_ac1": ac1.value,
        "gwet_ac1.se": ac1.standard_error,
        "krippendorff_nominal": krippendorff_alpha(codes.T),
    }
    for label, (kappa, z) in fleiss.by_category.items():
        got |= {f"category.{label}.kappa": kappa, f"category.{label}.z": z}
    case.check(got)


def test_krippendorff_missing_ratings(reference) -> None:
    case = reference("08-krippendorff-c-data")
    ratings = np.array(case.inputs["observers_by_units"], dtype=float)
    levels = ("nominal", "ordinal", "interval", "ratio")
    case.check({f"alpha_{level}": krippendorff_alpha(ratings, level) for level in levels})


def _icc_values(ratings) -> dict[str, float]:
    got = {}
    for model in ("1", "2", "3"):
        for suffix, average in (("1", False), ("k", True)):
            found = intraclass_correlation(ratings, model, average, average_limits="irr")
            key = f"icc_{model}_{suffix}"
            got |= {key: found.value, f"{key}.ci_lower": found.interval.low, f"{key}.ci_upper": found.interval.high}
    return got


def test_shrout_fleiss(reference) -> None:
    case = reference("07-agreement-icc-shrout-fleiss")
    case.check(_icc_values(case.inputs["ratings_targets_by_judges"]))


def test_limits_of_the_averaged_agreement_form_as_in_psych() -> None:
    found = intraclass_correlation(SHROUT_FLEISS, "2", average=True)
    assert (round(found.interval.low, 3), round(found.interval.high, 3)) == (0.071, 0.927)
    single = intraclass_correlation(SHROUT_FLEISS, "2").interval
    assert found.interval.low == pytest.approx(4 * single.low / (1 + 3 * single.low))


def test_peak_flow(reference) -> None:
    case = reference("07-agreement-bland-altman-pefr")
    first, second = case.inputs["wright"], case.inputs["mini"]
    found, old = bland_altman(first, second), bland_altman(first, second, limits_error="1986")
    twice = bland_altman(first, second, multiplier=2.0)
    got = {
        "n": found.n,
        "bias": found.bias,
        "sd": found.sd,
        "loa_lower": found.lower,
        "loa_upper": found.upper,
        "bias.ci_lower": found.bias_interval.low,
        "bias.ci_upper": found.bias_interval.high,
        "proportional_bias_slope": found.proportional_slope,
        "proportional_bias_p": found.proportional_p,
        "lin_ccc": concordance(first, second),
        "rmse": root_mean_square_error(first, second),
        "mae": mean_absolute_error(first, second),
        "pearson": pearson(first, second),
        "repeatability_coefficient": found.repeatability,
        "within_sd": found.within_sd,
        "loa_2sd_lower": twice.lower,
        "loa_2sd_upper": twice.upper,
    }
    for side in ("lower", "upper"):
        for suffix, one in (("", found), ("_1986", old)):
            interval = getattr(one, f"{side}_interval")
            got |= {f"loa_{side}.ci_lower{suffix}": interval.low, f"loa_{side}.ci_upper{suffix}": interval.high}
    case.check(got | _icc_values(np.column_stack([first, second])))


def test_published_intraclass_correlations() -> None:
    published = {("1", False): 0.17, ("2", False): 0.29, ("3", False): 0.71, ("1", True): 0.44, ("3", True): 0.91}
    for (model, average), value in published.items():
        assert round(intraclass_correlation(SHROUT_FLEISS, model, average).value, 2) == value


@given(arrays(int, (3, 3), elements=st.integers(0, 20)).filter(lambda table: table.sum() > 0))
def test_kappa_is_symmetric_in_the_raters(table) -> None:
    for weights in ("unweighted", "quadratic"):
        first, second = cohen_kappa(table, weights), cohen_kappa(table.T, weights)
        if isinstance(first, Undefined):
            assert isinstance(second, Undefined)
        else:
            assert first.value == pytest.approx(second.value)
            assert first.value <= 1 + 1e-12


def test_perfect_agreement_and_one_category() -> None:
    assert cohen_kappa([[5, 0], [0, 7]]).value == 1
    assert isinstance(cohen_kappa([[9, 0], [0, 0]]), Undefined)
    assert isinstance(fleiss_kappa([["a", "a"], ["a", "a"]]), Undefined)
    assert fleiss_kappa([["a", "a"], ["b", "b"]]).value == 1
    assert isinstance(krippendorff_alpha([[1.0, np.nan], [np.nan, 2.0]]), Undefined)
    assert krippendorff_alpha([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]], "interval") == 1
    assert isinstance(intraclass_correlation([[1, 1], [1, 1]]), Undefined)
    assert isinstance(bland_altman([1, 2], [1, 2]), Undefined)
    with pytest.raises(BadInput):
        cohen_kappa([[1, 2, 3], [1, 2, 3]])
