"""Calibration slope: 1 is ideal, below 1 the probabilities are too extreme, above 1 too timid."""

from __future__ import annotations

from audit.measures.calibration_line import Recalibration
from audit.measures.measure import Measure
from audit.records import Rows, Undefined
from audit.statistics.calibration import CalibrationLine, Coefficient, calibration_line


def _line(rows: Rows, confidence: float = 0.95) -> CalibrationLine | Undefined:
    return calibration_line(rows.columns["score"], rows.columns["reference"], rows.patient, confidence)


def _slope(rows: Rows, confidence: float) -> Coefficient | Undefined:
    found = _line(rows, confidence)
    return found if isinstance(found, Undefined) else found.slope


def _coefficients(rows: Rows) -> tuple[float, float] | Undefined:
    found = _line(rows)
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
    estimator=Recalibration(_slope, _coefficients, fixed_slope=False),
    ideal=1.0,
)
