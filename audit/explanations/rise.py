"""RISE: which parts of the image are shown when the output is high, over random masks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.ndimage import zoom

from audit.explanations.baselines import baseline_images
from audit.explanations.method import USUAL, Attribution, Terms, VisualMethod
from audit.explanations.outputs import outputs_of
from audit.explanations.scalar import ScalarOutput
from audit.records import Pixels

MASKS, SHOWN = 512, 0.5
PLANE, VOLUME = 8, 4


def explain(scalar: ScalarOutput, pixels: Pixels, terms: Terms = USUAL) -> Attribution:
    """Mean output of the masks that show a pixel, minus the mean over all masks.

    512 masks of 8 cells a side (4 in a volume), half of them shown, enlarged linearly and shifted at random; what is
    not shown is the baseline. The paper leaves the mean over all masks in, which changes no order.
    """
    name, baseline = baseline_images(scalar, pixels)
    maps = np.stack([_one(scalar, pixels[i : i + 1], baseline[i, 0], terms.seed(i)) for i in range(len(pixels))])
    notes = tuple("" if one.any() else "no mask changes the output: the map is zero" for one in maps)
    return Attribution(maps, None, None, notes, name)


def _one(scalar: ScalarOutput, image: Pixels, baseline: Pixels, seed: int) -> Pixels:
    shape = image.shape[2:]
    given = image[0, 0]
    outputs = outputs_of(scalar, image, (mask * given + (1 - mask) * baseline for mask in random_masks(shape, seed)))
    centred = outputs - outputs.mean()
    if not np.any(np.abs(centred) > 1e-7 * max(1.0, float(np.abs(outputs).max()))):
        return np.zeros(shape, dtype=np.float32)
    weighted, shown = np.zeros(shape), np.zeros(shape)
    for value, mask in zip(centred, random_masks(shape, seed), strict=True):
        weighted += value * mask
        shown += mask
    return np.asarray(weighted / shown, dtype=np.float32)


def random_masks(shape: tuple[int, ...], seed: int) -> Iterator[Pixels]:
    """The masks of one seed, one after another: values between 0 (covered) and 1 (shown)."""
    generator = np.random.default_rng(seed)
    cells = tuple(min(PLANE if len(shape) == 2 else VOLUME, side) for side in shape)
    sizes = tuple(-(-side // n) for side, n in zip(shape, cells, strict=True))
    for _ in range(MASKS):
        small = (generator.uniform(size=tuple(n + 1 for n in cells)) < SHOWN).astype(np.float32)
        large = zoom(small, sizes, order=1)
        start = [int(generator.integers(0, size)) for size in sizes]
        yield np.asarray(large[tuple(slice(a, a + side) for a, side in zip(start, shape, strict=True))])


ENTRY = VisualMethod(
    name="rise",
    title="RISE",
    source="Petsiuk, Das and Saenko, BMVC 2018, arXiv:1806.07421",
    signed=True,
    unit="mean output where shown, minus the mean,",
    explain=explain,
    needs_gradients=False,
)
