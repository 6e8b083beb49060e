"""Mean panoptic quality per case: summed overlap (IoU) of matched lesions over matches, half the missed and false ones.

Defined for one-to-one matching. Kirillov pools all cases of a class; here every case counts alike, so that patients can
be resampled. A case without a reference or a predicted lesion has none.
"""

from __future__ import annotations

from audit.measures.measure import Measure
from audit.measures.per_case import lesions_counted, share
from audit.measures.ratio import Mean
from audit.measures.worst_cases import no_lesion_found
from audit.records import FloatArray, Rows


def _per_case(rows: Rows) -> tuple[FloatArray, FloatArray]:
    return share(2 * rows.columns["lesion_iou"], lesions_counted(rows))


ENTRY = Measure(
    name="panoptic_quality",
    title="panoptic quality of lesions, mean over cases",
    unit="proportion",
    low=0.0,
    high=1.0,
    direction="higher",
    tasks=("segmentation",),
    columns=("lesions_reference", "lesions_found", "lesions_false", "lesion_iou"),
    source="Kirillov et al., CVPR 2019; Maier-Hein et al., Nat Methods 2024;21:195",
    estimator=Mean(_per_case, "cases with a reference or predicted lesion"),
    ideal=1.0,
    worst_case=no_lesion_found,
)
