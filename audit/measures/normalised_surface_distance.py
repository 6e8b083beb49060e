"""Mean normalised surface distance (surface Dice): share of surface voxels of both masks within the plan's tolerance.

Counted by voxels, as in MONAI and MetricsReloaded; weighting by surface area gives other figures.
"""

from __future__ import annotations

import numpy as np

from audit.measures.measure import Measure
from audit.measures.ratio import Mean
from audit.measures.worst_cases import no_overlap
from audit.records import FloatArray, Rows


def _per_case(rows: Rows) -> tuple[FloatArray, FloatArray]:
    return rows.columns["surface_within"], np.ones(len(rows))


ENTRY = Measure(
    name="normalised_surface_distance",
    title="normalised surface distance at the plan's tolerance",
    unit="proportion",
    low=0.0,
    high=1.0,
    direction="higher",
    tasks=("segmentation",),
    columns=("surface_within",),
    source="Nikolov et al., J Med Internet Res 2021;23:e26151; by voxels: Maier-Hein et al., Nat Methods 2024;21:195",
    estimator=Mean(_per_case, "cases with a predicted or reference mask"),
    ideal=1.0,
    worst_case=no_overlap("surface_within"),
)
