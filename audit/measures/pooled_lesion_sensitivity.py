"""Lesion sensitivity: share of lesions hit by a mark rated at or above the operating point, or matched by a mask's."""

from __future__ import annotations

from dataclasses import dataclass

from audit.measures.marked import LESIONS, lesion_sizes
from audit.measures.measure import Measure
from audit.measures.ratio import Proportion
from audit.measures.worst_cases import no_lesion_found
from audit.records import FloatArray, Rows


def _per_case(rows: Rows) -> tuple[FloatArray, FloatArray]:
    return rows.columns["lesions_found"], rows.columns["lesions_reference"]


@dataclass(frozen=True, slots=True)
class _OfLesions(Proportion):
    """Lesions, not cases, are counted; a patient with several is one cluster."""

    def denominators(self, rows: Rows) -> dict[str, int]:
        return lesion_sizes(rows)


ENTRY = Measure(
    name="pooled_lesion_sensitivity",
    title="lesion sensitivity",
    unit="proportion",
    low=0.0,
    high=1.0,
    direction="higher",
    tasks=("detection", "segmentation"),
    columns=("lesions_reference", "lesions_found"),
    source="Bunch et al., Proc SPIE 1977;127:124; Rao & Scott, Biometrics 1992;48:577",
    estimator=_OfLesions(_per_case, LESIONS),
    ideal=1.0,
    worst_case=no_lesion_found,
)
