"""Known answers of the robustness arms: limits in which nothing changes, theory, and energy that grows with size."""

from typing import Any

import numpy as np
import pytest
from openjpeg.utils import decode, encode_array
from pydantic import ValidationError
from scipy.ndimage import gaussian_filter

from audit.engines import motion as movement
from audit.engines.coarsening import round_trip
from audit.engines.local import case_generator
from audit.engines.motion import trajectory
from audit.engines.perturbations import FWHM_PER_SD, perturbation
from audit.plan import Perturbation
from audit.records import BadInput, Image

SIDE = 96


def head(side: int = SIDE) -> Image:
    """A smooth disc of 700 with inserts on an empty background, whole numbers, 0.9 x 1.1 mm."""
    rows, columns = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    disc = 700.0 * (np.hypot(rows, columns) < 0.7)
    disc += 300.0 * (np.hypot(rows - 0.2, columns + 0.1) < 0.15) - 400.0 * (np.hypot(rows + 0.3, columns) < 0.1)
    return Image(np.rint(gaussian_filter(disc, 1.5)).astype(np.float32), (0.9, 1.1), {"manufacturer": "Alder"})


def alter(kind: Any, size: float, image: Image | None = None, case: str = "c1", seed: int = 3) -> Image:
    arm = Perturbation(name="x", kind=kind, size=size)
    return perturbation(arm)(image or head(), case_generator(seed, "candidate + x", case))


def energy(kind: Any, size: float) -> float:
    return float(np.square(alter(kind, size).pixels.astype(np.float64) - head().pixels).sum())


@pytest.mark.parametrize(
    ("kind", "size", "rtol"),
    [
        ("rician_noise", 1e-9, 1e-5),
        ("blur", 1e-6, 1e-6),
        ("gain", 1.0, 0),
        ("motion", 1e-7, 1e-4),
        ("contrast", 1.0, 1e-6),
        ("bias_field", 1e-9, 1e-6),
        ("spacing", 1.0, 0),
    ],
)
def test_nothing_changes_in_the_limit(kind: str, size: float, rtol: float) -> None:
    image = Image(head().pixels, (1.0 - 1e-9, 1.0 - 1e-9)) if kind == "spacing" else head()
    tolerance = 1e-3 if kind in ("spacing", "motion") else 1e-4
    np.testing.assert_allclose(alter(kind, size, image).pixels, image.pixels, rtol=rtol, atol=tolerance)


@pytest.mark.parametrize(
    ("kind", "sizes"),
    [
        ("rician_noise", (0.02, 0.05, 0.1, 0.3)),
        ("blur", (0.5, 1.0, 2.0, 4.0)),
        ("gain", (1.05, 1.1, 1.3)),
        ("motion", (0.1, 0.3, 1.0, 2.0)),
        ("contrast", (1.05, 1.2, 1.5)),
        ("compression", (4, 16, 64)),
        ("spacing", (1.2, 2.0, 4.0, 8.0)),
        ("bias_field", (0.1, 0.2, 0.4, 0.8)),
    ],
)
def test_more_size_is_more_change(kind: str, sizes: tuple[float, ...]) -> None:
    found = [energy(kind, size) for size in sizes]
    assert found[0] > 0
    assert found == sorted(found)
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("kind", ["rician_noise", "motion", "bias_field"])
def test_chance_follows_seed_and_case_alone(kind: str) -> None:
    first, again = alter(kind, 0.3), alter(kind, 0.3)
    assert first.pixels.tobytes() == again.pixels.tobytes()
    assert first.pixels.tobytes() != alter(kind, 0.3, case="c2").pixels.tobytes()
    assert first.pixels.tobytes() != alter(kind, 0.3, seed=4).pixels.tobytes()


@pytest.mark.parametrize("kind", ["rician_noise", "blur", "gain", "motion", "contrast", "spacing", "bias_field"])
def test_volumes_keep_shape_spacing_and_header(kind: str) -> None:
    flat = head(32)
    volume = Image(np.stack([flat.pixels, flat.pixels[::-1], 2 * flat.pixels]), (4.0, 0.9, 1.1), flat.header)
    altered = alter(kind, 1.5, volume)
    assert altered.pixels.shape == (3, 32, 32)
    assert altered.pixels.dtype == np.float32
    assert np.isfinite(altered.pixels).all()
    assert (altered.spacing_mm, altered.header) == (volume.spacing_mm, volume.header)


def test_noise_is_rayleigh_in_air_and_nearly_normal_in_tissue() -> None:
    pixels = np.zeros((256, 256), np.float32)
    pixels[:, 128:] = 1000
    noisy = alter("rician_noise", 0.08, Image(pixels, None)).pixels
    sigma = 0.08 * 500
    air, tissue = noisy[:, :128], noisy[:, 128:]
    assert air.mean() == pytest.approx(sigma * np.sqrt(np.pi / 2), rel=0.01)
    assert air.std() == pytest.approx(sigma * np.sqrt(2 - np.pi / 2), rel=0.01)
    assert tissue.std() == pytest.approx(sigma, rel=0.01)
    assert tissue.mean() == pytest.approx(np.hypot(1000, sigma), abs=0.5)


def test_blur_of_a_point_has_the_stated_width_in_mm() -> None:
    point = np.zeros((101, 101), np.float32)
    point[50, 50] = 1
    spread = alter("blur", 6.0, Image(point, (0.5, 1.0))).pixels.astype(np.float64)
    for profile, spacing in ((spread.sum(axis=1), 0.5), (spread.sum(axis=0), 1.0)):
        place = spacing * (np.arange(101) - 50)
        assert FWHM_PER_SD * np.sqrt(profile @ place**2 / profile.sum()) == pytest.approx(6.0, rel=0.01)
    assert spread.sum() == pytest.approx(1)


def test_motion_that_ends_before_the_first_line_is_a_shift(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every line from a patient displaced by whole pixels: the picture shifted by so many pixels."""
    place = np.array([3 * 0.9, -2 * 1.1]) / 2.0
    monkeypatch.setattr(movement, "trajectory", lambda lines, generator: np.tile(place, (lines, 1)))
    shifted = alter("motion", 2.0).pixels
    np.testing.assert_allclose(shifted, np.roll(head().pixels, (3, -2), axis=(0, 1)), atol=1e-3)


def test_motion_between_two_halves_mixes_two_shifted_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines before the centre come from the displaced patient, the rest from the resting one: their sum is linear."""
    place = np.zeros((SIDE, 2))
    place[: SIDE // 2] = (4 * 0.9, 0.0)
    monkeypatch.setattr(movement, "trajectory", lambda lines, generator: place)
    pixels = head().pixels.astype(np.float64)
    first = np.fft.fftfreq(SIDE)[:, None] < 0
    parts = np.where(first, np.fft.fft2(np.roll(pixels, 4, axis=0)), np.fft.fft2(pixels))
    np.testing.assert_allclose(alter("motion", 1.0).pixels, np.abs(np.fft.ifft2(parts)), atol=1e-3)


def test_trajectory_rests_at_the_centre_and_has_unit_length() -> None:
    for lines in (1, 2, 7, 64, 129):
        places = trajectory(lines, np.random.default_rng(lines))
        assert not places[lines // 2].any()
        length = np.sqrt(np.square(places).sum(axis=1).mean())
        assert length == pytest.approx(1) or not places.any()
    assert np.unique(trajectory(129, np.random.default_rng(1)), axis=0).shape[0] <= movement.MOVEMENTS + 1


def test_motion_ghosts_run_along_the_phase_encoding_axis() -> None:
    """A bar across the whole field in read direction stays uniform along it, and leaks along the other axis."""
    bar = np.zeros((64, 64), np.float32)
    bar[28:36] = 100
    ghosted = alter("motion", 1.5, Image(bar, (1.0, 1.0))).pixels
    np.testing.assert_allclose(ghosted, np.repeat(ghosted[:, :1], 64, axis=1), atol=1e-3)
    assert ghosted[:20].max() > 0.5


def test_contrast_keeps_air_and_pivot_and_turns_ratios_into_powers() -> None:
    pixels = np.zeros((40, 40), np.float32)
    pixels[:10], pixels[10:20] = 100, 300
    altered = alter("contrast", 1.5, Image(pixels, None)).pixels
    assert not altered[20:].any()
    assert altered[15, 0] == 300  # the image's mean is 100, so that the foreground is the brighter tissue alone
    assert altered[5, 0] == pytest.approx(300 / 3**1.5, rel=1e-6)
    flat = Image(np.full((4, 4), 7, np.float32), None)
    np.testing.assert_array_equal(alter("contrast", 2.0, flat).pixels, flat.pixels)


def test_compression_keeps_the_stated_ratio_and_small_ratios_nearly_everything() -> None:
    image = head(256)
    light, heavy = (np.abs(alter("compression", r, image).pixels - image.pixels).max() for r in (2, 80))
    assert light <= 1
    assert light < heavy
    stream = encode_array(
        image.pixels.astype(np.uint16), bits_stored=10, photometric_interpretation=2, compression_ratios=[10]
    )
    assert len(stream) <= 1.02 * 256 * 256 * 10 / 8 / 10
    np.testing.assert_array_equal(decode(stream, j2k_format=0), alter("compression", 10, image).pixels)


def test_compression_of_other_images() -> None:
    unit = Image(head().pixels / np.float32(1000) - np.float32(0.5), None)
    assert np.abs(alter("compression", 2, unit).pixels - unit.pixels).max() < 1e-2
    flat = Image(np.full((40, 40), 3.5, np.float32), None)
    np.testing.assert_array_equal(alter("compression", 9, flat).pixels, flat.pixels)
    with pytest.raises(BadInput, match="8 x 8 pixels"):
        alter("compression", 9, Image(np.eye(8, dtype=np.float32), None))


def test_spacing_averages_blocks_exactly() -> None:
    """Coarse pixels of four: their means are block means, and a ramp comes back as itself away from the border."""
    ramp = np.arange(32.0)
    back = round_trip(32, 1.0, 4.0) @ ramp
    np.testing.assert_allclose(back[2:-2], ramp[2:-2])
    np.testing.assert_allclose(round_trip(31, 0.7, 1.9).sum(axis=1), 1)
    coarse = alter("spacing", 3.6, head()).pixels
    assert coarse.mean() == pytest.approx(head().pixels.mean(), rel=0.01)
    step = np.zeros((32, 32), np.float32)
    step[:, 16:] = 1
    volume = alter("spacing", 4.0, Image(np.stack([step, step]), (5.0, 1.0, 1.0))).pixels
    np.testing.assert_array_equal(volume[0], volume[1])
    assert volume[0, 0, 13] == 0
    assert volume[0, 0, 15] == pytest.approx(0.375)


def test_bias_field_has_the_stated_range_and_is_smooth() -> None:
    flat = Image(np.full((64, 48), 100, np.float32), None)
    field = alter("bias_field", 0.4, flat).pixels / 100
    assert (field.min(), field.max()) == (pytest.approx(0.8), pytest.approx(1.2))
    assert np.abs(np.diff(field, axis=0)).max() < 0.1
    rows, columns = np.mgrid[-1:1:64j, -1:1:48j]
    terms = [rows**i * columns**j for i in range(4) for j in range(4 - i)]
    basis = np.stack([term.ravel() for term in terms], axis=1)
    residual = np.linalg.lstsq(basis, field.ravel().astype(np.float64), rcond=None)[1]
    assert residual[0] < 1e-8


def test_what_an_arm_cannot_do_is_said() -> None:
    plain = head()
    bare, signed = Image(plain.pixels, None), Image(plain.pixels - 500, plain.spacing_mm)
    for kind in ("blur", "motion", "spacing"):
        with pytest.raises(BadInput, match="needs the pixel spacing"):
            alter(kind, 2.0, bare)
    for kind in ("rician_noise", "motion", "contrast"):
        with pytest.raises(BadInput, match="magnitude image"):
            alter(kind, 0.5, signed)
    with pytest.raises(BadInput, match=r"0\.8 mm is not coarser than the image's own 0\.9 x 1\.1 mm"):
        alter("spacing", 0.8)
    with pytest.raises(ValidationError, match="ratio must exceed 1"):
        Perturbation(name="x", kind="compression", size=1.0)
    with pytest.raises(ValidationError, match="negative factors"):
        Perturbation(name="x", kind="bias_field", size=2.0)
