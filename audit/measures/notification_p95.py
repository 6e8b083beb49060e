"""95th percentile of the time to notification, over flagged reference-positive cases."""

from __future__ import annotations

from audit.measures.measure import Measure
from audit.measures.notification import COLUMNS, COUNTED, SOURCE, notified
from audit.measures.quantile import Quantile

ENTRY = Measure(
    name="notification_p95",
    title="95th percentile of the time to notification",
    unit="s",
    low=0.0,
    high=None,
    direction="lower",
    tasks=("triage",),
    columns=COLUMNS,
    source=f"{SOURCE}; Hahn & Meeker, Statistical Intervals, 1991; Woodruff, JASA 1952;47:635",
    estimator=Quantile(0.95, "seconds", COUNTED, notified),
)
