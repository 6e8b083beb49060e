"""What a clinical lead sees of a detection case: lesions solid, marks dashed, every outcome in words."""

import io

import numpy as np
import pytest
from PIL import Image as Picture

from audit.explanations.mark_pictures import COLOURS, Spot, marks_png
from audit.explanations.overlays import PANEL, TEXT
from audit.records import Image

FLAT = Image(np.tile(np.arange(100, dtype=np.float32), (100, 1)), (0.5, 0.5), {})
AXIAL = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))


def drawn(spots, image=FLAT, **further):
    data = marks_png(image, spots, ["case 1"], "caption", **({"simulated": False} | further))
    return np.asarray(Picture.open(io.BytesIO(data)).convert("RGB")).astype(int)


def of_colour(page, kind):
    return np.abs(page - COLOURS[kind]).max(axis=2) <= 2


def side(page, kind, row):
    """Whether the dots of a box's upper side, at ``row`` of the image, bear the colour of its kind."""
    top = page.shape[0] - PANEL - 20 - 34  # one line of caption
    return of_colour(page, kind)[top + round(row * PANEL / 100)]


def test_lesions_are_solid_and_marks_dashed():
    lesion = side(drawn([Spot("missed", 20, 30, 40, 40)]), "missed", 30)
    mark = side(drawn([Spot("false", 20, 30, 40, 40, rating=0.61)]), "false", 30)
    assert lesion.sum() >= 0.4 * PANEL
    assert 0.4 * lesion.sum() < mark.sum() < 0.7 * lesion.sum()


@pytest.mark.parametrize("kind", ["hit", "false", "missed"])
def test_every_outcome_has_a_word_of_its_own_colour(kind):
    rating = None if kind == "missed" else 0.5
    point = of_colour(drawn([Spot(kind, 50, 50, rating=rating)]), kind)
    assert point.sum() > 150  # the cross or circle, and its word
    assert not of_colour(drawn([]), kind).any()


def test_a_volume_shows_the_slice_of_the_missed_lesion():
    voxels = np.zeros((9, 40, 40), np.float32)
    voxels[6, 10:20, 10:20] = 1.0
    image = Image(voxels, (3.0, 1.0, 1.0), {}, (0.0, 0.0, 0.0), AXIAL)
    missed, false = Spot("missed", 8, 8, 14, 14, 5, 3), Spot("false", 30, 30, 4, 4, 1, 1, rating=0.9)
    page = drawn([false, missed], image)
    assert of_colour(page, "missed").any()
    assert not of_colour(page, "false").any()
    assert page.shape[0] > drawn([missed]).shape[0] + TEXT  # a line says which slice, and what lies elsewhere


def test_the_same_case_gives_the_same_bytes():
    spots = [
        Spot("reference", 5, 5, 20, 20),
        Spot("hit", 6, 6, 20, 20, rating=0.9),
        Spot("hit", 8, 9, 20, 20, rating=0.8),
    ]
    one, two = (marks_png(FLAT, spots, ["case 1"], "caption", True) for _ in range(2))
    assert one == two
