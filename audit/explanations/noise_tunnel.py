"""Noise tunnel (SmoothGrad): the gradient, averaged over noisy copies of the image."""

from __future__ import annotations

import numpy as np
from captum.attr import NoiseTunnel, Saliency

from audit.explanations.chunks import chunk_size
from audit.explanations.method import USUAL, Attribution, Terms, VisualMethod
from audit.explanations.scalar import ScalarOutput
from audit.explanations.seeded import seeded
from audit.records import Pixels

SAMPLES, NOISE = 32, 0.1


def explain(scalar: ScalarOutput, pixels: Pixels, terms: Terms = USUAL) -> Attribution:
    """32 copies per image; the SD of the noise is a tenth of the image's range, as Smilkov et al. recommend."""
    maps = np.stack([_one(scalar, pixels[i : i + 1], terms.seed(i)) for i in range(len(pixels))])
    return Attribution(maps, None, None, ("",) * len(maps))


def _one(scalar: ScalarOutput, image: Pixels, seed: int) -> Pixels:
    batch = scalar.batch(image)
    region = scalar.region(batch)
    with seeded(seed):
        raw = NoiseTunnel(Saliency(scalar)).attribute(
            batch.requires_grad_(),
            nt_type="smoothgrad",
            nt_samples=SAMPLES,
            nt_samples_batch_size=chunk_size(scalar, batch),
            stdevs=NOISE * float(np.ptp(image)),
            abs=False,
            additional_forward_args=None if region is None else (region,),
        )
    return np.asarray(raw[0, 0].detach().float().cpu().numpy())


ENTRY = VisualMethod(
    name="noise_tunnel",
    title="Noise tunnel (SmoothGrad)",
    source="Smilkov et al., arXiv:1706.03825",
    signed=True,
    unit="change per unit of brightness",
    explain=explain,
    per_brightness=True,
)
