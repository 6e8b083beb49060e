"""Mean share of a case's reference lesions that the prediction matches, over cases with a reference lesion.

Every case counts alike, however many lesions it has; ``pooled_lesion_sensitivity`` counts every lesion alike.
"""

from __future__ import annotations

from audit.measures.counting import POSITIVES
from audit.measures.measure import Measure
from audit.measures.per_case import share
from audit.measures.ratio import Mean
from audit.measures.worst_cases import no_lesion_found
from audit.records import FloatArray, Rows


def _per_case(rows: Rows) -> tuple[FloatArray, FloatArray]:
    return share(rows.columns["lesions_found"], rows.columns["lesions_reference"])


ENTRY = Measure(
    name="lesion_sensitivity",
    title="lesion-wise sensitivity, mean over cases",
    unit="proportion",
    low=0.0,
    high=1.0,
    direction="higher",
    tasks=("segmentation",),
    columns=("lesions_reference", "lesions_found"),
    source="Maier-Hein et al., Nat Methods 2024;21:195",
    estimator=Mean(_per_case, POSITIVES),
    ideal=1.0,
    worst_case=no_lesion_found,
)
