"""On which scale levels are pooled: as they are, or on the logit scale when one lies near 0 or 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from audit.analyses.study import Level, Panel
from audit.records import FloatArray, Interval

NEAR_ONE = 0.95
LOGIT = "logit scale"


@dataclass(frozen=True, slots=True)
class Scaled:
    """Estimates and their covariance on the scale they are pooled on; ``note`` says which, empty for the natural."""

    estimates: FloatArray
    covariance: FloatArray
    logit: bool
    note: str

    def back(self, value: float) -> float:
        return float(expit(value)) if self.logit else value

    def back_interval(self, interval: Interval) -> Interval:
        method = interval.method + self.note
        return Interval(self.back(interval.low), self.back(interval.high), method, interval.confidence)


def scaled(panel: Panel, levels: Sequence[Level], on_logit: bool = False) -> Scaled:
    """The levels of a panel on the scale for pooling.

    Natural unless a value lies above 0.95 or below 0.05, or ``on_logit``; a value of exactly 0 or 1 enters the logit
    scale as (n v + 1/2) / (n + 1) with n patients, and the note says so.
    """
    values = np.array([level.value for level in levels])
    covariance = panel.covariance(levels)
    if not on_logit and values.max() <= NEAR_ONE and values.min() >= 1 - NEAR_ONE:
        return Scaled(values, covariance, False, "")
    edge = (values <= 0) | (values >= 1)
    size = np.array([level.n_patients for level in levels], dtype=np.float64)
    inner = np.where(edge, (size * values + 0.5) / (size + 1), values)
    slope = 1 / (inner * (1 - inner))
    named = ", ".join(level.name for level, at in zip(levels, edge, strict=True) if at)
    note = f", {LOGIT}" + (f" (half a case added to {named}, which lies at its bound)" if named else "")
    return Scaled(np.asarray(logit(inner)), covariance * np.outer(slope, slope), True, note)
