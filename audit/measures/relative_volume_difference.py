"""Mean of (predicted - reference) / reference volume over cases whose reference mask is not empty.

An empty reference has no relative difference; a missed structure counts as -1.
"""

from __future__ import annotations

from audit.measures.measure import Measure
from audit.measures.per_case import share
from audit.measures.ratio import Mean
from audit.records import FloatArray, Rows


def _per_case(rows: Rows) -> tuple[FloatArray, FloatArray]:
    reference = rows.columns["volume_reference_ml"]
    return share(rows.columns["volume_predicted_ml"] - reference, reference)


ENTRY = Measure(
    name="relative_volume_difference",
    title="mean relative volume difference, predicted minus reference",
    unit="proportion of the reference",
    low=-1.0,
    high=None,
    direction="nearer",
    tasks=("segmentation",),
    columns=("volume_predicted_ml", "volume_reference_ml"),
    source="Heimann et al., IEEE Trans Med Imaging 2009;28:1251",
    estimator=Mean(_per_case, "cases with a reference volume above 0"),
    ideal=0.0,
)
