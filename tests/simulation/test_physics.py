"""The simulator's physics against closed forms and published statistics."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ive

from audit.simulation.noise import rician
from audit.simulation.relaxation import PROTON_DENSITY, T1_MS, T2_MS, flair_signal, null_inversion_time
from audit.simulation.scanners import ALDER, BIRCH, CEDAR, DOGWOOD, SCANNERS, SEEN_BY_V1, Scanner, tissue_signals

T1 = st.floats(200.0, 5000.0)
TIMES = st.floats(4000.0, 15000.0)


def test_null_point_of_a_long_repetition_time_is_ln2_t1() -> None:
    assert null_inversion_time(4300.0, 1e6) == pytest.approx(math.log(2) * 4300.0, rel=1e-9)
    assert flair_signal(1.0, 4300.0, 1800.0, 1e6, math.log(2) * 4300.0, 120.0) == pytest.approx(0.0, abs=1e-12)


@given(t1=T1, tr=TIMES)
def test_signal_vanishes_at_the_null_point_and_changes_sign_there(t1: float, tr: float) -> None:
    null = null_inversion_time(t1, tr)
    assert flair_signal(1.0, t1, 100.0, tr, null, 100.0) == pytest.approx(0.0, abs=1e-12)
    assert flair_signal(1.0, t1, 100.0, tr, 0.9 * null, 100.0) < 0 < flair_signal(1.0, t1, 100.0, tr, 1.1 * null, 100.0)


@given(te=st.floats(20.0, 200.0), t2=st.floats(20.0, 2000.0), density=st.floats(0.1, 1.0))
def test_signal_decays_with_t2_and_scales_with_density(te: float, t2: float, density: float) -> None:
    one = flair_signal(density, 900.0, t2, 9000.0, 2500.0, te)
    assert flair_signal(density, 900.0, t2, 9000.0, 2500.0, te + t2) == pytest.approx(one / math.e)
    assert flair_signal(1.0, 900.0, t2, 9000.0, 2500.0, te) * density == pytest.approx(one)


@pytest.mark.parametrize("scanner", SCANNERS, ids=lambda s: s.manufacturer)
def test_lesions_outshine_grey_and_grey_outshines_white(scanner: Scanner) -> None:
    signals = tissue_signals(scanner)
    assert signals["lesion"] > signals["grey"] > signals["white"] == 1.0 > signals["bone"]


def test_only_the_makers_seen_by_version_1_suppress_csf() -> None:
    assert all(abs(tissue_signals(scanner)["csf"]) < 0.02 for scanner in SEEN_BY_V1)
    assert all(abs(tissue_signals(scanner)["csf"]) > 0.3 for scanner in (CEDAR, DOGWOOD))


def test_every_tissue_has_relaxation_times_at_both_field_strengths() -> None:
    assert set(T1_MS[1.5]) == set(T1_MS[3.0]) == set(T2_MS) == set(PROTON_DENSITY)


def test_makers_differ_in_every_physical_property() -> None:
    for name in ("snr", "shading", "point_spread_mm", "scale", "spacing_mm", "te"):
        assert len({getattr(scanner, name) for scanner in SCANNERS}) == 4, name
    fields = {scanner.manufacturer: scanner.field_strength_t for scanner in SCANNERS}
    assert fields[ALDER.manufacturer] == fields[DOGWOOD.manufacturer] != fields[BIRCH.manufacturer]


@pytest.mark.parametrize("signal", [0.0, 1.0, 3.0])
def test_rician_moments(signal: float) -> None:
    """Mean with the Laguerre polynomial L_1/2 in Bessel functions, second moment A^2 + 2 SD^2 (Rice 1944)."""
    sd, n = 0.8, 400_000
    drawn = rician(np.full(n, signal), sd, np.random.default_rng(3))
    x = signal**2 / (4 * sd**2)
    mean = sd * math.sqrt(math.pi / 2) * ((1 + 2 * x) * ive(0, x) + 2 * x * ive(1, x))
    assert drawn.mean() == pytest.approx(mean, abs=5 * sd / math.sqrt(n))
    assert (drawn**2).mean() == pytest.approx(signal**2 + 2 * sd**2, rel=0.01)


def test_rician_noise_keeps_only_the_magnitude_of_a_negative_signal() -> None:
    up, down = (rician(np.full(50_000, s), 0.5, np.random.default_rng(1)).mean() for s in (2.0, -2.0))
    assert up == pytest.approx(down, abs=0.02)
