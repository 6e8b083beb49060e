"""Lesion sensitivity where the plan fixes the false positives per image: read off the FROC curve."""

from __future__ import annotations

from audit.measures.family import Family, value_text
from audit.measures.marked import COLUMNS, nothing_found
from audit.measures.measure import Counts, Measure
from audit.measures.read_off_marks import ReadOff
from audit.plan import Target
from audit.records import FloatArray, IntArray
from audit.statistics.froc import Marks
from audit.statistics.froc_curves import sensitivity_replicates

NAME = "lesion_sensitivity_at_fp"


def _at(rate: float) -> Measure:
    def replicates(counts: Counts, patient: IntArray, data: Marks) -> FloatArray:
        return sensitivity_replicates(counts, patient, data, rate)

    return Measure(
        name=f"{NAME}_{value_text(rate)}",
        title=f"lesion sensitivity at {value_text(rate)} false positives per image, interpolated",
        unit="proportion",
        low=0.0,
        high=1.0,
        direction="higher",
        tasks=("detection",),
        columns=COLUMNS,
        source="Bunch et al., Proc SPIE 1977;127:124; Setio et al., Med Image Anal 2017;42:1 (LUNA16)",
        estimator=ReadOff(replicates),
        ideal=1.0,
        worst_case=nothing_found,
    )


def _of(target: Target) -> tuple[Measure, ...]:
    return tuple(_at(rate) for rate in target.at_false_positives)


EXAMPLE = {
    "localisation": {"rule": "iou", "at_least": 0.5, "further_marks": "ignored"},
    "at_false_positives": [0.5, 1, 2],
}
ENTRY = Family(NAME, "at_false_positives", ("detection",), _of, EXAMPLE)
