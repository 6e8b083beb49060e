"""Adjustments, simultaneous contrasts and group gaps against R multcomp, multtest, mvtnorm and fairlearn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.records import BadInput, Undefined
from audit.statistics.group_gaps import (
    GroupGaps,
    equalized_odds_difference,
    equalized_odds_ratio,
    group_gaps,
)
from audit.statistics.multiplicity import adjust, simultaneous, versus_mean, versus_one, versus_rest
from audit.statistics.multiplicity_resampling import bootstrap_max, exact_max_t
from audit.statistics.proportions import proportion
from audit.statistics.strata import homogeneity_of_proportions

METHODS = ("bonferroni", "holm", "hochberg", "hommel", "bh", "by")


def test_adjusted_p_values(reference) -> None:
    case = reference("10-multiplicity-padjust")
    got: dict[str, Any] = {}
    for method in METHODS:
        adjusted = adjust(case.inputs["p"], method)
        got[f"adjusted.{method}"] = adjusted
        got[f"rejected_at_0.05.{method}"] = int((adjusted <= 0.05).sum())
    for method in ("bonferroni", "bh"):
        got[f"published.rejected_{method}"] = got[f"rejected_at_0.05.{method}"]
    case.check(got)


def test_exact_step_down(reference) -> None:
    case = reference("10-multiplicity-maxT-exact")
    found = exact_max_t(case.inputs["endpoints_by_subject"], case.inputs["group"])
    case.check({"t_welch_abs": found.statistics, "raw_p": found.raw_p, "maxT_step_down_p": found.adjusted_p})


def test_dunnett(reference) -> None:
    case = reference("10-multiplicity-dunnett-anova")
    breaks, tension = np.array(case.inputs["breaks"], dtype=float), np.array(case.inputs["tension"])
    groups = [breaks[tension == level] for level in ("L", "M", "H")]
    df = breaks.size - 3
    pooled = sum(float(np.square(group - group.mean()).sum()) for group in groups) / df
    means, variances = [group.mean() for group in groups], [pooled / group.size for group in groups]
    found = simultaneous(means, np.diag(variances), versus_one(3, 0), seed=1, df=df)
    case.check(
        {
            "estimate": found.estimates,
            "t": found.statistics,
            "adjusted_p": found.adjusted_p,
            "critical_value": found.critical,
            "ci_lower": [interval.low for interval in found.intervals],
            "ci_upper": [interval.high for interval in found.intervals],
        }
    )


def test_six_sites(reference) -> None:
    case = reference("10-multiplicity-sites-maxz")
    x, n = np.array(case.inputs["detected"]), np.array(case.inputs["positives"])
    p = x / n
    covariance = np.diag(p * (1 - p) / n)
    first = simultaneous(p, covariance, versus_one(6, 0), seed=1)
    average = simultaneous(p, covariance, versus_mean(6), seed=1)
    chi2 = homogeneity_of_proportions(x, n)
    got: dict[str, Any] = {
        "sensitivity": p,
        "difference_vs_first": first.estimates,
        "se": first.standard_errors,
        "z": first.statistics,
        "raw_p": first.raw_p,
        "single_step_max_z_p": first.adjusted_p,
        "bonferroni_p": adjust(first.raw_p, "bonferroni"),
        "holm_p": adjust(first.raw_p, "holm"),
        "simultaneous_lower": [interval.low for interval in first.intervals],
        "simultaneous_upper": [interval.high for interval in first.intervals],
        "difference_vs_unweighted_mean": average.estimates,
        "z_vs_unweighted_mean": average.statistics,
        "single_step_max_z_p_vs_unweighted_mean": average.adjusted_p,
        "critical_value_two_sided_0.05": first.critical,
        "chi2_homogeneity": chi2.statistic,
        "chi2_homogeneity_p": chi2.p,
    }
    for name, studentised in (("fixed_se", False), ("studentised", True)):
        found = bootstrap_max(x, n, versus_one(6, 0), 60_000, seed=2, studentised=studentised)
        got[f"bootstrap_maxT_{name}_p"] = found.adjusted_p
        got[f"bootstrap_maxT_{name}_critical"] = found.critical
    case.check(got)


METRICS = {
    "accuracy": lambda tp, fn, fp, tn: proportion(tp + tn, tp + fn + fp + tn),
    "sensitivity": lambda tp, fn, fp, tn: proportion(tp, tp + fn),
    "specificity": lambda tp, fn, fp, tn: proportion(tn, fp + tn),
    "fpr": lambda tp, fn, fp, tn: proportion(fp, fp + tn),
    "fnr": lambda tp, fn, fp, tn: proportion(fn, tp + fn),
    "selection_rate": lambda tp, fn, fp, tn: proportion(tp + fp, tp + fn + fp + tn),
    "precision": lambda tp, fn, fp, tn: proportion(tp, tp + fp),
}


def _gaps(cells: dict[str, np.ndarray]) -> tuple[dict[str, GroupGaps], dict[str, Any]]:
    overall = sum(cells.values())
    gaps, found = {}, {}
    for name, metric in METRICS.items():
        by_group = {group: metric(*map(int, counts)) for group, counts in cells.items()}
        whole = metric(*map(int, overall))
        gap = group_gaps(by_group, whole)
        gaps[name] = gap
        found |= {f"{group}.{name}": value for group, value in by_group.items()}
        found |= {
            f"overall.{name}": whole,
            f"difference_between_groups.{name}": gap.difference_between,
            f"difference_to_overall.{name}": gap.difference_to_overall,
            f"ratio_between_groups.{name}": gap.ratio_between,
            f"ratio_to_overall.{name}": gap.ratio_to_overall,
            f"group_min.{name}": gap.smallest,
            f"group_max.{name}": gap.largest,
        }
    return gaps, found


def test_intersection(reference) -> None:
    case = reference("10-fairness-intersection")
    counts = {name: np.array(cells) for name, cells in case.inputs["counts_tp_fn_fp_tn"].items()}
    got: dict[str, Any] = {}
    for label, part in (("sex_x_age", slice(None)), ("sex", 0), ("age", 1)):
        cells: dict[str, np.ndarray] = {}
        for name, values in counts.items():
            group = name if label == "sex_x_age" else name.split("|")[part]
            cells[group] = cells.get(group, np.zeros(4, dtype=int)) + values
        gaps, found = _gaps(cells)
        found |= {f"{group}.n": int(values.sum()) for group, values in cells.items()}
        rates = gaps["sensitivity"], gaps["fpr"]
        found |= {
            "demographic_parity_difference": gaps["selection_rate"].difference_between,
            "demographic_parity_ratio": gaps["selection_rate"].ratio_between,
            "equalized_odds_difference": equalized_odds_difference(*rates),
            "equalized_odds_difference_mean": equalized_odds_difference(*rates, mean=True),
            "equalized_odds_ratio": equalized_odds_ratio(*rates),
            "equal_opportunity_difference": gaps["sensitivity"].difference_between,
            "equal_opportunity_ratio": gaps["sensitivity"].ratio_between,
        }
        got |= {f"{label}.{key}": value for key, value in found.items() if f"{label}.{key}" in case.expected}
    case.check(got)


def test_a_group_without_positives_is_left_out_not_zero() -> None:
    gaps = group_gaps({"a": 0.9, "b": 0.8, "c": Undefined("no positive cases")}, 0.85)
    assert gaps.difference_between == pytest.approx(0.1)
    assert gaps.undefined_groups == ("c",)
    assert isinstance(group_gaps({"a": 0.9, "b": Undefined("no positive cases")}, 0.9), Undefined)
    zero = group_gaps({"a": 0.0, "b": 0.0}, 0.0)
    assert isinstance(zero.ratio_between, Undefined)
    assert isinstance(zero.ratio_to_overall, Undefined)


def test_benjamini_hochberg_1995() -> None:
    p = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.324,
        0.4262,
        0.5719,
        0.6528,
        0.759,
        1,
    ]
    assert (adjust(p, "bh") <= 0.05).sum() == 4
    assert (adjust(p, "bonferroni") <= 0.05).sum() == 3


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.randoms())
def test_adjustment_is_monotone_order_free_and_ordered(p, random) -> None:
    shuffled = random.sample(range(len(p)), len(p))
    for method in METHODS:
        adjusted = adjust(p, method)
        assert (adjusted >= np.array(p) - 1e-9).all()
        np.testing.assert_allclose(adjust([p[i] for i in shuffled], method), adjusted[shuffled])
    assert (adjust(p, "holm") <= adjust(p, "bonferroni") + 1e-12).all()
    assert (adjust(p, "hommel") <= adjust(p, "hochberg") + 1e-12).all()


def test_simultaneous_reduces_to_one_contrast_and_to_sidak() -> None:
    one = simultaneous([0.8, 0.7], np.diag([0.01, 0.01]), versus_one(2, 0), seed=0)
    assert one.adjusted_p[0] == pytest.approx(one.raw_p[0], abs=1e-6)
    assert one.critical == pytest.approx(1.959964, abs=1e-5)
    independent = simultaneous([1.0, 2.0], np.eye(2), np.eye(2), seed=0)
    assert independent.adjusted_p == pytest.approx(1 - (1 - independent.raw_p) ** 2, abs=5e-4)
    assert isinstance(simultaneous([1.0, 1.0], np.zeros((2, 2)), versus_one(2, 0), seed=0), Undefined)


def test_contrasts_sum_to_zero() -> None:
    for matrix in (versus_one(4, 2), versus_mean(4), versus_rest([5, 10, 20, 40])):
        np.testing.assert_allclose(matrix.sum(axis=1), 0, atol=1e-12)
    assert versus_rest([1, 3, 1])[0].tolist() == [1.0, -0.75, -0.25]


def test_refusals() -> None:
    with pytest.raises(BadInput):
        adjust([1.2], "holm")
    with pytest.raises(BadInput, match="unknown adjustment"):
        adjust([0.2], "tukey")
    with pytest.raises(BadInput, match="too many"):
        exact_max_t(np.random.default_rng(0).normal(size=(1, 40)), [0, 1] * 20)
    assert isinstance(exact_max_t([[1.0, 2, 3]], [0, 0, 1]), Undefined)
    assert isinstance(bootstrap_max([5, 5], [5, 5], versus_one(2, 0), 10, seed=0), Undefined)
    assert math.isfinite(bootstrap_max([4, 5], [5, 5], versus_one(2, 0), 50, seed=0, studentised=True).adjusted_p[0])
