"""Sample sizes against presize, pROC and enumeration in R."""

from __future__ import annotations

import math
from typing import Any

import pytest

from audit.records import BadInput, Undefined
from audit.statistics import sample_size as size
from audit.statistics.proportions import wilson
from audit.statistics.roc import auroc
from audit.statistics.roc_clustered import auroc_covariance


def test_auroc(reference) -> None:
    case = reference("09-samplesize-auroc")
    frame = case.table()
    scores = frame["ndka"], frame["wfns"]  # the variance under the null is that of the weaker marker
    covariance = auroc_covariance(scores, frame["y"])
    pilot = size.PairedAurocPilot(
        auroc(scores[0], frame["y"]),
        auroc(scores[1], frame["y"]),
        covariance[0, 0],
        covariance[1, 1],
        covariance[0, 1],
        int(frame["y"].sum()),
    )
    wanted = size.cases_for_auroc_power(0.73, 0.95, 1.7)
    got: dict[str, Any] = {
        "width_auc0.65_n500_prev0.1": size.auroc_width(0.65, 500, 0.1),
        "se_hanley_mcneil.auc0.85_40pos_160neg": size.hanley_mcneil_error(0.85, 40, 160),
        "se_hanley_mcneil.auc0.90_51pos_58neg": size.hanley_mcneil_error(0.90, 51, 58),
        "power.auc0.73_41cases_72controls": size.auroc_power(0.73, 41, 72),
        "ncases.auc0.73_power0.95_kappa1.7": wanted.positives,
        "ncontrols.auc0.73_power0.95_kappa1.7": wanted.negatives,
        "paired.power.wfns_vs_ndka_41_72": size.paired_auroc_power(pilot, 41),
        "paired.ncases.wfns_vs_ndka_power0.9": size.positives_for_paired_auroc(pilot, 0.9),
    }
    for label, area, prevalence, width in (
        ("auc0.85_prev0.2_width0.10", 0.85, 0.2, 0.10),
        ("auc0.80_prev0.5_width0.12", 0.80, 0.5, 0.12),
    ):
        found = size.cases_for_auroc_width(area, width, prevalence)
        got[f"n_total.{label}"] = found.positives + found.negatives
        got[f"n_total_ceiling.{label}"] = found.total
    case.check(got)


def test_sensitivity(reference) -> None:
    case = reference("09-samplesize-sensitivity")
    goal = size.exact_goal(150, 0.80, 0.90)
    wilson_n = size.cases_for_proportion_width(0.9, 0.1)
    buderer = size.buderer(0.9, 0.1)
    case.check(
        {
            "n_positive.wilson_width0.10_p0.90": wilson_n,
            "n_total.wilson_width0.10_p0.90_prev0.20": wilson_n / 0.2,
            "width.wilson_n100_p0.90": size.proportion_width(0.9, 100),
            "n.exact_width0.10_p0.90": size.cases_for_proportion_width(0.9, 0.1, "exact"),
            "n.agresti_coull_width0.10_p0.90": size.cases_for_proportion_width(0.9, 0.1, "agresti-coull"),
            "n.wald_width0.10_p0.90": size.cases_for_proportion_width(0.9, 0.1, "wald"),
            "width.wilson_n150_p0.90": size.proportion_width(0.9, 150),
            "width.exact_n150_p0.90": size.proportion_width(0.9, 150, "exact"),
            "buderer.n_diseased_se0.90_halfwidth0.10": math.ceil(buderer),
            "buderer.n_total_se0.90_halfwidth0.10_prev0.20": math.ceil(buderer / 0.2),
            "buderer.n_total_unrounded": buderer / 0.2,
            "exact_binomial.n150_p0_0.80_p1_0.90.critical": goal.critical,
            "exact_binomial.n150_p0_0.80_p1_0.90.power": goal.power,
            "connor.n_pairs_disc0.20_diff0.10_power0.80": size.connor(0.2, 0.1, 0.8),
            "exact_mcnemar_power.n155_p10_0.15_p01_0.05": size.exact_mcnemar_power(155, 0.15, 0.05),
        }
    )


def test_width_of_whole_counts_is_that_of_the_interval() -> None:
    interval = wilson(90, 100)
    assert size.proportion_width(0.9, 100) == pytest.approx(interval.high - interval.low)


def test_more_power_needs_more_cases() -> None:
    few, many = (size.cases_for_auroc_power(0.75, power, 2.0) for power in (0.8, 0.9))
    assert few.positives < many.positives
    assert size.auroc_power(0.75, many.positives, many.negatives) == pytest.approx(0.9)


def test_impossible_requests_are_refused() -> None:
    assert isinstance(size.exact_goal(5, 0.9, 0.99), Undefined)
    assert isinstance(
        size.positives_for_paired_auroc(size.PairedAurocPilot(0.8, 0.8, 0.01, 0.01, 0.0, 10), 0.8), Undefined
    )
    with pytest.raises(BadInput):
        size.connor(0.1, 0.2, 0.8)
    with pytest.raises(BadInput):
        size.cases_for_auroc_width(1.0, 0.1, 0.2)
