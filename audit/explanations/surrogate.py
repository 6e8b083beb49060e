"""Surrogates of errors and scores: ridge regression and its Shapley values.

Errors: logistic, values in probability. Score: linear, values in the score's own unit. Source: Lundberg and Lee,
NeurIPS 2017 (interventional Shapley values); Strumbelj and Kononenko, Knowl Inf Syst 2014;41:647 (sampling of orders).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Literal

import numpy as np
from scipy.special import expit

from audit.explanations.features import Encoded
from audit.records import FloatArray, IntArray

MOST_STEPS, LONGEST_STEP = 50, 4.0
MOST_EXACT, ORDERS, ORDERS_REPEATED = 8, 64, 8
ORDER_SEED = 1
Link = Literal["logit", "identity"]


@dataclass(frozen=True, slots=True)
class Surrogate:
    """Predictor = intercept + design matrix times weights; ``link`` says how it becomes the prediction."""

    intercept: float
    weights: FloatArray
    link: Link = "logit"

    def predict(self, matrix: FloatArray) -> FloatArray:
        """Probability of an error, or score, of each row."""
        return self.respond(self.intercept + matrix @ self.weights)

    def respond(self, predictor: FloatArray) -> FloatArray:
        """From the linear predictor to the prediction."""
        return np.asarray(expit(predictor) if self.link == "logit" else predictor)


def fit_surrogate(matrix: FloatArray, answer: FloatArray, weights: FloatArray, link: Link = "logit") -> Surrogate:
    """Ridge regression (penalty 1 on every weight, none on the intercept) with case weights.

    Equal to scikit-learn's ``LogisticRegression(C=1)`` (Newton's method) and ``Ridge(alpha=1)``. ``matrix`` (n,
    columns), ``answer`` (n,) 0 or 1, or the score.
    """
    design = np.column_stack([np.ones(len(matrix)), matrix])
    penalty = np.diag([0.0, *[1.0] * matrix.shape[1]])
    beta = (
        _linear(design, answer, weights, penalty) if link == "identity" else _logistic(design, answer, weights, penalty)
    )
    return Surrogate(float(beta[0]), np.asarray(beta[1:]), link)


def _linear(design: FloatArray, answer: FloatArray, weights: FloatArray, penalty: FloatArray) -> FloatArray:
    weighted = design * weights[:, None]
    return np.asarray(np.linalg.solve(design.T @ weighted + penalty, weighted.T @ answer))


def _logistic(design: FloatArray, answer: FloatArray, weights: FloatArray, penalty: FloatArray) -> FloatArray:
    beta = np.zeros(design.shape[1])
    for _ in range(MOST_STEPS):
        p = expit(design @ beta)
        slope = design.T @ (weights * (answer - p)) - penalty @ beta
        curvature = design.T @ (design * (weights * p * (1 - p))[:, None]) + penalty
        step = np.linalg.solve(curvature, slope)
        beta += step / max(1.0, float(np.abs(step).max()) / LONGEST_STEP)
        if np.abs(step).max() < 1e-8:
            break
    return beta


def reported_means(surrogate: Surrogate, encoded: Encoded, shown: IntArray, background: IntArray) -> FloatArray:
    """Mean absolute Shapley value of each feature for the prediction over the ``shown`` cases.

    Up to 8 features by ``shap`` over all subsets; beyond that over 64 orders of the features and their reverses.
    """
    parts = encoded.contributions(surrogate.weights)
    if surrogate.link == "logit" and parts.shape[1] <= MOST_EXACT:
        return _means(shap_values(surrogate.intercept, parts[shown], parts[background]))
    return _means(_values(surrogate, parts[shown], parts[background], ORDERS))


def repeated_means(surrogate: Surrogate, encoded: Encoded, shown: IntArray, background: IntArray) -> FloatArray:
    """``reported_means`` by closed sums, or over fewer orders, fast enough for every resample."""
    parts = encoded.contributions(surrogate.weights)
    return _means(_values(surrogate, parts[shown], parts[background], ORDERS_REPEATED))


def _values(surrogate: Surrogate, parts: FloatArray, background: FloatArray, orders: int) -> FloatArray:
    if surrogate.link == "identity":
        return np.asarray(parts - background.mean(axis=0))  # of a linear model the subsets all give the same
    if parts.shape[1] <= MOST_EXACT:
        return shapley(surrogate.intercept, parts, background)
    return sampled_shapley(surrogate.intercept, parts, background, orders)


def shap_values(intercept: float, parts: FloatArray, background: FloatArray) -> FloatArray:
    """Exact interventional Shapley values (n, features) of ``expit(intercept + sum of parts)`` by ``shap``.

    ``parts`` (n, features) and ``background`` (b, features) are additive contributions to the log-odds.
    """
    import shap  # brings torch and drawing libraries along, which the tables and the documents do without

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


def sampled_shapley(intercept: float, parts: FloatArray, background: FloatArray, orders: int) -> FloatArray:
    """``shap_values`` as a mean over ``orders`` orders of the features, each also taken backwards.

    Every order adds up exactly, so the mean does; the orders follow from the number of features alone.
    """
    count = parts.shape[1]
    generator = np.random.default_rng([ORDER_SEED, count])
    values = np.zeros_like(parts)
    step = parts[:, None, :] - background[None, :, :]
    start = intercept + background.sum(axis=1)
    for _ in range(orders):
        order = generator.permutation(count)
        for direction in (order, order[::-1]):
            odds = np.broadcast_to(start, step.shape[:2])
            before = expit(odds)
            for k in direction:
                odds = odds + step[:, :, k]
                after = expit(odds)
                values[:, k] += (after - before).mean(axis=1)
                before = after
    return np.asarray(values / (2 * orders))


def _means(values: FloatArray) -> FloatArray:
    return np.asarray(np.abs(values).mean(axis=0), dtype=np.float64)


def _worth(intercept: float, parts: FloatArray, background: FloatArray, subset: frozenset[int]) -> FloatArray:
    inside = np.array([k in subset for k in range(parts.shape[1])])
    odds = intercept + parts[:, inside].sum(axis=1)[:, None] + background[:, ~inside].sum(axis=1)[None, :]
    return np.asarray(expit(odds).mean(axis=1), dtype=np.float64)
