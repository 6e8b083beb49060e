"""Rank correlation of the map with that of the image under scanner noise.

Noise as of a magnitude image (Rician; Gudbjartsson and Patz, Magn Reson Med 1995;34:910) where no pixel is negative,
else Gaussian; its SD is the plan's ``noise`` times the image's. Robustness: Alvarez-Melis and Jaakkola,
arXiv:1806.08049.
"""

import numpy as np

from audit.explanations.scores.score import ExaminedMap, ExplanationScore, Scored
from audit.explanations.similarity import rank_correlation
from audit.records import Pixels


def noisy(image: Pixels, share: float, seed: int) -> Pixels:
    """The image with noise whose SD is ``share`` times its own."""
    generator = np.random.default_rng(seed)
    sigma = share * float(image.std(dtype=np.float64))
    real, imaginary = generator.normal(0.0, sigma, (2, *image.shape))
    changed = np.hypot(image + real, imaginary) if image.min() >= 0 else image + real
    return np.asarray(changed, dtype=np.float32)


def score(examined: ExaminedMap) -> Scored:
    """Spearman's correlation of both maps, -1 to 1."""
    image = noisy(examined.pixels, examined.examination.noise, examined.terms.seed(0))
    return Scored(rank_correlation(examined.attribution, examined.explain_again(image)))


ENTRY = ExplanationScore("stability", score)
