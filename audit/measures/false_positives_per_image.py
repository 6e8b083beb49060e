"""False marks per image at the operating point, over all images, with lesions or without."""

from __future__ import annotations

import numpy as np

from audit.measures.measure import Measure
from audit.measures.ratio import Mean
from audit.records import FloatArray, Rows


def _per_case(rows: Rows) -> tuple[FloatArray, FloatArray]:
    return rows.columns["lesions_false"], np.ones(len(rows))


ENTRY = Measure(
    name="false_positives_per_image",
    title="false positives per image",
    unit="marks per image",
    low=0.0,
    high=None,
    direction="lower",
    tasks=("detection",),
    columns=("lesions_false",),
    source="Bunch et al., Proc SPIE 1977;127:124",
    estimator=Mean(_per_case, "images"),
    ideal=0.0,
)
