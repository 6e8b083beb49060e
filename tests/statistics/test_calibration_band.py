"""The calibration curve on a grid: statsmodels' lowess, and a band that holds the truth."""

import numpy as np
import pytest
from statsmodels.nonparametric.smoothers_lowess import lowess

from audit.records import Interval, Undefined
from audit.statistics.calibration_band import calibration_band, local_weights


def drawn(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 4, n)
    return p, rng.uniform(size=n) < p


def test_it_is_the_lowess_of_statsmodels() -> None:
    p, y = drawn(400, 1)
    at = np.quantile(p, [0.01, 0.3, 0.5, 0.9, 0.99])
    found = calibration_band(p, y, np.arange(400), at)
    expected = lowess(y.astype(float), p, frac=2 / 3, it=0, xvals=at)
    assert [point.value for point in found] == pytest.approx(np.clip(expected, 0, 1), abs=1e-9)
    assert local_weights(p, 0.3).sum() == pytest.approx(1)


def test_the_band_holds_the_diagonal_of_a_calibrated_score() -> None:
    held = 0
    for seed in range(60):
        p, y = drawn(250, seed)
        for point in calibration_band(p, y, np.arange(250), [0.1, 0.2, 0.4]):
            assert isinstance(point.interval, Interval)
            held += point.interval.low <= point.at <= point.interval.high
    assert 0.90 <= held / 180 <= 0.99


def test_copies_within_patients_tell_nothing_new() -> None:
    p, y = drawn(300, 3)
    one = calibration_band(p, y, np.arange(300), [0.2])[0]
    four = calibration_band(np.tile(p, 4), np.tile(y, 4), np.tile(np.arange(300), 4), [0.2])[0]
    assert four.value == pytest.approx(one.value, abs=1e-6)
    assert four.interval.high - four.interval.low == pytest.approx(one.interval.high - one.interval.low, rel=0.02)


def test_undefined() -> None:
    assert isinstance(calibration_band([0.2] * 20, [0, 1] * 10, range(20), [0.2]), Undefined)
    assert isinstance(calibration_band(np.linspace(0, 1, 20), [1] * 20, range(20), [0.2]), Undefined)
