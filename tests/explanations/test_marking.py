"""Marks in pictures of maps that may not be used."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image as Picture

from audit.explanations.marking import CAREFUL, FAILS, UNUSABLE, VERMILION, YELLOW, mark_of, marked_pictures, marked_png
from audit.explanations.overlays import Legend, overlay_png
from audit.records import Image
from tests.explanations.conftest import lesion_image


def overlay() -> bytes:
    image = Image(lesion_image()[0, 0], (1.0, 1.0))
    return overlay_png(image, image.pixels, None, ["c1"], Legend("Occlusion", "score", True), False)


@pytest.mark.parametrize(
    ("verdict", "sanity", "words"),
    [("not usable", "not passed", FAILS), ("not usable", "passed", UNUSABLE), ("with care", "not shown", CAREFUL),
     ("usable", "passed", "")],
)  # fmt: skip
def test_what_a_verdict_writes_into_a_picture(verdict: str, sanity: str, words: str) -> None:
    assert mark_of(verdict, sanity) == words


@pytest.mark.parametrize(("words", "colour"), [(FAILS, VERMILION), (UNUSABLE, VERMILION), (CAREFUL, YELLOW)])
def test_the_band_stands_above_the_untouched_picture(words: str, colour: tuple[int, int, int]) -> None:
    before, data = overlay(), marked_png(overlay(), words)
    assert data == marked_png(before, words)
    with Picture.open(io.BytesIO(data)) as marked, Picture.open(io.BytesIO(before)) as plain:
        band = marked.height - plain.height
        assert band > 30
        assert marked.width == plain.width
        np.testing.assert_array_equal(np.asarray(marked)[band:], np.asarray(plain))
        top = np.asarray(marked)[:band].reshape(-1, 3)
        assert (top == colour).all(axis=1).mean() > 0.5
        assert len(np.unique(top, axis=0)) > 2, "the words stand in it"


def test_usable_maps_and_cases_without_a_picture_get_none() -> None:
    overlays = ["explanations/candidate/1.a.png", "explanations/candidate/1.b.png", None]
    rows = pd.DataFrame({"version": "candidate", "target": "t", "method": ["a", "b", "b"], "overlay": overlays})
    verdicts = pd.DataFrame({"version": "candidate", "target": "t", "method": ["a", "b"],
                             "verdict": ["usable", "not usable"], "sanity": "passed"})  # fmt: skip
    assert list(marked_pictures(rows, verdicts, lambda _: overlay())) == ["explanations/marked/candidate/1.b.png"]
    assert marked_pictures(rows, verdicts.iloc[:0], lambda _: overlay()) == {}
