"""Mean average symmetric surface distance over cases with both masks.

The mean over all surface voxels of both masks. A case with an empty mask has no distance: it is counted apart.
"""

from __future__ import annotations

import numpy as np

from audit.measures.measure import Measure
from audit.measures.ratio import Mean
from audit.records import FloatArray, Rows


def _per_case(rows: Rows) -> tuple[FloatArray, FloatArray]:
    return rows.columns["assd_mm"], np.ones(len(rows))


ENTRY = Measure(
    name="assd",
    title="average symmetric surface distance",
    unit="mm",
    low=0.0,
    high=None,
    direction="lower",
    tasks=("segmentation",),
    columns=("assd_mm",),
    source="Heimann et al., IEEE Trans Med Imaging 2009;28:1251",
    estimator=Mean(_per_case, "cases with a predicted and a reference mask"),
    ideal=0.0,
)
