"""Binary classification: a score, a threshold, a 0/1 reference standard."""

from __future__ import annotations

import numpy as np
import pandas as pd

from audit.tasks.task import Readings, Task


def observe(readings: Readings) -> pd.DataFrame:
    """Score, reference and decision (score at or above the operating point) of each case.

    Any finite score is accepted: AUROC needs order only. A score that is not finite is missing; without an operating
    point no case has a decision.
    """
    score = readings.rows["score"].to_numpy(dtype=np.float64, na_value=np.nan)
    score = np.where(np.isfinite(score), score, np.nan)
    point = readings.operating_point
    threshold = point.threshold if point else np.nan
    decided = np.isfinite(score) & np.isfinite(threshold)
    decision = np.where(decided, score >= threshold, np.nan).astype(np.float64)
    return pd.DataFrame(
        {
            "score": score,
            "reference": readings.rows["value"].to_numpy(dtype=np.float64, na_value=np.nan),
            "decision": decision,
        },
        index=readings.rows.index,
    )


ENTRY = Task(
    name="classification",
    measures=(
        "auroc",
        "sensitivity",
        "specificity",
        "ppv",
        "npv",
        "balanced_accuracy",
        "f1",
        "mcc",
        "positive_likelihood_ratio",
        "negative_likelihood_ratio",
        "average_precision",
        "brier",
        "scaled_brier",
        "calibration_slope",
        "calibration_intercept",
        "ici",
        "e50",
        "e90",
    ),
    needs=("score", "reference value 0 or 1"),
    observe=observe,
    output="score",
)
