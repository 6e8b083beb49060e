"""Overall accuracy of predicted probabilities and the calibration line.

Sources: Brier, Mon Weather Rev 1950;78:1. Cox, Biometrika 1958;45:562. Spiegelhalter, Stat Med 1986;5:421. Van
Calster et al., BMC Med 2019;17:230.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.optimize import brentq
from scipy.special import expit, logit, xlog1py, xlogy
from statsmodels.genmod import families
from statsmodels.genmod.generalized_linear_model import GLM

from audit.records import BadInput, BoolArray, FloatArray, Interval, Undefined
from audit.statistics.checks import dense_codes, same_length, score_and_reference, t_quantile, two_sided_p
from audit.statistics.roc import missing_class

FEWEST_CLUSTERS_FOR_NORMAL = 30
LARGEST_RESIDUAL = 1e-7
UNSETTLED = Undefined("the recalibration model does not settle: hardly a score lies between the classes")


@dataclass(frozen=True, slots=True)
class Coefficient:
    """One coefficient of the recalibration model, its standard error and its Wald interval."""

    value: float
    standard_error: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class CalibrationLine:
    """Logistic regression of the outcome on logit(p): slope 1 and intercept 0 are ideal.

    ``p`` is the value of the two-df likelihood-ratio test ``chi2`` of both at once; it assumes independent cases.
    """

    intercept: Coefficient
    slope: Coefficient
    chi2: float
    p: float


def probabilities(probability: ArrayLike, positive: ArrayLike) -> tuple[FloatArray, BoolArray]:
    """Both vectors checked; a probability outside 0..1 raises ``BadInput``."""
    p, y = score_and_reference(probability, positive)
    if p.size and (p.min() < 0 or p.max() > 1):
        raise BadInput(
            f"calibration needs probabilities between 0 and 1, got {float(p.min()):g} to {float(p.max()):g}; "
            "declare the output as a score, or convert it to a probability."
        )
    return p, y


def brier(probability: ArrayLike, positive: ArrayLike) -> float | Undefined:
    """Mean squared difference between probability and outcome, 0 (best) to 1; undefined without cases."""
    p, y = probabilities(probability, positive)
    return float(np.square(p - y).mean()) if p.size else Undefined("no cases")


def scaled_brier(probability: ArrayLike, positive: ArrayLike) -> float | Undefined:
    """1 - Brier / (prevalence (1 - prevalence)): 1 perfect, 0 no better than the prevalence, negative worse.

    Undefined when a class is empty.
    """
    p, y = probabilities(probability, positive)
    missing = missing_class(y)
    if missing is not None:
        return missing
    events = float(y.sum())
    return float(scaled_brier_of(np.array([float(np.square(p - y).sum()), events, y.size - events])))


def scaled_brier_of(totals: FloatArray) -> FloatArray:
    """The scaled Brier score from (..., 3): sum of squared differences, positive cases, negative cases."""
    squares, positive, negative = totals[..., 0], totals[..., 1], totals[..., 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(1 - squares * (positive + negative) / (positive * negative))


def log_loss(probability: ArrayLike, positive: ArrayLike) -> float | Undefined:
    """Mean negative log-likelihood in nats; infinite when a certain prediction was wrong."""
    p, y = probabilities(probability, positive)
    return -float((xlogy(y, p) + xlog1py(~y, -p)).mean()) if p.size else Undefined("no cases")


def observed_over_expected(probability: ArrayLike, positive: ArrayLike) -> float | Undefined:
    """Events observed over events predicted; undefined when no event is predicted at all."""
    p, y = probabilities(probability, positive)
    return float(y.sum() / p.sum()) if p.sum() > 0 else Undefined("the predicted number of events is zero")


def spiegelhalter(probability: ArrayLike, positive: ArrayLike) -> tuple[float, float] | Undefined:
    """Spiegelhalter's z and two-sided p of perfect calibration; undefined when its variance is zero."""
    p, y = probabilities(probability, positive)
    variance = float((np.square(1 - 2 * p) * p * (1 - p)).sum())
    if variance <= 0:
        return Undefined("all predicted probabilities are 0, 1/2 or 1")
    z = float(((y - p) * (1 - 2 * p)).sum()) / math.sqrt(variance)
    return z, two_sided_p(z)


def calibration_line(
    probability: ArrayLike, positive: ArrayLike, patient: ArrayLike | None = None, confidence: float = 0.95
) -> CalibrationLine | Undefined:
    """Slope and joint intercept of the outcome on logit(p).

    With several cases per patient (``patient``: one label per case) the covariance is the cluster-robust sandwich,
    with Student's t below 30 patients. Undefined when a class is empty, a probability is exactly 0 or 1, the
    probabilities do not vary, or they separate the classes.
    """
    p, y = probabilities(probability, positive)
    problem = _not_estimable(p, y) or _separated(p, y)
    if problem is not None:
        return problem
    x = logit(p)
    model = GLM(y.astype(np.float64), np.column_stack([np.ones(p.size), x]), family=families.Binomial())
    fit, df = _fitted(model, patient, p.size)
    if not fit.settled:
        return UNSETTLED
    intercept, slope = (_coefficient(fit, index, df, confidence) for index in (0, 1))
    against = float((xlogy(y, p) + xlog1py(~y, -p)).sum())
    chi2 = max(2 * (float(fit.llf) - against), 0.0)
    return CalibrationLine(intercept, slope, chi2, float(stats.chi2.sf(chi2, 2)))


def calibration_in_the_large(
    probability: ArrayLike, positive: ArrayLike, patient: ArrayLike | None = None, confidence: float = 0.95
) -> Coefficient | Undefined:
    """Intercept of the outcome with logit(p) as offset: above 0 the risks are too low, below 0 too high.

    Standard error as in ``calibration_line``. Undefined when a class is empty or a probability is exactly 0 or 1.
    """
    p, y = probabilities(probability, positive)
    problem = _not_estimable(p, y)
    if problem is not None:
        return problem
    risk = logit(p)
    model = GLM(y.astype(np.float64), np.ones((p.size, 1)), family=families.Binomial(), offset=risk)
    fit, df = _fitted(model, patient, p.size, start=np.array([_shift(risk, float(y.mean()))]))
    return _coefficient(fit, 0, df, confidence) if fit.settled else UNSETTLED


def _shift(risk: FloatArray, share: float) -> float:
    """The shift of all logits at which their mean probability is ``share``: monotone, so always found."""
    level = float(logit(share))
    low, high = level - float(risk.max()), level - float(risk.min())
    return low if low == high else float(brentq(lambda a: float(expit(a + risk).mean()) - share, low, high, xtol=1e-14))


def _not_estimable(p: FloatArray, y: BoolArray) -> Undefined | None:
    missing = missing_class(y)
    if missing is not None:
        return missing
    certain = int(((p == 0) | (p == 1)).sum())
    return Undefined(f"{certain} predicted probabilities are exactly 0 or 1") if certain else None


def _separated(p: FloatArray, y: BoolArray) -> Undefined | None:
    if np.ptp(p) == 0:
        return Undefined("all predicted probabilities are equal")
    cases, controls = p[y], p[~y]
    if cases.min() >= controls.max() or cases.max() <= controls.min():
        return Undefined("the probabilities separate the classes completely, the slope is infinite")
    return None


@dataclass(frozen=True, slots=True)
class _Fit:
    params: FloatArray
    errors: FloatArray
    llf: float
    clustered: bool
    residual: float

    @property
    def settled(self) -> bool:
        """Whether the likelihood equations hold, with finite coefficients and standard errors above 0."""
        finite = np.isfinite(self.params).all() and np.isfinite(self.errors).all()
        return bool(finite and (self.errors > 0).all() and self.residual < LARGEST_RESIDUAL)


def _fitted(model: GLM, patient: ArrayLike | None, n_cases: int, start: FloatArray | None = None) -> tuple[_Fit, float]:
    codes = None if patient is None else dense_codes(patient)[0]
    if codes is not None:
        same_length(probability=np.empty(n_cases), patient=codes)
    patients = n_cases if codes is None else int(codes.max()) + 1
    independent = codes is None or patients == n_cases or patients < 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what does not converge is answered as undefined
        if independent:
            found, df, clustered = model.fit(start_params=start, tol=1e-12, maxiter=200), math.inf, False
        else:
            found = model.fit(start, tol=1e-12, maxiter=200, cov_type="cluster", cov_kwds={"groups": codes})
    if not independent:
        df, clustered = (patients - 1 if patients < FEWEST_CLUSTERS_FOR_NORMAL else math.inf), True
    residual = float(np.abs(model.exog.T @ (model.endog - found.mu)).max()) / n_cases
    return _Fit(np.asarray(found.params), np.asarray(found.bse), float(found.llf), clustered, residual), df


def _coefficient(fit: _Fit, index: int, df: float, confidence: float) -> Coefficient:
    value, error = float(fit.params[index]), float(fit.errors[index])
    half = t_quantile(confidence, df) * error
    name = "Wald, cluster-robust" if fit.clustered else "Wald"
    method = name + (f", t ({df:.0f} df)" if math.isfinite(df) else "")
    return Coefficient(value, error, Interval(value - half, value + half, method, confidence))
