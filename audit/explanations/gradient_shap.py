"""Gradient SHAP: gradients at random places between the baseline and noisy copies of the image."""

from __future__ import annotations

import numpy as np
from captum.attr import GradientShap

from audit.explanations.baselines import baseline_images
from audit.explanations.chunks import chunk_size
from audit.explanations.completeness import change_of_output, completeness_error
from audit.explanations.method import USUAL, Attribution, Terms, VisualMethod
from audit.explanations.scalar import ScalarOutput
from audit.explanations.seeded import seeded
from audit.records import Pixels

SAMPLES, NOISE = 64, 0.02


def explain(scalar: ScalarOutput, pixels: Pixels, terms: Terms = USUAL) -> Attribution:
    """64 samples per image; the SD of the noise is 2 % of the image's range. The completeness error is that of a
    random sample and says how far 64 of them were enough."""
    name, baseline = baseline_images(scalar, pixels)
    maps = np.stack([_one(scalar, pixels[i : i + 1], baseline[i : i + 1], terms.seed(i)) for i in range(len(pixels))])
    errors = completeness_error(maps, change_of_output(scalar, pixels, baseline))
    return Attribution(maps, errors, None, ("",) * len(maps), name)


def _one(scalar: ScalarOutput, image: Pixels, baseline: Pixels, seed: int) -> Pixels:
    batch, start = scalar.batch(image), scalar.batch(baseline)
    region = scalar.region(batch)
    chunk = chunk_size(scalar, batch)
    parts = [chunk] * (SAMPLES // chunk) + ([SAMPLES % chunk] if SAMPLES % chunk else [])
    total = np.zeros(image.shape[2:])
    with seeded(seed):
        for samples in parts:
            raw = GradientShap(scalar).attribute(
                batch,
                baselines=start,
                n_samples=samples,
                stdevs=NOISE * float(np.ptp(image)),
                additional_forward_args=None if region is None else (region,),
            )
            total += samples * raw[0, 0].detach().double().cpu().numpy()
    return np.asarray(total / SAMPLES, dtype=np.float32)


ENTRY = VisualMethod(
    name="gradient_shap",
    title="Gradient SHAP",
    source="Lundberg and Lee, NeurIPS 2017; as Erion et al., Nat Mach Intell 2021;3:620 (expected gradients)",
    signed=True,
    unit="attribution per pixel",
    explain=explain,
    complete=True,
)
