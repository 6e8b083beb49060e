"""The phantom: fractions, exact reference, independence of the pixel grid."""

from dataclasses import replace

import numpy as np
import pytest

from audit.simulation.anatomy import Anatomy, Focus, draw_frame, with_foci
from audit.simulation.phantom import THICKNESS_MM, TISSUES, draw_slice
from audit.simulation.scanners import ALDER, acquire
from audit.simulation.shapes import Ellipse, coverage, depth, grid


def drawn_anatomy(load: str, grade: int = 1, seed: int = 4) -> Anatomy:
    rng = np.random.default_rng(seed)
    return with_foci(draw_frame("F", 50, grade, rng), load, rng)


@pytest.mark.parametrize("load", ["none", "low", "high"])
def test_fractions_sum_to_one_and_are_shares(load: str) -> None:
    fractions = draw_slice(drawn_anatomy(load), 96, 2.2).fractions
    assert np.allclose(fractions.sum(axis=0), 1.0)
    assert fractions.min() >= -1e-12


def test_area_of_an_ellipse_is_exact_on_any_grid() -> None:
    for spacing in (0.8, 1.7):
        at = grid(128, spacing)
        area = coverage(depth(Ellipse(3.0, -7.0, 20.0, 35.0, 0.4), at), at).sum() * spacing**2
        assert area == pytest.approx(np.pi * 20 * 35, rel=0.005)


def test_volumes_hardly_depend_on_the_pixel_grid() -> None:
    fine, coarse = (draw_slice(drawn_anatomy("high"), size, mm) for size, mm in ((256, 0.9), (128, 1.8)))
    assert fine.ventricle_volume_ml == pytest.approx(coarse.ventricle_volume_ml, rel=0.01)
    assert fine.lesion_volume_ml == pytest.approx(coarse.lesion_volume_ml, rel=0.10)


def test_mask_volume_is_the_volume_and_only_lesions_are_in_it() -> None:
    drawn = draw_slice(drawn_anatomy("high"), 128, 1.72)
    assert drawn.lesion_volume_ml == pytest.approx(drawn.lesion_mask.sum() * 1.72**2 * THICKNESS_MM / 1000)
    lesion = drawn.fractions[TISSUES.index("lesion")]
    assert lesion[drawn.lesion_mask].min() > 0.15
    assert not draw_slice(drawn_anatomy("none"), 128, 1.72).lesion_mask.any()


def test_one_round_lesion_has_its_area() -> None:
    frame = drawn_anatomy("none")
    lesion = Focus(Ellipse(28.0, 12.0, 6.0, 6.0), 0.9, seed=1)
    area = draw_slice(replace(frame, lesions=(lesion,), mimics=()), 256, 0.9).lesion_mask.sum() * 0.81
    assert area == pytest.approx(np.pi * 36, rel=0.15)


def test_atrophy_widens_ventricles() -> None:
    volumes = [draw_slice(drawn_anatomy("none", grade), 128, 1.72).ventricle_volume_ml for grade in range(4)]
    assert volumes == sorted(volumes)
    assert volumes[3] > 1.8 * volumes[0]


def test_noise_free_contrast_follows_the_signal_equation() -> None:
    quiet = replace(ALDER, snr=1e9, shading=0.0, inflow=0.0, point_spread_mm=1e-6, scale=1000)
    drawn = draw_slice(drawn_anatomy("none"), 128, quiet.spacing_mm)
    image = acquire(drawn, quiet, np.random.default_rng(0)).astype(float)
    white, grey = (drawn.fractions[TISSUES.index(t)] > 0.999 for t in ("white", "grey"))
    assert white.sum() > 500
    assert np.median(image[grey]) / np.median(image[white]) == pytest.approx(1.26, abs=0.02)
