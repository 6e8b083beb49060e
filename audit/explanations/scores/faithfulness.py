"""Deletion and insertion: what happens to the output when regions go, or come, in the order of the map.

The image is cut into cells (``cells``); cells are replaced by the baseline, or put back into it, those with most
attribution first. The same is done in random orders, which is what a map that says nothing would give. Areas under the
curves are in units of the range that the output takes on any of them, so that they lie between 0 and 1.
Sources: Samek et al., IEEE Trans Neural Netw Learn Syst 2017;28:2660; Petsiuk, Das and Saenko, BMVC 2018.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from audit.explanations.baselines import baseline_images
from audit.explanations.cells import cell_index, cell_means
from audit.explanations.outputs import outputs_of
from audit.explanations.scalar import ScalarOutput
from audit.explanations.scores.score import ExaminedMap, Scored
from audit.records import FloatArray, IntArray, Pixels, Undefined

STEPS, RANDOM_ORDERS = 16, 3
FLAT = "the output is the same however much of the image is covered"


def gain(examined: ExaminedMap, insert: bool) -> Scored:
    """Area between the curve of the map and the mean curve of random orders; above 0 is better than chance."""
    shape = examined.pixels.shape[2:]
    means = cell_means(examined.attribution)
    order = np.argsort(-means, kind="stable").astype(np.int64)
    curve = curve_of(examined.scalar, examined.pixels, order, insert)
    chance = _random_curves(_Key(examined.scalar, examined.pixels), means.size, examined.terms.seed(0), insert)
    lowest, highest = min(curve.min(), chance.min()), max(curve.max(), chance.max())
    if highest - lowest <= 1e-6 * max(1.0, abs(highest)):
        return Scored(Undefined(FLAT))
    own, random = ((area(each) - lowest) / (highest - lowest) for each in (curve, chance.mean(axis=0)))
    value = own - random if insert else random - own
    return Scored(value, f"area {own:.4f}, in random order {random:.4f}, {means.size} cells of {shape}")


def area(curve: FloatArray) -> float:
    """Area under a curve over shares from 0 to 1, by trapezia."""
    return float(np.mean((curve[1:] + curve[:-1]) / 2))


def curve_of(scalar: ScalarOutput, image: Pixels, order: IntArray, insert: bool) -> FloatArray:
    """Outputs after 0, 1/16, ..., all cells were replaced (or put back) in ``order``."""
    index = cell_index(image.shape[2:])
    given, baseline = image[0, 0], baseline_images(scalar, image)[1][0, 0]
    rank = np.empty(order.size, dtype=np.int64)
    rank[order] = np.arange(order.size)
    counts = np.round(np.linspace(0, order.size, STEPS + 1))
    changed = (rank[index] < count for count in counts)
    inside, outside = (given, baseline) if insert else (baseline, given)
    return outputs_of(scalar, image, (np.where(each, inside, outside) for each in changed))


class _Key:
    """An image under one output: curves of random orders serve every method."""

    def __init__(self, scalar: ScalarOutput, image: Pixels) -> None:
        self.scalar, self.image = scalar, image
        self.name = (id(scalar), image.shape, image.tobytes())

    def __hash__(self) -> int:
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.name == other.name


@lru_cache(maxsize=4)
def _random_curves(key: _Key, cells: int, seed: int, insert: bool) -> FloatArray:
    generator = np.random.default_rng(seed)
    orders = [generator.permutation(cells) for _ in range(RANDOM_ORDERS)]
    return np.stack([curve_of(key.scalar, key.image, order, insert) for order in orders])
