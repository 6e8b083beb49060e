"""Measurement: a continuous quantity with a unit (a volume, a distance, a score) beside its reference value."""

from __future__ import annotations

import pandas as pd

from audit.tasks.task import Readings, Task, finite


def observe(readings: Readings) -> pd.DataFrame:
    """Predicted and reference value of each case, in the target's unit; a value that is not finite is missing."""
    rows = readings.rows
    return pd.DataFrame(
        {"value_predicted": finite(rows["score"]), "value_reference": finite(rows["value"])}, index=rows.index
    )


ENTRY = Task(
    name="measurement",
    measures=("bias", "mae", "agreement_limit_lower", "agreement_limit_upper", "icc"),
    needs=("measured value", "reference value in the same unit"),
    observe=observe,
    output="value_predicted",
)
