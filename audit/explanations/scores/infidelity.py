"""How badly the map predicts what happens when squares are covered (Yeh et al., NeurIPS 2019, arXiv:1901.09392).

Squares of a quarter of each side are replaced by the baseline; the map, scaled as well as possible, should add up over
each to the change of the output. Given over the mean squared change, so that 1 is a map that predicts nothing.
"""

import numpy as np
import torch
from captum.metrics import infidelity

from audit.explanations.baselines import baseline_images
from audit.explanations.scores.score import ExaminedMap, ExplanationScore, Scored
from audit.explanations.seeded import seeded
from audit.records import Undefined

SAMPLES, PART, TOGETHER = 64, 4, 16


def score(examined: ExaminedMap) -> Scored:
    """Infidelity with optimal scale, over that of a map of zeros."""
    own, none = (_infidelity(examined, each) for each in (examined.attribution, np.zeros_like(examined.attribution)))
    if none <= 0:
        return Scored(Undefined("covering squares does not change the output"))
    return Scored(own / none)


def _infidelity(examined: ExaminedMap, attribution: np.ndarray) -> float:
    scalar = examined.scalar
    batch = scalar.batch(examined.pixels)
    start = scalar.batch(baseline_images(scalar, examined.pixels)[1])
    region = scalar.region(batch)
    generator = np.random.default_rng(examined.terms.seed(0))

    def covered(images: torch.Tensor, baselines: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        masks = torch.stack([_square(tuple(image.shape[1:]), generator) for image in images])[:, None].to(images)
        weight = (images - baselines) * masks if examined.method.per_brightness else masks
        return weight, images * (1 - masks) + baselines * masks

    with seeded(examined.terms.seed(0)), torch.no_grad():
        found = infidelity(
            scalar, covered, batch, torch.from_numpy(attribution)[None, None].to(batch), baselines=start,
            additional_forward_args=None if region is None else (region,), n_perturb_samples=SAMPLES,
            max_examples_per_batch=TOGETHER if batch.ndim == 4 else 1, normalize=True,
        )  # fmt: skip
    return float(found[0])


def _square(shape: tuple[int, ...], generator: np.random.Generator) -> torch.Tensor:
    mask = torch.zeros(shape)
    sizes = [max(1, side // PART) for side in shape]
    starts = [int(generator.integers(0, side - size + 1)) for side, size in zip(shape, sizes, strict=True)]
    mask[tuple(slice(a, a + size) for a, size in zip(starts, sizes, strict=True))] = 1
    return mask


ENTRY = ExplanationScore("infidelity", score)
