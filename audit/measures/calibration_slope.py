"""Calibration slope: 1 is ideal, below 1 the probabilities are too extreme, above 1 too timid."""

from __future__ import annotations

from audit.measures.calibration_line import Recalibration
from audit.measures.measure import Measure
from audit.records import Rows, Undefined
from audit.statistics.calibration import calibration_line


def _fit(rows: Rows) -> tuple[float, float] | Undefined:
    found = calibration_line(rows.columns["score"], rows.columns["reference"], rows.patient)
    return found if isinstance(found, Undefined) else (found.intercept.value, found.slope.value)


ENTRY = Measure(
    name="calibration_slope",
    title="calibration slope",
    unit="log odds per log odds",
    low=None,
    high=None,
    direction="nearer",
    tasks=("classification",),
    columns=("score", "reference"),
    source="Cox, Biometrika 1958;45:562; Van Calster et al., BMC Med 2019;17:230",
    estimator=Recalibration(_fit, fixed_slope=False),
    ideal=1.0,
    dual="calibration_slope",
)
