"""Marks come back to the image from a turned and from a resized input, whichever way the network counts."""

import numpy as np
import pytest
import torch

from audit.models.model import Loaded
from audit.models.preprocessing import preprocessing
from audit.models.slots import are_slots, placed

ROWS, COLUMNS = 12, 20
BOX = (13.0, 2.0, 4.0, 3.0)
"""x, y, width, height of the bright box in the image."""


def image():
    pixels = torch.zeros(1, 1, ROWS, COLUMNS)
    x, y, width, height = map(int, BOX)
    pixels[..., y : y + height, x : x + width] = 1
    return pixels


def finder(axes):
    """A network that marks the extent of what is bright, in pixels of its own input."""

    def run(batch):
        first, last = (torch.nonzero((batch[0, 0] > 0.5).any(dim=d)).flatten() for d in (1, 0))
        low = [float(first[0]), float(last[0])]
        size = [float(len(first)), float(len(last))]
        if axes == "columns_first":
            low, size = low[::-1], size[::-1]
        return {"finding": torch.tensor([[[*low, *size, 0.9], [0, 0, 0, 0, -torch.inf]]])}

    return run


@pytest.mark.parametrize("axes", ["columns_first", "rows_first"])
@pytest.mark.parametrize("x_first", [False, True])
@pytest.mark.parametrize("resized", [False, True])
def test_the_box_is_found_where_it_is(axes, x_first, resized):
    size = [2 * COLUMNS, 3 * ROWS] if x_first else [3 * ROWS, 2 * COLUMNS]
    steps = preprocessing([{"step": "Resize", "spatial_size": size, "mode": "nearest"}] if resized else [], "test")
    loaded = Loaded(("finding",), preprocessing=steps, x_first=x_first, mark_axes=axes)
    found = loaded.around(finder(axes), image())["finding"]
    np.testing.assert_allclose(found[0, 0], [*BOX, 0.9], rtol=1e-6)
    assert torch.isneginf(found[0, 1, -1])


def test_points_of_a_volume_are_reversed():
    value = torch.tensor([[[1.0, 2.0, 3.0, 0.5]]])
    turned = placed(value, (4, 5, 6), (8, 5, 6), x_first=True, axes="columns_first")
    np.testing.assert_allclose(turned[0, 0], [6.0, 2.0, 1.0, 0.5])
    same = placed(value, (4, 5, 6), (4, 5, 6), x_first=True, axes="rows_first")
    np.testing.assert_allclose(same, value)


def test_a_map_is_no_list_of_slots():
    assert not are_slots(torch.zeros(2, 7, 5), (7, 5))
    assert are_slots(torch.zeros(2, 7, 5), (8, 5))
    assert not are_slots(torch.zeros(2, 7, 4), (8, 8))
    assert not are_slots(torch.zeros(2, 1), (8, 8))


def test_a_turned_map_without_its_channel_comes_back():
    loaded = Loaded(("mask",), x_first=True)
    found = loaded.around(lambda batch: {"mask": batch[:, 0]}, image())["mask"]
    np.testing.assert_array_equal(found[0], image()[0, 0])
