"""Detection with location: FROC curve and figures of merit of one reader (or device) in one modality.

A rating of minus infinity stands for "not marked"; two such ratings tie and count 1/2. Sources: Bunch et al., Proc
SPIE 1977;127:124. Chakraborty & Berbaum, Med Phys 2004;31:2313. Chakraborty & Zhai, Med Phys 2016;43:2548.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from audit.records import BadInput, BoolArray, FloatArray, IntArray, Undefined
from audit.statistics.checks import binary_vector

UNMARKED = -np.inf


@dataclass(frozen=True, slots=True)
class Marks:
    """All marks of one reader in one modality.

    ``diseased``: one flag per case. Non-lesion marks: case index and rating each. Lesions: case index, rating (minus
    infinity = unmarked) and weight each; the weights of a case add up to 1.
    """

    diseased: BoolArray
    false_case: IntArray
    false_rating: FloatArray
    lesion_case: IntArray
    lesion_rating: FloatArray
    lesion_weight: FloatArray

    @property
    def n_cases(self) -> int:
        return int(self.diseased.size)

    @property
    def highest_false(self) -> FloatArray:
        """Highest rating of a non-lesion mark in each case."""
        return _highest(self.false_case, self.false_rating, self.n_cases)

    @property
    def highest(self) -> FloatArray:
        """Highest rating of any mark in each case: the inferred ROC rating."""
        return np.maximum(self.highest_false, _highest(self.lesion_case, self.lesion_rating, self.n_cases))

    def without(self, case: int) -> Marks:
        """The same marks with one case left out."""
        keep = np.arange(self.n_cases) != case
        shift = np.cumsum(keep) - 1
        false, lesion = self.false_case != case, self.lesion_case != case
        return Marks(
            self.diseased[keep],
            shift[self.false_case[false]],
            self.false_rating[false],
            shift[self.lesion_case[lesion]],
            self.lesion_rating[lesion],
            self.lesion_weight[lesion],
        )


@dataclass(frozen=True, slots=True)
class FrocCurve:
    """Operating points from (0, 0) on: non-lesion marks per case and share of lesions marked at or above ``rating``.

    The first rating is infinite: nothing is marked.
    """

    false_positives_per_case: FloatArray
    lesion_sensitivity: FloatArray
    rating: FloatArray


def marks(
    diseased: ArrayLike,
    false_case: ArrayLike,
    false_rating: ArrayLike,
    lesion_case: ArrayLike,
    lesion_rating: ArrayLike,
    lesion_weight: ArrayLike | None = None,
) -> Marks:
    """Checked marks. Without weights, the lesions of a case share its weight equally."""
    flags = binary_vector(diseased, "diseased")
    cases = np.asarray(lesion_case, dtype=np.int64)
    per_case = np.bincount(cases, minlength=flags.size)
    if per_case.size > flags.size or (per_case[~flags] > 0).any() or (per_case[flags] == 0).any():
        raise BadInput("every diseased case needs at least one lesion, and no other case may have one.")
    if lesion_weight is None:
        weight = 1.0 / per_case[cases]
    else:
        weight = np.asarray(lesion_weight, dtype=np.float64)
        if not np.allclose(np.bincount(cases, weight, flags.size)[flags], 1):
            raise BadInput("lesion weights must add up to 1 in every diseased case.")
    return Marks(
        flags,
        np.asarray(false_case, dtype=np.int64),
        np.asarray(false_rating, dtype=np.float64),
        cases,
        np.asarray(lesion_rating, dtype=np.float64),
        weight,
    )


def wafroc(data: Marks, false_marks_on_diseased: bool = False) -> float | Undefined:
    """Weighted AFROC area, the default: highest non-lesion rating of a case against weighted lesion ratings.

    Normal cases only, or with ``false_marks_on_diseased`` all cases (wAFROC1). Undefined without lesions or cases to
    compare with.
    """
    return _against_lesions(data, data.lesion_weight, false_marks_on_diseased)


def afroc(data: Marks, false_marks_on_diseased: bool = False) -> float | Undefined:
    """AFROC area (or AFROC1), every lesion with the same weight."""
    return _against_lesions(data, np.ones(data.lesion_case.size), false_marks_on_diseased)


def inferred_roc_auc(data: Marks) -> float | Undefined:
    """Area under the ROC curve of the highest rating per case; undefined when a class is empty."""
    if not data.diseased.any() or data.diseased.all():
        return Undefined("no diseased or no non-diseased cases")
    rating = data.highest
    positives = rating[data.diseased]
    return _wins(rating[~data.diseased], positives, np.ones(positives.size))


def marked_lesions(data: Marks) -> float | Undefined:
    """Share of lesions marked at any rating (the curve's last sensitivity)."""
    if not data.lesion_case.size:
        return Undefined("no lesions")
    return float((data.lesion_rating > UNMARKED).mean())


def false_marks_per_case(data: Marks, all_cases: bool = True) -> float | Undefined:
    """Non-lesion marks per case, over all cases or over those without the condition."""
    if all_cases:
        return data.false_case.size / data.n_cases if data.n_cases else Undefined("no cases")
    normal = int((~data.diseased).sum())
    if not normal:
        return Undefined("no non-diseased cases")
    return float((~data.diseased[data.false_case]).sum()) / normal


def case_sensitivity(data: Marks) -> float | Undefined:
    """Share of diseased cases with any mark."""
    marked = data.highest[data.diseased] > UNMARKED
    return float(marked.mean()) if marked.size else Undefined("no diseased cases")


def case_specificity(data: Marks) -> float | Undefined:
    """Share of non-diseased cases without a mark."""
    unmarked = data.highest[~data.diseased] == UNMARKED
    return float(unmarked.mean()) if unmarked.size else Undefined("no non-diseased cases")


def froc_curve(data: Marks) -> FrocCurve | Undefined:
    """Empirical FROC curve; the denominator of the abscissa is all cases. Undefined without lesions."""
    if not data.lesion_case.size:
        return Undefined("no lesions")
    marked = data.lesion_rating[data.lesion_rating > UNMARKED]
    levels = np.concatenate([[np.inf], np.unique(np.concatenate([data.false_rating, marked]))[::-1]])
    false, found = _at_or_above(data.false_rating, levels), _at_or_above(marked, levels)
    return FrocCurve(false / data.n_cases, found / data.lesion_case.size, levels)


def sensitivity_at(curve: FrocCurve, false_positives_per_case: float, interpolated: bool = True) -> float:
    """Lesion sensitivity at a rate of false positives per case.

    Interpolated: straight lines between points, flat after the last one (LUNA16 rule). Else the best operating point
    that does not exceed the rate.
    """
    if interpolated:
        rate = np.interp(false_positives_per_case, curve.false_positives_per_case, curve.lesion_sensitivity)
        return float(rate)
    allowed = curve.false_positives_per_case <= false_positives_per_case + 1e-12
    return float(curve.lesion_sensitivity[allowed].max())


def _at_or_above(ratings: FloatArray, levels: FloatArray) -> IntArray:
    return np.asarray(ratings.size - np.searchsorted(np.sort(ratings), levels, "left"))


def _against_lesions(data: Marks, weight: FloatArray, all_cases: bool) -> float | Undefined:
    highest = data.highest_false
    rivals = highest if all_cases else highest[~data.diseased]
    if not rivals.size or not data.lesion_case.size:
        return Undefined("no lesions, or no cases to compare them with")
    return _wins(rivals, data.lesion_rating, weight)


def _wins(rivals: FloatArray, ratings: FloatArray, weight: FloatArray) -> float:
    ordered = np.sort(rivals)
    below = np.searchsorted(ordered, ratings, "left") + np.searchsorted(ordered, ratings, "right")
    return float(weight @ below) / (2 * ordered.size * float(weight.sum()))


def _highest(case: IntArray, rating: FloatArray, n_cases: int) -> FloatArray:
    out = np.full(n_cases, UNMARKED)
    np.maximum.at(out, case, rating)
    return out
