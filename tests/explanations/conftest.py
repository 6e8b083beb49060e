"""Networks with known answers, and one examined map of them."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from audit.explanation_plan import Examination
from audit.explanations.method import Terms, VisualMethod
from audit.explanations.scalar import ScalarOutput
from audit.explanations.scores.score import ExaminedMap
from audit.plan import Target
from audit.records import BoolArray, Pixels

SCORE = Target(task="classification", output="score", reference="r")


class Linear(torch.nn.Module):
    """score = w . x with known weights, in two or three dimensions, through one convolution of the whole image."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        drawn = torch.randn(shape, generator=torch.Generator().manual_seed(0))
        self.weight = torch.nn.Parameter(drawn[None, None])

    def part(self, shape: tuple[int, int]) -> torch.nn.Module:
        """The same network on a corner of the image."""
        other = Linear(shape)
        other.weight = torch.nn.Parameter(self.weight.detach()[:, :, : shape[0], : shape[1]])
        return other

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"score": (x * self.weight).flatten(1).sum(1)}


class Reader(torch.nn.Module):
    """A smoothing and a rectified threshold: answers to what is bright, by known weights; two or three axes."""

    def __init__(self, axes: int = 2, activation: torch.nn.Module | None = None) -> None:
        super().__init__()
        conv = torch.nn.Conv2d if axes == 2 else torch.nn.Conv3d
        self.mean = conv(1, 2, 3, padding=1)
        self.relu = activation or torch.nn.ReLU()
        self.last = conv(2, 1, 1)
        with torch.no_grad():
            self.mean.weight.fill_(1 / 3**axes)
            self.mean.bias.copy_(torch.tensor([-0.3, -0.5]))
            self.last.weight.fill_(1.0)
            self.last.bias.zero_()

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        made = self.last(self.relu(self.mean(x)))
        return {"score": made.flatten(1).sum(1), "mask": torch.sigmoid(made)}


def lesion_image(shape: tuple[int, ...] = (32, 32), at: tuple[int, ...] = (10, 22), seed: int = 0) -> Pixels:
    """Dark noise with one bright ball of radius 4: (1, 1, \\*shape)."""
    noise = np.random.default_rng(seed).uniform(0, 0.1, shape)
    return np.asarray(noise + lesion_mask(shape, at), dtype=np.float32)[None, None]


def lesion_mask(shape: tuple[int, ...] = (32, 32), at: tuple[int, ...] = (10, 22)) -> BoolArray:
    places = np.indices(shape) - np.array(at).reshape(-1, *(1,) * len(shape))
    return np.asarray((places**2).sum(axis=0) <= 16)


def scalar_of(network: torch.nn.Module, target: Target = SCORE, outputs: tuple[str, ...] = ("score", "mask")):
    return ScalarOutput(network.eval(), outputs, target)


@pytest.fixture
def examine() -> Callable[..., ExaminedMap]:
    """One map of one image under one method, ready to be scored."""

    def made(scalar: ScalarOutput, method: VisualMethod, image: Pixels, **given: object) -> ExaminedMap:
        terms = Terms((7,))
        found = method.explain(scalar, image, terms)
        error = None if found.completeness_error is None else float(found.completeness_error[0])
        attribution = given.pop("attribution", found.maps[0])
        known = {"mask": lesion_mask(image.shape[2:]) if image.shape[2:] == (32, 32) else None, **given}
        return ExaminedMap(scalar, method, terms, image, attribution, error, **{"examination": Examination(), **known})  # type: ignore[arg-type]

    return made
