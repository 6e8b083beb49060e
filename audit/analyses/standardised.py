"""Proportions of levels standardised to one case mix: a logistic model, averaged over everybody's covariates.

Sources: Robins, Math Modelling 1986;7:1393 (g-computation); Liang & Zeger, Biometrika 1986;73:13 (variance over
clusters); Localio et al., J Clin Epidemiol 2007;60:874.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from audit.records import BoolArray, FloatArray, IntArray, Undefined

ITERATIONS = 50
LARGEST_COEFFICIENT = 15.0
CONVERGED = 1e-9


@dataclass(frozen=True, slots=True)
class Standardised:
    """Standardised proportion per level and their covariance over patients."""

    values: FloatArray
    covariance: FloatArray


def standardise(
    correct: BoolArray, level: IntArray, covariates: FloatArray, patient: IntArray, n_levels: int
) -> Standardised | Undefined:
    """g-computation: each level's mean probability if all cases had been of that level.

    ``covariates`` (cases, c) without an intercept. The covariance is the clustered sandwich of the stacked equations,
    covariates counted as sampled. Undefined when the model does not determine its coefficients (separation, collinear
    covariates).
    """
    design = np.column_stack([np.eye(n_levels)[level], covariates])
    beta = fit_logistic(design, correct.astype(np.float64))
    if isinstance(beta, Undefined):
        return beta
    fitted = expit(design @ beta)
    information = (design * (fitted * (1 - fitted))[:, None]).T @ design
    scores = design * (correct - fitted)[:, None]
    moved = np.linalg.solve(information, scores.T).T
    values, influence = np.empty(n_levels), np.empty((level.size, n_levels))
    for k in range(n_levels):
        other = design.copy()
        other[:, :n_levels] = np.eye(n_levels)[k]
        predicted = expit(other @ beta)
        values[k] = predicted.mean()
        slope = (other * (predicted * (1 - predicted))[:, None]).mean(axis=0)
        influence[:, k] = (predicted - values[k]) / level.size + moved @ slope
    sums = _within_patients(influence, patient)
    return Standardised(values, len(sums) / (len(sums) - 1) * sums.T @ sums)


def fit_logistic(design: FloatArray, y: FloatArray) -> FloatArray | Undefined:
    """Maximum-likelihood coefficients by Newton's method; undefined under separation or collinearity."""
    beta = np.zeros(design.shape[1])
    separated = Undefined("the logistic model has no finite estimate (separation: a group is all right or all wrong)")
    for _ in range(ITERATIONS):
        fitted = expit(design @ beta)
        weight = fitted * (1 - fitted)
        information = (design * weight[:, None]).T @ design
        if np.linalg.cond(information) > 1e12:
            return separated if np.abs(beta).max() > 5 else Undefined("the covariates are collinear with the levels")
        step = np.linalg.solve(information, design.T @ (y - fitted))
        beta = beta + step
        if np.abs(beta).max() > LARGEST_COEFFICIENT:
            return separated
        if np.abs(step).max() < CONVERGED:
            return beta
    return separated


def _within_patients(values: FloatArray, patient: IntArray) -> FloatArray:
    codes = np.unique(patient, return_inverse=True)[1]
    return np.column_stack([np.bincount(codes, column) for column in values.T])
