"""The surrogate of the errors: ridge logistic regression, its exact Shapley values, its out-of-fold AUROC."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
import shap
from scipy.special import expit
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold

from audit.explanations.features import Encoded
from audit.records import BoolArray, FloatArray, IntArray

FOLDS = 5
MOST_STEPS, LONGEST_STEP = 50, 4.0


@dataclass(frozen=True, slots=True)
class Surrogate:
    """Log-odds of an error = intercept + design matrix times weights."""

    intercept: float
    weights: FloatArray


def fit_surrogate(matrix: FloatArray, wrong: BoolArray, weights: FloatArray) -> Surrogate:
    """Ridge logistic regression (penalty 1 on every weight, none on the intercept) with case weights.

    Newton's method; equal to scikit-learn's ``LogisticRegression(C=1)``. ``matrix`` (n, columns).
    """
    design = np.column_stack([np.ones(len(matrix)), matrix])
    penalty = np.diag([0.0, *[1.0] * matrix.shape[1]])
    beta = np.zeros(design.shape[1])
    for _ in range(MOST_STEPS):
        p = expit(design @ beta)
        slope = design.T @ (weights * (wrong - p)) - penalty @ beta
        curvature = design.T @ (design * (weights * p * (1 - p))[:, None]) + penalty
        step = np.linalg.solve(curvature, slope)
        beta += step / max(1.0, float(np.abs(step).max()) / LONGEST_STEP)
        if np.abs(step).max() < 1e-8:
            break
    return Surrogate(float(beta[0]), np.asarray(beta[1:]))


def reported_means(surrogate: Surrogate, encoded: Encoded, shown: IntArray, background: IntArray) -> FloatArray:
    """Mean absolute Shapley value of each feature for the error probability over the ``shown`` cases, by ``shap``."""
    parts = encoded.contributions(surrogate.weights)
    return _means(shap_values(surrogate.intercept, parts[shown], parts[background]))


def repeated_means(surrogate: Surrogate, encoded: Encoded, shown: IntArray, background: IntArray) -> FloatArray:
    """``reported_means`` by the closed sum over subsets, fast enough for every resample."""
    parts = encoded.contributions(surrogate.weights)
    return _means(shapley(surrogate.intercept, parts[shown], parts[background]))


def shap_values(intercept: float, parts: FloatArray, background: FloatArray) -> FloatArray:
    """Exact interventional Shapley values (n, features) of ``expit(intercept + sum of parts)`` by ``shap``.

    ``parts`` (n, features) and ``background`` (b, features) are additive contributions to the log-odds.
    """
    explainer = shap.KernelExplainer(lambda x: expit(intercept + x.sum(axis=1)), background)
    found = explainer.shap_values(parts, nsamples=2 ** parts.shape[1], l1_reg=False, silent=True)
    return np.asarray(found, dtype=np.float64)


def shapley(intercept: float, parts: FloatArray, background: FloatArray) -> FloatArray:
    """``shap_values`` by the definition: all subsets are summed, so the cost doubles with each feature."""
    count = parts.shape[1]
    subsets = [frozenset(s) for size in range(count + 1) for s in combinations(range(count), size)]
    worth = {subset: _worth(intercept, parts, background, subset) for subset in subsets}
    values = np.zeros_like(parts)
    for subset in subsets:
        for k in set(range(count)) - subset:
            values[:, k] += (worth[subset | {k}] - worth[subset]) / (count * comb(count - 1, len(subset)))
    return values


def _means(values: FloatArray) -> FloatArray:
    return np.asarray(np.abs(values).mean(axis=0), dtype=np.float64)


def _worth(intercept: float, parts: FloatArray, background: FloatArray, subset: frozenset[int]) -> FloatArray:
    inside = np.array([k in subset for k in range(parts.shape[1])])
    odds = intercept + parts[:, inside].sum(axis=1)[:, None] + background[:, ~inside].sum(axis=1)[None, :]
    return np.asarray(expit(odds).mean(axis=1), dtype=np.float64)


def fidelity(encoded: Encoded, wrong: BoolArray, patients: IntArray, seed: int) -> float | None:
    """AUROC of out-of-fold predictions of the errors; no patient stands in two folds. 0.5 explains nothing.

    None where one answer occurs only once. Without any relation the expected value lies slightly below 0.5.
    """
    number = min(FOLDS, int(wrong.sum()), int((~wrong).sum()))
    if number < 2:
        return None
    folds = StratifiedGroupKFold(number, shuffle=True, random_state=seed % 2**32)
    predicted = np.full(len(wrong), wrong.mean())
    for train, test in folds.split(encoded.matrix, wrong, patients):
        if wrong[train].any() and not wrong[train].all():
            model = fit_surrogate(encoded.matrix[train], wrong[train], np.ones(len(train)))
            predicted[test] = expit(model.intercept + encoded.matrix[test] @ model.weights)
    return float(roc_auc_score(wrong, predicted))


def auroc_error(auroc: float, positives: int, negatives: int) -> float:
    """Standard error of an AUROC. Source: Hanley and McNeil, Radiology 1982;143:29."""
    first, second = auroc / (2 - auroc), 2 * auroc**2 / (1 + auroc)
    spread = auroc * (1 - auroc) + (positives - 1) * (first - auroc**2) + (negatives - 1) * (second - auroc**2)
    return float(np.sqrt(spread / (positives * negatives)))
