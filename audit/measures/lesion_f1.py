"""Mean F1 score of lesion detection: matches twice over themselves, missed and false lesions, per case.

A case without a reference or a predicted lesion has no F1 score.
"""

from __future__ import annotations

from audit.measures.measure import Measure
from audit.measures.per_case import lesions_counted, share
from audit.measures.ratio import Mean
from audit.measures.worst_cases import no_lesion_found
from audit.records import FloatArray, Rows


def _per_case(rows: Rows) -> tuple[FloatArray, FloatArray]:
    return share(2 * rows.columns["lesions_found"], lesions_counted(rows))


ENTRY = Measure(
    name="lesion_f1",
    title="lesion-wise F1 score, mean over cases",
    unit="proportion",
    low=0.0,
    high=1.0,
    direction="higher",
    tasks=("segmentation",),
    columns=("lesions_reference", "lesions_found", "lesions_false"),
    source="Dice, Ecology 1945;26:297; Maier-Hein et al., Nat Methods 2024;21:195",
    estimator=Mean(_per_case, "cases with a reference or predicted lesion"),
    ideal=1.0,
    worst_case=no_lesion_found,
)
