"""Triage and notification: a flag raised at the operating point, and the time until it is there (21 CFR 892.2080)."""

from __future__ import annotations

import pandas as pd

from audit.tasks.classification import observe as classified
from audit.tasks.task import Readings, Task, finite


def observe(readings: Readings) -> pd.DataFrame:
    """Score, reference and flag (``decision``) as in classification, and ``seconds`` to the device's answer.

    Recorded predictions bring the seconds in the column that the target names; an opened model is timed in the pass.
    """
    return classified(readings).assign(seconds=finite(readings.rows["seconds"]))


ENTRY = Task(
    name="triage",
    measures=("sensitivity", "specificity", "notification_median", "notification_p90", "notification_mean", "auroc",
              "ppv", "npv"),
    needs=("score", "reference value 0 or 1", "operating point", "seconds to notification"),
    observe=observe,
    output="score",
    kin="classification",
)  # fmt: skip
