"""Which voxels a model's output puts inside a target."""

import numpy as np
import pytest

from audit.engines.classes import inside
from audit.records import BadInput

LABEL_MAP = np.array([[0.0, 1.0], [2.0, 2.0]], dtype=np.float32)


def test_probabilities_without_labels_stay_as_they_are():
    probabilities = np.array([[0.1, 0.9]])
    assert inside(probabilities, (), 2, "o") is probabilities


def test_labels_of_a_label_map():
    assert inside(LABEL_MAP, (2,), 2, "o").tolist() == [[0, 0], [1, 1]]
    assert inside(LABEL_MAP, (1, 2), 2, "o").tolist() == [[0, 1], [1, 1]]


def test_the_largest_class_counts_and_the_first_of_equal_ones():
    scores = np.array([[[0.5, 0.1]], [[0.5, 0.2]], [[0.1, 0.7]]])
    assert inside(scores, (2,), 2, "o").tolist() == [[0, 1]]
    assert inside(scores, (1,), 2, "o").tolist() == [[0, 0]]


@pytest.mark.parametrize(
    ("value", "labels", "words"),
    [
        (np.zeros((3, 2, 2)), (), "'o' has 3 classes; name one under 'label'"),
        (np.full((2, 2), 0.5), (1,), "no label map: it holds fractions"),
        (np.zeros(4), (), "has 1 axes; the image has 2"),
    ],
)
def test_what_cannot_be_a_mask_is_said(value, labels, words):
    with pytest.raises(BadInput, match=words):
        inside(value, labels, 2, "o")
