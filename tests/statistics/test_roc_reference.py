"""AUROC, its comparisons and its partial areas against pROC, clinfun, asht and fastAUC."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np

from audit.records import Undefined
from audit.statistics.resampling import auroc_replicates, patient_counts, percentile_interval
from audit.statistics.roc import (
    auroc,
    auroc_interval,
    delong,
    fay_malinovsky,
    logit_interval,
    newcombe5,
    wald_interval,
)
from audit.statistics.roc_clustered import (
    auroc_covariance,
    clustered_auroc,
    independent_auroc_difference,
    jackknife_auroc_variance,
    overall_auroc_test,
    paired_auroc_difference,
)
from audit.statistics.roc_partial import (
    mcclish,
    partial_area,
    roc_curve,
    sensitivity_at_specificity,
    specificity_at_sensitivity,
)

REGIONS = {
    "spec_90_100": (0.9, 1.0, "specificity"),
    "sens_90_100": (0.9, 1.0, "sensitivity"),
    "spec_80_90": (0.8, 0.9, "specificity"),
}


def test_asah_delong(reference) -> None:
    case = reference("01-auroc-asah-delong")
    frame = case.table()
    y = frame["y"].to_numpy()
    got: dict[str, Any] = {}
    for name in case.inputs["scores"]:
        placements = delong(frame[name], y)
        value, variance = placements.auroc, placements.variance
        wald, logit = wald_interval(value, variance), auroc_interval(frame[name], y)
        got |= {
            f"{name}.auc": value,
            f"{name}.var_delong": variance,
            f"{name}.se_delong": math.sqrt(variance),
            f"{name}.ci95_lower": wald.low,
            f"{name}.ci95_upper": wald.high,
            f"{name}.ci95_logit_lower": logit.low,
            f"{name}.ci95_logit_upper": logit.high,
        }
    for a, b in [("wfns", "s100b"), ("wfns", "ndka"), ("s100b", "ndka")]:
        found = paired_auroc_difference(frame[a], frame[b], y)
        got |= {
            f"{a}_vs_{b}.diff": found.value,
            f"{a}_vs_{b}.z": found.statistic,
            f"{a}_vs_{b}.p": found.p,
            f"{a}_vs_{b}.se_diff": found.standard_error,
            f"{a}_vs_{b}.ci_lower": found.interval.low,
            f"{a}_vs_{b}.ci_upper": found.interval.high,
            f"{a}_vs_{b}.cov": found.covariance,
        }
    overall = overall_auroc_test(tuple(frame[name] for name in case.inputs["scores"]), y)
    got |= {
        "overall_3_markers.chi2": overall.chi2,
        "overall_3_markers.df": overall.df,
        "overall_3_markers.p": overall.p,
    }
    case.check(got)


def test_asah_partial(reference) -> None:
    case = reference("01-auroc-asah-partial")
    frame = case.table()
    y = frame["y"].to_numpy()
    got: dict[str, Any] = {}
    for name in case.inputs["scores"]:
        curve = roc_curve(frame[name], y)
        for region, (low, high, focus) in REGIONS.items():
            area = partial_area(curve, low, high, focus)
            got[f"{name}.pauc.{region}.raw"] = area
            got[f"{name}.pauc.{region}.mcclish"] = mcclish(area, low, high)
        for level in (80, 90, 95):
            got[f"{name}.sens_at_spec{level}.interpolated"] = sensitivity_at_specificity(curve, level / 100)
            got[f"{name}.spec_at_sens{level}.interpolated"] = specificity_at_sensitivity(curve, level / 100)
            got[f"{name}.sens_at_spec{level}.attained"] = sensitivity_at_specificity(curve, level / 100, False)
    got |= _partial_bootstrap(frame, y)
    case.check(got)


def _partial_bootstrap(frame, y) -> dict[str, float]:
    counts = patient_counts(len(y), 3000, seed=20, strata=y)
    names = ("s100b", "wfns")
    replicates = {name: {"pauc.spec_90_100": [], "auc": []} for name in names}
    for name in names:
        score = frame[name].to_numpy()
        replicates[name] |= {f"sens_at_spec{level}": [] for level in (80, 90, 95)}
        for row in counts:
            curve = roc_curve(score, y, weights=row)
            for level in (80, 90, 95):
                found = sensitivity_at_specificity(curve, level / 100)
                replicates[name][f"sens_at_spec{level}"].append(found)
            replicates[name]["pauc.spec_90_100"].append(partial_area(curve, 0.9, 1.0))
        replicates[name]["auc"] = auroc_replicates(counts, np.arange(len(y)), score, y)
    got: dict[str, float] = {}
    for name in names:
        for quantity in ("sens_at_spec80", "sens_at_spec90", "sens_at_spec95", "pauc.spec_90_100"):
            interval = percentile_interval(replicates[name][quantity])
            got[f"{name}.{quantity}.boot95_lower"] = interval.low
            got[f"{name}.{quantity}.boot95_upper"] = interval.high
    curves = {name: roc_curve(frame[name], y) for name in names}
    areas = {name: partial_area(curves[name], 0.9, 1.0) for name in names}
    for label, quantity, point in (
        ("pauc.spec_90_100", "pauc.spec_90_100", areas["wfns"] - areas["s100b"]),
        ("auc", "auc", auroc(frame["wfns"], y) - auroc(frame["s100b"], y)),
    ):
        spread = np.subtract(replicates["wfns"][quantity], replicates["s100b"][quantity]).std(ddof=1)
        got[f"{label}.wfns_minus_s100b.boot_z"] = point / spread
    return got


def test_asah_subgroups(reference) -> None:
    case = reference("01-auroc-asah-subgroups")
    frame = case.table()
    groups = {name: frame[frame["gender"].str.lower() == name] for name in ("male", "female")}
    placements = {name: delong(rows["s100b"], rows["y"]) for name, rows in groups.items()}
    got: dict[str, Any] = {}
    for name, found in placements.items():
        wald = wald_interval(found.auroc, found.variance)
        got |= {
            f"n_{name}": len(groups[name]),
            f"{name}.auc": found.auroc,
            f"{name}.se_delong": math.sqrt(found.variance),
            f"{name}.ci95_lower": wald.low,
            f"{name}.ci95_upper": wald.high,
        }
    normal = independent_auroc_difference(placements["male"], placements["female"])
    welch = independent_auroc_difference(placements["male"], placements["female"], welch=True)
    got |= {
        "diff": normal.value,
        "se_diff": normal.standard_error,
        "statistic": normal.statistic,
        "df_welch": welch.df,
        "p_t": welch.p,
        "p_normal": normal.p,
        "ci95_normal_lower": normal.interval.low,
        "ci95_normal_upper": normal.interval.high,
    }
    case.check(got)


def test_edge_cases(reference) -> None:
    case = reference("01-auroc-edge")
    rows = {name: (data["score"], data["y"]) for name, data in case.inputs.items()}
    found = {name: delong(*data) for name, data in rows.items()}
    two = found["two_positives"]
    wald, logit = wald_interval(two.auroc, two.variance), logit_interval(two.auroc, two.variance)
    small, large = newcombe5(1.0, 4, 6), newcombe5(1.0, 10, 90)
    got = {
        "perfect.auc": auroc(*rows["perfect"]),
        "perfect.var_delong": found["perfect"].variance,
        "perfect.delong_degenerate": found["perfect"].variance == 0,
        "perfect.newcombe5_lower": small.low,
        "perfect.newcombe5_upper": small.high,
        "perfect.fay_malinovsky_lower": fay_malinovsky(*rows["perfect"]).low,
        "perfect.fay_malinovsky_upper": fay_malinovsky(*rows["perfect"]).high,
        "perfect100.newcombe5_lower": large.low,
        "perfect100.fay_malinovsky_lower": fay_malinovsky(*rows["perfect100"]).low,
        "constant.auc": auroc(*rows["constant"]),
        "constant.var_delong": found["constant"].variance,
        "constant.delong_degenerate": found["constant"].variance == 0,
        "one_positive.auc": auroc(*rows["one_positive"]),
        "one_positive.var_delong": found["one_positive"].variance,
        "reversed.auc": auroc(*rows["reversed"]),
        "single_class.auc": auroc(*rows["single_class"]),
        "two_positives.auc": two.auroc,
        "two_positives.var_delong": two.variance,
        "two_positives.ci95_lower": wald.low,
        "two_positives.ci95_upper": wald.high,
        "two_positives.ci95_logit_lower": logit.low,
        "two_positives.ci95_logit_upper": logit.high,
    }
    case.check(got)
    assert "Newcombe" in auroc_interval(*rows["perfect100"]).method
    assert isinstance(auroc_interval(*rows["single_class"]), Undefined)


def test_clustered(reference) -> None:
    case = reference("05-clustered-roc")
    frame = case.table()
    y, patient = frame["y"].to_numpy(), frame["patient"].to_numpy()
    a, b = frame["score_a"].to_numpy(), frame["score_b"].to_numpy()
    first = clustered_auroc(a, y, patient, method="wald")
    second = clustered_auroc(b, y, patient)
    difference = paired_auroc_difference(a, b, y, patient)
    naive = delong(a, y).variance
    both = set(patient[y == 1]) & set(patient[y == 0])
    got = {
        "n": len(frame),
        "clusters": first.n_patients,
        "positives": int(y.sum()),
        "clusters_with_positive": first.patients_with_positive,
        "clusters_with_negative": first.patients_with_negative,
        "clusters_with_both": len(both),
        "auc_a": first.value,
        "auc_a.var_obuchowski": first.variance,
        "auc_a.se": math.sqrt(first.variance),
        "auc_a.ci_lower": first.interval.low,
        "auc_a.ci_upper": first.interval.high,
        "auc_b": second.value,
        "auc_b.var_obuchowski": second.variance,
        "cov_ab_obuchowski": auroc_covariance((a, b), y, patient)[0, 1],
        "diff_a_minus_b": difference.value,
        "diff.se": difference.standard_error,
        "diff.z": difference.statistic,
        "diff.p": difference.p,
        "auc_a.var_infinitesimal_jackknife_cluster": jackknife_auroc_variance(a, y, patient),
        "auc_a.var_naive_delong": naive,
        "auc_b.var_naive_delong": delong(b, y).variance,
        "auc_a.design_effect": first.variance / naive,
    }
    codes = np.unique(patient, return_inverse=True)[1]
    counts = patient_counts(first.n_patients, 10_000, seed=7)
    ra, rb = (auroc_replicates(counts, codes, score, y) for score in (a, b))
    for name, replicates in (("auc_a", ra), ("diff", ra - rb)):
        interval = percentile_interval(replicates)
        got[f"{name}.cluster_bootstrap_se"] = replicates.std(ddof=1)
        got[f"{name}.cluster_bootstrap_ci_lower"] = interval.low
        got[f"{name}.cluster_bootstrap_ci_upper"] = interval.high
    case.check(got)


def test_covariances_of_all_pairs_agree_with_the_pairwise_test(reference) -> None:
    frame = reference("01-auroc-asah-delong").table()
    scores = tuple(frame[name] for name in ("s100b", "ndka", "wfns"))
    matrix = auroc_covariance(scores, frame["y"])
    for i, j in combinations(range(3), 2):
        paired = paired_auroc_difference(scores[i], scores[j], frame["y"])
        assert math.isclose(matrix[i, j], paired.covariance, rel_tol=1e-12)
