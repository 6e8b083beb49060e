"""How well a surrogate predicts cases that it has not seen, and how much of that each feature carries.

No patient stands in two folds. Fits and folds stay fixed; patients are resampled. Sources: Breiman, Mach Learn
2001;45:5 (permutation importance); Obuchowski, Biometrics 1997;53:567 (AUROC over patients).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

from audit.explanations.features import Encoded
from audit.explanations.surrogate import Link, Surrogate, fit_surrogate
from audit.records import FloatArray, IntArray, Interval, Undefined
from audit.statistics.checks import normal_quantile
from audit.statistics.resampling import Counts, auroc_replicates, percentile_interval, resampled_sums, sums_by_patient
from audit.statistics.roc_score import auroc_over_patients
from audit.statistics.roc_sums import patient_sums

FOLDS, PERMUTATIONS = 5, 5
USABLE, WITH_CARE, NOT_USABLE = "usable", "with care", "not usable"


@dataclass(frozen=True, slots=True)
class Question:
    """What a surrogate is asked: ``answer`` (n,) of each case, by features, of patients 0..P-1, in what scale."""

    encoded: Encoded
    answer: FloatArray
    patient: IntArray
    link: Link


@dataclass(frozen=True, slots=True)
class Fidelity:
    """``measure`` 'AUROC' (0.5 explains nothing) or 'R2' (0), over out-of-fold predictions, with its interval."""

    measure: str
    value: float
    interval: Interval | Undefined

    def verdict(self, least: float) -> str:
        """Usable when the whole interval reaches ``least``; with care when only the value does."""
        if self.value < least:
            return NOT_USABLE
        if isinstance(self.interval, Undefined) or self.interval.low < least:
            return WITH_CARE
        return USABLE


@dataclass(frozen=True, slots=True)
class Fold:
    """One fold's surrogate, fitted on the others' patients, and the rows that it has not seen."""

    surrogate: Surrogate
    test: IntArray


def folds(question: Question, seed: int) -> list[Fold] | Undefined:
    """Up to five folds by patient, of errors also by error; undefined where two cannot be made."""
    number = min(FOLDS, int(question.patient.max()) + 1)
    if question.link == "logit":
        number = min(number, int(question.answer.sum()), int((1 - question.answer).sum()))
    if number < 2:
        return Undefined("too few patients or answers for cross-validation")
    made, nothing = [], np.zeros(len(question.answer))
    kind = StratifiedGroupKFold if question.link == "logit" else GroupKFold
    split = kind(number, shuffle=True, random_state=seed % 2**32)
    for train, test in split.split(nothing, question.answer, question.patient):
        answer = question.answer[train]
        if np.ptp(answer) > 0:
            fitted = fit_surrogate(question.encoded.matrix[train], answer, np.ones(len(train)), question.link)
            made.append(Fold(fitted, test))
    return made or Undefined("no fold's training part holds both answers")


def out_of_fold(question: Question, made: list[Fold], matrix: FloatArray) -> FloatArray:
    """Predictions (n,) of ``matrix`` by the fold that has not seen the row; the mean answer where no fold could."""
    predicted = np.full(len(question.answer), question.answer.mean())
    for fold in made:
        predicted[fold.test] = fold.surrogate.predict(matrix[fold.test])
    return predicted


def fidelity(question: Question, made: list[Fold], counts: Counts, confidence: float) -> Fidelity | Undefined:
    """AUROC of the predicted errors, or R2 of the predicted score; without any relation slightly below 0.5, or 0."""
    predicted = out_of_fold(question, made, question.encoded.matrix)
    if question.link == "logit":
        sums = patient_sums((predicted,), question.answer, question.patient)
        if isinstance(sums, Undefined):
            return sums
        return Fidelity("AUROC", float(sums.value[0]), auroc_over_patients(sums, confidence))
    value = float(_r2(np.ones((1, counts.shape[1]), dtype=np.uint8), question, predicted)[0])
    return Fidelity("R2", value, percentile_interval(_r2(counts, question, predicted), confidence))


def permutation_importance(
    question: Question, made: list[Fold], counts: Counts, confidence: float, generator: np.random.Generator
) -> list[tuple[float, Interval]]:
    """Per feature: the mean loss of fidelity over five permutations of it within the folds, with a normal interval.

    Negative where the permuted feature predicts better by chance.
    """
    base = out_of_fold(question, made, question.encoded.matrix)
    whole = np.ones((1, counts.shape[1]), dtype=np.uint8)
    start = _quality(whole, question, base)[0], _quality(counts, question, base)
    name = f"mean of {PERMUTATIONS} permutations out of fold; patients resampled ({len(counts)}), normal"
    found = []
    for k in range(len(question.encoded.features)):
        permuted = [_permuted(question, made, k, generator) for _ in range(PERMUTATIONS)]
        value = float(start[0] - np.mean([_quality(whole, question, each)[0] for each in permuted]))
        drawn = start[1] - np.mean([_quality(counts, question, each) for each in permuted], axis=0)
        half = normal_quantile(confidence) * float(np.nanstd(drawn, ddof=1))
        found.append((value, Interval(value - half, value + half, name, confidence)))
    return found


def _permuted(question: Question, made: list[Fold], k: int, generator: np.random.Generator) -> FloatArray:
    matrix, own = question.encoded.matrix.copy(), question.encoded.owner == k
    for fold in made:
        order = fold.test[generator.permutation(len(fold.test))]
        matrix[np.ix_(fold.test, own)] = question.encoded.matrix[np.ix_(order, own)]
    return out_of_fold(question, made, matrix)


def _quality(counts: Counts, question: Question, predicted: FloatArray) -> FloatArray:
    if question.link == "identity":
        return _r2(counts, question, predicted)
    return auroc_replicates(counts, question.patient, predicted, question.answer, compiled=False)


def _r2(counts: Counts, question: Question, predicted: FloatArray) -> FloatArray:
    """1 - squared errors over squared deviations from the resample's own mean, in every resample."""
    y = question.answer - question.answer.mean()
    columns = np.column_stack([np.ones(len(y)), y, y**2, (question.answer - predicted) ** 2])
    by_patient = sums_by_patient(columns, question.patient, counts.shape[1])
    n, total, squares, errors = resampled_sums(counts, by_patient).T
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = squares - total**2 / n
        return np.asarray(np.where(spread > 0, 1 - errors / spread, np.nan))
