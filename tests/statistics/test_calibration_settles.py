"""The recalibration model answers or says why not, however close to separation the scores are."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.records import Undefined
from audit.statistics.calibration import calibration_in_the_large, calibration_line

CASES = st.lists(
    st.tuples(st.sampled_from([1e-7, 1e-4, 0.02, 0.4, 0.5, 0.9, 0.9999, 1 - 1e-7]), st.booleans(), st.integers(0, 3)),
    min_size=2,
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(CASES)
def test_finite_or_undefined(cases: list[tuple[float, bool, int]]) -> None:
    score, positive, patient = (np.array(column) for column in zip(*cases, strict=True))
    line = calibration_line(score, positive, patient)
    large = calibration_in_the_large(score, positive, patient)
    found = [large] if isinstance(line, Undefined) else [line.intercept, line.slope, large]
    for each in found:
        if isinstance(each, Undefined):
            assert each.reason
        else:
            assert math.isfinite(each.interval.low)
            assert each.interval.low < each.interval.high
