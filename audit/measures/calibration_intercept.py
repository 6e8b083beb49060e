"""Calibration in the large: intercept at slope 1; 0 is ideal, above 0 the probabilities are too low."""

from __future__ import annotations

from audit.measures.calibration_line import Recalibration
from audit.measures.measure import Measure
from audit.records import Rows, Undefined
from audit.statistics.calibration import calibration_in_the_large


def _fit(rows: Rows) -> tuple[float, float] | Undefined:
    found = calibration_in_the_large(rows.columns["score"], rows.columns["reference"], rows.patient)
    return found if isinstance(found, Undefined) else (found.value, 1.0)


ENTRY = Measure(
    name="calibration_intercept",
    title="calibration in the large",
    unit="log odds",
    low=None,
    high=None,
    direction="nearer",
    tasks=("classification",),
    columns=("score", "reference"),
    source="Cox, Biometrika 1958;45:562; Van Calster et al., BMC Med 2019;17:230",
    estimator=Recalibration(_fit, fixed_slope=True),
    ideal=0.0,
)
