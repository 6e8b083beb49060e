"""Lower Bland-Altman limit of agreement of predicted and reference value."""

from __future__ import annotations

from audit.measures.limits_of_agreement import limit
from audit.measures.measure import Measure

ENTRY = Measure(
    name="agreement_limit_lower",
    title="lower limit of agreement (bias − 1.96 SD)",
    unit="unit of the target",
    low=None,
    high=None,
    direction="nearer",
    tasks=("measurement",),
    columns=("value_predicted", "value_reference"),
    source="Bland & Altman, Stat Methods Med Res 1999;8:135",
    estimator=limit(-1),
    ideal=0.0,
)
