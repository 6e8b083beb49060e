"""The area under the part of the ROC curve that the plan names, raw or standardised."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from audit.measures.measure import Counts
from audit.measures.smooth import Smooth
from audit.plan import RateRange
from audit.records import FloatArray, Rows, Undefined
from audit.statistics.influence import logit_scale
from audit.statistics.roc_at import partial_area_influence, partial_area_replicates
from audit.statistics.roc_partial import mcclish, mcclish_bounds, partial_area, roc_curve

Standard = Callable[[float, float, float], float | Undefined]


def of_range(part: RateRange, standardised: bool) -> Smooth:
    """The estimator of the partial area over ``part``.

    Standardised: 0.5 for chance, 1 for a perfect test; undefined below the chance line. Both are undefined when a class
    is empty. Interval on the logit scale of the share of the largest area.
    """
    low, high = part.limits
    least, most = mcclish_bounds(low, high)
    gain = 0.5 / (most - least) if standardised else 1.0

    def value(rows: Rows) -> float | Undefined:
        curve = roc_curve(rows.columns["score"], rows.columns["reference"])
        if isinstance(curve, Undefined):
            return curve
        area = partial_area(curve, low, high, part.axis)
        return mcclish(area, low, high) if standardised else area

    def influence(rows: Rows) -> FloatArray:
        score, reference = rows.columns["score"], rows.columns["reference"]
        return gain * partial_area_influence(score, reference, low, high, part.axis)

    def resample(asked: Sequence[Rows], counts: Counts) -> list[FloatArray]:
        return [_standard(_areas(rows, counts)) for rows in asked]

    def _areas(rows: Rows, counts: Counts) -> FloatArray:
        score, reference = rows.columns["score"], rows.columns["reference"]
        return partial_area_replicates(counts, rows.patient, score, reference, low, high, part.axis)

    def _standard(areas: FloatArray) -> FloatArray:
        if not standardised:
            return areas
        return np.where(areas < least, np.nan, 0.5 + (areas - least) * gain)

    ends = (0.5 - least * gain, 1.0) if standardised else (0.0, most)
    return Smooth(value, influence, resample, logit_scale(*ends))


AGREEMENT = {"specificity": "negative percent agreement", "sensitivity": "positive percent agreement"}


def words(part: RateRange, agreement: bool = False) -> str:
    """The range in words: 'specificity 0.9 to 1'; ``agreement``: where the truth is no reference standard."""
    low, high = part.limits
    return f"{AGREEMENT[part.axis] if agreement else part.axis} {low:g} to {high:g}"


def suffix(part: RateRange) -> str:
    """The range as part of a name: 'specificity_0.9_1'."""
    low, high = part.limits
    return f"{part.axis}_{low:g}_{high:g}"
