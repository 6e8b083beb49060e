"""What drives the errors: SHAP importance of recorded case features for misses and for false alarms.

A ridge logistic surrogate predicts the error from the features; its Shapley values, in probability, say how much each
feature moves that prediction. How well it predicts at all (out-of-fold AUROC) stands beside every value. An
association in the audited cases, not a cause.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from audit.explanations.features import Encoded, encode
from audit.explanations.surrogate import Surrogate, auroc_error, fidelity, fit_surrogate, repeated_means, reported_means
from audit.records import BadInput, BoolArray, FloatArray, IntArray
from audit.tables import IMPORTANCE

MOST_FEATURES, MOST_RESAMPLES = 8, 200
EXPLAINED, BACKGROUND = 200, 32
OUTCOMES = (("misses", 1.0), ("false alarms", 0.0))
VERSIONS = ("candidate", "comparator")


def error_importance(
    cases: pd.DataFrame,
    observations: pd.DataFrame,
    features: Sequence[str],
    resamples: int,
    seed: int,
    confidence: float,
    too_few: int = 10,
) -> pd.DataFrame:
    """IMPORTANCE of ``features`` (columns of ``cases`` or names of strata) for each version and target observed.

    Misses are counted among reference-positive, false alarms among reference-negative cases with a decision. Value:
    mean absolute Shapley value of the surrogate's error probability over at most 200 cases against 32 background
    cases. Interval: value +- z standard errors from a patient bootstrap (at most 200 refits: a standard error needs
    no more, Efron and Tibshirani 1993, section 6.4), not below 0. Undefined where errors or correct answers number
    fewer than ``too_few`` or a feature does not vary. Raises ``BadInput`` for an unknown feature or more than 8.

    Source: Lundberg and Lee, NeurIPS 2017 (interventional Shapley values).
    """
    columns = _columns(cases, features)
    setting = _Setting(tuple(features), columns, min(resamples, MOST_RESAMPLES), seed, confidence, too_few)
    rows: list[dict[str, Any]] = []
    for version, target, observed in _groups(observations):
        joined = observed.merge(cases[["case_id", *dict.fromkeys(columns)]], on="case_id", validate="one_to_one")
        for outcome, side in OUTCOMES:
            part = joined[(joined["reference"] == side) & joined["decision"].notna()].sort_values("case_id")
            wrong = (part["decision"] != part["reference"]).to_numpy(dtype=bool)
            key = {"version": version, "target": target, "outcome": outcome}
            rows += [_row(key, answer) for answer in _answers(part, wrong, setting, outcome)]
    return IMPORTANCE.conform(pd.DataFrame(rows, columns=list(IMPORTANCE.columns)))


@dataclass(frozen=True, slots=True)
class _Setting:
    features: tuple[str, ...]
    columns: tuple[str, ...]
    resamples: int
    seed: int
    confidence: float
    too_few: int


def _columns(cases: pd.DataFrame, features: Sequence[str]) -> tuple[str, ...]:
    if len(features) > MOST_FEATURES:
        raise BadInput(f"explanations.features names {len(features)} features; at most {MOST_FEATURES} are analysed.")
    found = []
    for name in features:
        place = name if name in cases else f"stratum:{name}"
        if place not in cases:
            raise BadInput(f"explanations.features names '{name}', which is no column of the manifest and no stratum.")
        found.append(place)
    return tuple(found)


def _groups(observations: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    kept = observations[observations["version"].isin(VERSIONS)]
    needed = ["case_id", "patient_id", "reference", "decision"]
    for (version, target), part in kept.groupby(["version", "target"], sort=True):
        yield str(version), str(target), part[needed].astype({"reference": float, "decision": float})


def _answers(part: pd.DataFrame, wrong: BoolArray, setting: _Setting, outcome: str) -> list[dict[str, Any]]:
    counts = {"n_cases": len(part), "n_errors": int(wrong.sum())}
    reason = _too_few(wrong, outcome, setting.too_few)
    encoded = encode(part, setting.features, setting.columns)
    if reason is None and not any(encoded.varies):
        reason = "no feature varies among these cases"
    if reason is not None:
        return [{**counts, "feature": name, "undefined": reason} for name in setting.features]
    return [{**counts, **answer} for answer in _measured(part, wrong, encoded, setting, outcome)]


def _too_few(wrong: BoolArray, outcome: str, limit: int) -> str | None:
    errors, right = int(wrong.sum()), int((~wrong).sum())
    if errors < limit:
        return f"{errors} {outcome}: fewer than {limit}"
    if right < limit:
        return f"{right} cases without error beside {errors} {outcome}: fewer than {limit}"
    return None


def _measured(
    part: pd.DataFrame, wrong: BoolArray, encoded: Encoded, setting: _Setting, outcome: str
) -> list[dict[str, Any]]:
    patients = np.unique(part["patient_id"].astype(str), return_inverse=True)[1].astype(np.int64)
    generator = np.random.default_rng(_entropy(setting.seed, outcome))
    shown, background = _drawn(len(part), EXPLAINED, generator), _drawn(len(part), BACKGROUND, generator)
    surrogate = fit_surrogate(encoded.matrix, wrong, np.ones(len(part)))
    values = reported_means(surrogate, encoded, shown, background)
    errors = _standard_errors(encoded, wrong, patients, (shown, background), setting.resamples, generator)
    quality = fidelity(encoded, wrong, patients, setting.seed)
    half = float(norm.ppf(0.5 + setting.confidence / 2)) * errors
    return [
        _answer(name, k, encoded, surrogate, (values, half), quality, _tells(quality, wrong), outcome, setting)
        for k, name in enumerate(setting.features)
    ]


def _answer(
    name: str,
    k: int,
    encoded: Encoded,
    surrogate: Surrogate,
    estimate: tuple[FloatArray, FloatArray],
    quality: float | None,
    tells: bool,
    outcome: str,
    setting: _Setting,
) -> dict[str, Any]:
    if not encoded.varies[k]:
        return {"feature": name, "fidelity": quality, "undefined": f"{name} has one level among these cases"}
    value, half = float(estimate[0][k]), float(estimate[1][k])
    direction = encoded.direction(k, surrogate.weights, outcome) if tells else _silent(quality)
    return {
        "feature": name,
        "value": value,
        "low": max(0.0, value - half),
        "high": value + half,
        "method": f"SHAP of a ridge logistic surrogate; patient bootstrap ({setting.resamples}), normal",
        "direction": direction,
        "fidelity": quality,
    }


def _silent(quality: float | None) -> str:
    shown = "has no value" if quality is None else f"{quality:.2f}"
    return f"not interpreted: the features do not tell these errors apart (out-of-fold AUROC {shown})"


def _tells(quality: float | None, wrong: BoolArray) -> bool:
    """Whether the surrogate predicts better than chance: its AUROC lies 1.645 standard errors above 0.5."""
    return quality is not None and quality - 1.645 * auroc_error(0.5, int(wrong.sum()), int((~wrong).sum())) > 0.5


def _standard_errors(
    encoded: Encoded,
    wrong: BoolArray,
    patients: IntArray,
    drawn: tuple[IntArray, IntArray],
    resamples: int,
    generator: np.random.Generator,
) -> FloatArray:
    """Standard error of each feature's importance over resamples of patients; those without both answers are left."""
    count = int(patients.max()) + 1
    replicates = []
    for _ in range(resamples):
        weights = np.bincount(generator.integers(0, count, count), minlength=count)[patients].astype(np.float64)
        if weights[wrong].any() and weights[~wrong].any():
            replicates.append(repeated_means(fit_surrogate(encoded.matrix, wrong, weights), encoded, *drawn))
    return np.asarray(np.std(replicates, axis=0, ddof=1), dtype=np.float64)


def _drawn(n: int, most: int, generator: np.random.Generator) -> IntArray:
    return np.sort(generator.permutation(n)[:most]).astype(np.int64)


def _entropy(seed: int, outcome: str) -> list[int]:
    return list(hashlib.sha256(f"{seed}|{outcome}".encode()).digest()[:16])


def _row(key: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    words = "|".join([key["version"], key["target"], key["outcome"], answer["feature"]])
    short = f"i{hashlib.sha256(words.encode()).hexdigest()[:10]}"
    return {**dict.fromkeys(IMPORTANCE.columns), "importance_id": short, **key, **answer}
