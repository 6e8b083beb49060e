"""Mean time to notification over flagged reference-positive cases."""

from __future__ import annotations

import numpy as np

from audit.measures.measure import Measure
from audit.measures.notification import COLUMNS, COUNTED, SOURCE, notified
from audit.measures.ratio import Mean
from audit.records import FloatArray, Rows


def _per_case(rows: Rows) -> tuple[FloatArray, FloatArray]:
    counted = notified(rows).astype(np.float64)
    return rows.columns["seconds"] * counted, counted


ENTRY = Measure(
    name="notification_mean",
    title="mean time to notification",
    unit="s",
    low=0.0,
    high=None,
    direction="lower",
    tasks=("triage",),
    columns=COLUMNS,
    source=SOURCE,
    estimator=Mean(_per_case, COUNTED),
)
