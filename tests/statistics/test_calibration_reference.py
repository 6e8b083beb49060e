"""Calibration and net benefit against rms, ResourceSelection, R loess and dcurves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import expit, logit
from scipy.stats import norm

from audit.records import BadInput, Undefined
from audit.statistics.calibration import (
    brier,
    calibration_in_the_large,
    calibration_line,
    log_loss,
    observed_over_expected,
    scaled_brier,
    spiegelhalter,
)
from audit.statistics.calibration_curve import binned_error, hosmer_lemeshow, smooth_calibration
from audit.statistics.net_benefit import net_benefit
from audit.statistics.roc import auroc

THRESHOLDS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.5)


def _shared_values(p, y) -> dict[str, Any]:
    line, large = calibration_line(p, y), calibration_in_the_large(p, y)
    outside, inside = hosmer_lemeshow(p, y), hosmer_lemeshow(p, y, external=False)
    z, z_p = spiegelhalter(p, y)
    return {
        "n": len(y),
        "events": int(np.sum(y)),
        "brier": brier(p, y),
        "brier_scaled": scaled_brier(p, y),
        "observed_over_expected": observed_over_expected(p, y),
        "slope": line.slope.value,
        "slope.se": line.slope.standard_error,
        "calibration_in_the_large": large.value,
        "hosmer_lemeshow_g10.chi2": outside.chi2,
        "hosmer_lemeshow_g10.p_development": inside.p,
        "hosmer_lemeshow_g10.p_external_df10": outside.p,
        "spiegelhalter_z": z,
        "spiegelhalter_p": z_p,
        "lowess.ICI": smooth_calibration(p, y).ici,
        "lowess.E90": smooth_calibration(p, y).e90,
        "loess.ICI": smooth_calibration(p, y, "loess").ici,
        "ece_10_equal_width": binned_error(p, y).expected,
        "ece_10_quantile": binned_error(p, y, rule="quantile").expected,
    }


def test_in_sample(reference) -> None:
    case = reference("06-calibration-in-sample")
    frame = case.table()
    case.check(_shared_values(frame["cancerpredmarker"], frame["cancer"]))


def test_miscalibrated(reference) -> None:
    case = reference("06-calibration-miscalibrated")
    frame = case.table()
    p, y = frame["p_miscalibrated"].to_numpy(), frame["cancer"].to_numpy()
    line, large = calibration_line(p, y), calibration_in_the_large(p, y)
    rough, smooth = smooth_calibration(p, y), smooth_calibration(p, y, "loess")
    groups = hosmer_lemeshow(p, y, external=False)
    recalibrated = expit(line.intercept.value + line.slope.value * logit(p))
    got = _shared_values(p, y) | {
        "log_loss": log_loss(p, y),
        "auc": auroc(p, y),
        "slope.wald_lower": line.slope.interval.low,
        "slope.wald_upper": line.slope.interval.high,
        "intercept_joint": line.intercept.value,
        "calibration_in_the_large.se": large.standard_error,
        "calibration_in_the_large.wald_lower": large.interval.low,
        "calibration_in_the_large.wald_upper": large.interval.high,
        "unreliability_lr_chi2_2df": line.chi2,
        "unreliability_p": line.p,
        "hosmer_lemeshow_g10.df_development": groups.df,
        "hosmer_lemeshow_g10.observed_events": groups.observed,
        "hosmer_lemeshow_g10.expected_events": groups.expected,
        "loess.E50": smooth.e50,
        "loess.E90": smooth.e90,
        "loess.Emax": smooth.largest,
        "lowess.E50": rough.e50,
        "lowess.Emax": rough.largest,
        "loess_clipped01.ICI": np.abs(np.clip(smooth.smoothed, 0, 1) - p).mean(),
        "ici_logistic_recalibration": np.abs(recalibrated - p).mean(),
        "mce_10_equal_width": binned_error(p, y).maximum,
        "mce_10_quantile": binned_error(p, y, rule="quantile").maximum,
    }
    # R's glm takes its standard error one iteration before convergence; the limit follows from the score equation
    intercept = brentq(lambda a: float((y - expit(a + logit(p))).sum()), -2, 2, xtol=1e-14)
    fitted = expit(intercept + logit(p))
    exact = intercept - norm.ppf(0.975) / np.sqrt((fitted * (1 - fitted)).sum())
    case.check(got, corrected={"calibration_in_the_large.wald_lower": exact})
    assert exact == pytest.approx(case.expected["calibration_in_the_large.wald_lower"], abs=2e-6)


def test_decision_curve(reference) -> None:
    case = reference("06-decision-curve")
    frame, sample = case.table(), case.table("case_control")
    y = frame["cancer"]
    got: dict[str, Any] = {}
    for t in THRESHOLDS:
        model = net_benefit(frame["cancerpredmarker"], y, t)
        history = net_benefit(frame["famhistory"], y, t)
        outside = net_benefit(sample["cancerpredmarker"], sample["casecontrol"], t, prevalence=0.15)
        got |= {
            f"all.t{t}.net_benefit": model.treat_all,
            f"cancerpredmarker.t{t}.net_benefit": model.model,
            f"cancerpredmarker.t{t}.standardized_net_benefit": model.standardized,
            f"cancerpredmarker.t{t}.net_intervention_avoided": model.interventions_avoided,
            f"famhistory.t{t}.net_benefit": history.model,
            f"case_control_prev0.15.all.t{t}.net_benefit": outside.treat_all,
            f"case_control_prev0.15.cancerpredmarker.t{t}.net_benefit": outside.model,
        }
    got["package_test.cancerpredmarker.t0.25"] = got["cancerpredmarker.t0.25.net_benefit"]
    got["package_test.all.t0.25"] = got["all.t0.25.net_benefit"]
    case.check(got)


def _simulated() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(5)
    p = generator.uniform(0.05, 0.95, 200)
    return p, generator.random(200) < p


def test_duplicated_patients_leave_the_clustered_slope_error_unchanged() -> None:
    p, y = _simulated()
    patient = np.arange(200)
    single = calibration_line(p, y)
    once = calibration_line(np.repeat(p, 2), np.repeat(y, 2), np.repeat(patient, 2))
    thrice = calibration_line(np.repeat(p, 3), np.repeat(y, 3), np.repeat(patient, 3))
    assert once.slope.value == pytest.approx(single.slope.value)
    assert once.slope.standard_error == pytest.approx(thrice.slope.standard_error, rel=0.01)
    assert once.slope.standard_error == pytest.approx(single.slope.standard_error, rel=0.15)
    assert "cluster-robust" in once.slope.interval.method


def test_order_does_not_matter() -> None:
    p, y = _simulated()
    assert calibration_line(p, y).slope.value == pytest.approx(calibration_line(p[::-1], y[::-1]).slope.value)
    assert smooth_calibration(p, y).ici == pytest.approx(smooth_calibration(p[::-1], y[::-1]).ici)


def test_undefined_reasons() -> None:
    y = np.array([0, 1, 0, 1])
    assert "exactly 0 or 1" in calibration_line([0.1, 1.0, 0.2, 0.7], y).reason
    assert "separate" in calibration_line([0.1, 0.8, 0.2, 0.7], y).reason
    assert "equal" in calibration_line([0.5] * 4, y).reason
    assert "no negative" in scaled_brier([0.5, 0.6], [1, 1]).reason
    assert "distinct" in smooth_calibration([0.1, 0.8, 0.2, 0.7], y).reason
    assert isinstance(brier([], []), Undefined)
    assert isinstance(net_benefit([0.5], [1], 0.2), Undefined)
    with pytest.raises(BadInput, match="probabilities between 0 and 1"):
        brier([1.2, 0.3], [1, 0])
