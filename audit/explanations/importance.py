"""What goes with the score and with the errors: importance of case features, recorded and computed from the pixels.

Ridge surrogates predict the misses, the false alarms and the score from the features. Two importances are given: how
far a feature moves the surrogate's prediction (Shapley values), and how much the prediction of unseen patients loses
without it (permutation). How well the surrogate predicts unseen patients at all stands beside every value, and decides
whether it may be used. An association in the audited cases, not a cause.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from audit.explanations.features import Encoded, encode
from audit.explanations.fidelity import NOT_USABLE, Fidelity, Question, fidelity, folds, permutation_importance
from audit.explanations.image_features import OF_FINDING, PREFIX
from audit.explanations.surrogate import Link, fit_surrogate, repeated_means, reported_means
from audit.plan_decisions import Surrogate as Rules
from audit.records import BadInput, FloatArray, IntArray, Interval, Undefined
from audit.statistics.checks import normal_quantile
from audit.statistics.resampling import Counts, patient_counts
from audit.tables import IMPORTANCE

MOST_FEATURES, MOST_RESAMPLES = 12, 200
EXPLAINED, BACKGROUND, EXPLAINED_REPEATED, BACKGROUND_REPEATED = 200, 32, 100, 12
ERRORS = (("misses", 1.0), ("false alarms", 0.0))
SCORE = "score"
GIVEN_AWAY = "known of reference-positive cases only, so that it would give the reference away"
VERSIONS = ("candidate", "comparator")


def error_importance(
    cases: pd.DataFrame,
    observations: pd.DataFrame,
    features: Sequence[str],
    resamples: int,
    seed: int,
    confidence: float,
    too_few: int = 10,
    rules: Rules | None = None,
    image_features: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """IMPORTANCE of ``features`` (columns of ``cases`` or names of strata) for each version and target observed.

    Misses are counted among reference-positive, false alarms among reference-negative cases with a decision; the score
    is that of all cases. ``image_features`` (IMAGE_FEATURES) adds features of the pixels. Value: mean absolute Shapley
    value over at most 200 cases against 32 background cases. Interval: value +- z standard errors from a patient
    bootstrap (at most 200 refits: a standard error needs no more, Efron and Tibshirani 1993, section 6.4), not below 0.
    Undefined where errors or correct answers number fewer than ``too_few`` or a feature does not vary. Raises
    ``BadInput`` for an unknown feature or more than 12.
    """
    columns = _columns(cases, features)
    setting = _Setting(min(resamples, MOST_RESAMPLES), seed, confidence, too_few, rules or Rules())
    wide, names = _with_image_features(cases, image_features)
    asked = dict(zip((*features, *names), (*columns, *names), strict=True))
    rows: list[dict[str, Any]] = []
    for version, target, observed in _groups(observations):
        joined = observed.merge(wide[["case_id", *dict.fromkeys(asked.values())]], on="case_id", validate="one_to_one")
        for part in _parts(joined.sort_values("case_id")):
            key = {"version": version, "target": target, "outcome": part.outcome}
            rows += [_row(key, answer) for answer in _answers(part, asked, setting)]
    return IMPORTANCE.conform(pd.DataFrame(rows, columns=list(IMPORTANCE.columns)))


@dataclass(frozen=True, slots=True)
class _Setting:
    resamples: int
    seed: int
    confidence: float
    too_few: int
    rules: Rules

    def least(self, link: Link) -> float:
        return self.rules.least_auroc if link == "logit" else self.rules.least_r2


@dataclass(frozen=True, slots=True)
class _Part:
    """The cases of one outcome, what is to be explained of each, and how it is modelled."""

    outcome: str
    cases: pd.DataFrame
    answer: FloatArray
    link: Link

    @property
    def patient(self) -> IntArray:
        return np.unique(self.cases["patient_id"].astype(str), return_inverse=True)[1].astype(np.int64)

    @property
    def counts(self) -> dict[str, int]:
        return {"n_cases": len(self.cases), "n_errors": int(self.answer.sum()) if self.link == "logit" else 0}


def _parts(joined: pd.DataFrame) -> Iterator[_Part]:
    for outcome, side in ERRORS:
        part = joined[(joined["reference"] == side) & joined["decision"].notna()]
        wrong = np.asarray(part["decision"] != part["reference"], dtype=np.float64)
        yield _Part(outcome, part, wrong, "logit")
    part = joined[joined["score"].notna()]
    yield _Part(SCORE, part, part["score"].to_numpy(dtype=np.float64), "identity")


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


def _with_image_features(cases: pd.DataFrame, features: pd.DataFrame | None) -> tuple[pd.DataFrame, list[str]]:
    """The cases with a column for each image feature, and the columns' names in the features' own order."""
    if features is None or features.empty:
        return cases, []
    order = [PREFIX + str(name) for name in dict.fromkeys(features["feature"])]
    wide = features.pivot(index="case_id", columns="feature", values="value").add_prefix(PREFIX).astype("Float64")
    return cases.merge(wide[order].reset_index(), on="case_id", how="left", validate="one_to_one"), order


def _groups(observations: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    kept = observations[observations["version"].isin(VERSIONS)]
    needed = ["case_id", "patient_id", "reference", "decision", "score"]
    for (version, target), part in kept.groupby(["version", "target"], sort=True):
        yield str(version), str(target), part[needed].astype({"reference": float, "decision": float, "score": float})


def _answers(part: _Part, asked: dict[str, str], setting: _Setting) -> list[dict[str, Any]]:
    reason = _too_few(part, setting.too_few)
    left_out = [name for name in asked if part.link == "identity" and name in OF_FINDING]
    names = [name for name in asked if name not in left_out]
    encoded = encode(part.cases, names, [asked[name] for name in names])
    if reason is None and not any(encoded.varies):
        reason = "no feature varies among these cases"
    if reason is not None:
        return [{**part.counts, "feature": name, "undefined": reason} for name in asked]
    found = [*_measured(part, encoded, setting), *({"feature": name, "undefined": GIVEN_AWAY} for name in left_out)]
    return [{**part.counts, **answer} for answer in found]


def _too_few(part: _Part, limit: int) -> str | None:
    if part.link == "identity":
        return f"{len(part.cases)} cases with a score: fewer than {limit}" if len(part.cases) < limit else None
    errors, right = part.counts["n_errors"], len(part.cases) - part.counts["n_errors"]
    if errors < limit:
        return f"{errors} {part.outcome}: fewer than {limit}"
    if right < limit:
        return f"{right} cases without error beside {errors} {part.outcome}: fewer than {limit}"
    return None


def _measured(part: _Part, encoded: Encoded, setting: _Setting) -> list[dict[str, Any]]:
    question = Question(encoded, part.answer, part.patient, part.link)
    generator = np.random.default_rng(_entropy(setting.seed, part.outcome))
    values, errors = _shapley(question, setting.resamples, generator)
    counts = patient_counts(int(question.patient.max()) + 1, setting.resamples, setting.seed)
    quality, losses = _of_unseen(question, counts, setting, generator)
    surrogate = fit_surrogate(encoded.matrix, part.answer, np.ones(len(part.answer)), part.link)
    half = normal_quantile(setting.confidence) * errors
    shared = _fidelity_columns(quality, setting.least(part.link))
    rows = []
    for k, name in enumerate(encoded.features):
        if encoded.reasons[k] is not None:
            rows.append({"feature": name, **shared, "undefined": encoded.reasons[k]})
            continue
        direction = encoded.direction(k, surrogate.weights, part.outcome) if _tells(quality) else _silent(quality)
        row = {"feature": name, "value": values[k], "low": max(0.0, values[k] - half[k]), "high": values[k] + half[k]}
        method = f"SHAP of a ridge {_NAMES[part.link]} surrogate; patient bootstrap ({setting.resamples}), normal"
        rows.append({**row, **shared, **_loss(losses, k), "method": method, "direction": direction})
    return rows


_NAMES: dict[Link, str] = {"logit": "logistic", "identity": "linear"}


def _shapley(question: Question, resamples: int, generator: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Mean absolute Shapley values and their standard errors over resamples of patients."""
    n, encoded = len(question.answer), question.encoded
    shown, background = _drawn(n, EXPLAINED, generator), _drawn(n, BACKGROUND, generator)
    surrogate = fit_surrogate(encoded.matrix, question.answer, np.ones(n), question.link)
    values = reported_means(surrogate, encoded, shown, background)
    fewer = shown[:: -(-len(shown) // EXPLAINED_REPEATED)], background[:: -(-len(background) // BACKGROUND_REPEATED)]
    count = int(question.patient.max()) + 1
    replicates = []
    for _ in range(resamples):
        drawn = np.bincount(generator.integers(0, count, count), minlength=count)
        weights = drawn[question.patient].astype(np.float64)
        if np.ptp(question.answer[weights > 0]) > 0:
            fitted = fit_surrogate(encoded.matrix, question.answer, weights, question.link)
            replicates.append(repeated_means(fitted, encoded, *fewer))
    return values, np.asarray(np.std(replicates, axis=0, ddof=1), dtype=np.float64)


def _of_unseen(
    question: Question, counts: Counts, setting: _Setting, generator: np.random.Generator
) -> tuple[Fidelity | Undefined, list[tuple[float, Interval]]]:
    made = folds(question, setting.seed)
    if isinstance(made, Undefined):
        return made, []
    quality = fidelity(question, made, counts, setting.confidence)
    if isinstance(quality, Undefined):
        return quality, []
    return quality, permutation_importance(question, made, counts, setting.confidence, generator)


def _fidelity_columns(quality: Fidelity | Undefined, least: float) -> dict[str, Any]:
    if isinstance(quality, Undefined):
        return {"usable": NOT_USABLE, "least_fidelity": least}
    limits = quality.interval if isinstance(quality.interval, Interval) else None
    return {
        "fidelity": quality.value,
        "fidelity_measure": quality.measure,
        "fidelity_low": limits.low if limits else None,
        "fidelity_high": limits.high if limits else None,
        "least_fidelity": least,
        "usable": quality.verdict(least),
    }


def _loss(losses: list[tuple[float, Interval]], k: int) -> dict[str, float]:
    if not losses:
        return {}
    value, interval = losses[k]
    return {"permutation": value, "permutation_low": interval.low, "permutation_high": interval.high}


def _tells(quality: Fidelity | Undefined) -> bool:
    """Whether the surrogate predicts better than chance: the lower limit lies above that of no relation."""
    if isinstance(quality, Undefined) or isinstance(quality.interval, Undefined):
        return False
    return quality.interval.low > (0.5 if quality.measure == "AUROC" else 0.0)


def _silent(quality: Fidelity | Undefined) -> str:
    if isinstance(quality, Undefined):
        return f"not interpreted: the surrogate's fidelity has no value ({quality.reason})"
    return (
        "not interpreted: the features do not predict this in unseen patients "
        f"(out-of-fold {quality.measure} {quality.value:.2f})"
    )


def _drawn(n: int, most: int, generator: np.random.Generator) -> IntArray:
    return np.sort(generator.permutation(n)[:most]).astype(np.int64)


def _entropy(seed: int, outcome: str) -> list[int]:
    return list(hashlib.sha256(f"{seed}|{outcome}".encode()).digest()[:16])


def _row(key: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    words = "|".join([key["version"], key["target"], key["outcome"], answer["feature"]])
    short = f"i{hashlib.sha256(words.encode()).hexdigest()[:10]}"
    return {**dict.fromkeys(IMPORTANCE.columns), "importance_id": short, **key, **answer}
