"""Largest relative change of the map when the image changes a little (Yeh et al., NeurIPS 2019, arXiv:1901.09392)."""

import torch
from captum.metrics import sensitivity_max

from audit.explanations.scores.score import ExaminedMap, ExplanationScore, Scored
from audit.explanations.seeded import seeded

RADIUS, SAMPLES = 0.02, 10


def score(examined: ExaminedMap) -> Scored:
    """Frobenius norm of the difference over that of the map; ten images within 2 % of the image's range, every pixel
    drawn by itself."""
    width = RADIUS * float(examined.pixels.max() - examined.pixels.min())

    def again(images: torch.Tensor | tuple[torch.Tensor]) -> torch.Tensor:
        whole = images[0] if isinstance(images, tuple) else images
        maps = [examined.explain_again(image[None].detach().cpu().numpy()) for image in whole]
        return torch.stack([torch.from_numpy(each)[None] for each in maps])

    with seeded(examined.terms.seed(0)):
        batch = torch.from_numpy(examined.pixels)
        found = sensitivity_max(again, batch, perturb_radius=width, n_perturb_samples=SAMPLES)
    return Scored(float(found[0]))


ENTRY = ExplanationScore("max_sensitivity", score)
