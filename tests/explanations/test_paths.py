"""Paths of integrated gradients against closed forms and captum."""

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from audit.explanations import integrated_gradients
from audit.explanations.paths import Path, walk
from audit.explanations.scalar import ScalarOutput
from audit.plan import Target
from audit.records import Pixels

SCORE = Target(task="classification", output="score", reference="r")


class OfMean(torch.nn.Module):
    """score = f(mean of the image)."""

    def __init__(self, f: object) -> None:
        super().__init__()
        self.f = f

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.f(x.flatten(1).mean(1))  # type: ignore[operator,no-any-return]


def walked(network: torch.nn.Module, image: Pixels, baseline: Pixels, steps: int, most: int, tolerance: float) -> Path:
    path = Path(image, baseline, steps, most)
    walk(ScalarOutput(network, ("score",), SCORE), [path], 16, tolerance)
    return path


@given(st.lists(st.floats(-2, 2), min_size=5, max_size=5), st.floats(0.5, 3))
@settings(max_examples=25, deadline=None)
def test_polynomials_of_fourth_degree_are_exact_with_three_steps(weights: list[float], size: float) -> None:
    def polynomial(mean: torch.Tensor) -> torch.Tensor:
        return torch.stack([weight * mean**power for power, weight in enumerate(weights)]).sum(0)

    image = np.full((1, 4, 4), size, dtype=np.float32)
    path = walked(OfMean(polynomial), image, np.zeros_like(image), 3, 3, 0.0)
    expected = sum(weight * size**power for power, weight in enumerate(weights) if power)
    assert len(path.steps) == 3
    assert_allclose(path.attribution.sum(), expected, atol=2e-3)
    assert_allclose(path.attribution, path.attribution.mean(), atol=1e-4)  # symmetry: equal pixels, equal parts


def test_maps_come_to_those_of_captum_with_many_steps() -> None:
    torch.manual_seed(2)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Conv2d(4, 1, 3), torch.nn.Flatten(), torch.nn.Tanh()
    ).eval()
    scalar = ScalarOutput(network, ("score",), SCORE)
    image = np.random.default_rng(4).normal(size=(1, 10, 10)).astype(np.float32) * 3
    path = walked(network, image, np.zeros_like(image), 9, 129, 1e-4)
    batch = torch.from_numpy(image[None])
    fine = IntegratedGradients(scalar).attribute(batch, baselines=torch.zeros_like(batch), n_steps=400)
    assert_allclose(path.attribution, fine[0, 0].detach().numpy(), atol=0.02 * float(fine.abs().max()))


def test_steps_gather_where_the_output_changes() -> None:
    image = np.ones((1, 4, 4), dtype=np.float32)
    rising = OfMean(lambda mean: torch.sigmoid(80 * (mean - 0.7)))
    path = walked(rising, image, np.zeros_like(image), 9, 65, 0.01)
    added = [share for share in path.steps if share * 8 % 1]
    assert added
    assert all(abs(share - 0.7) < 0.15 for share in added)
    assert_allclose(path.attribution.sum(), path.change, rtol=0.01)
    assert len(path.steps) < 40


@pytest.mark.parametrize("most", [3, 4, 9, 12])
def test_no_more_steps_than_allowed(most: int) -> None:
    image = np.ones((1, 4, 4), dtype=np.float32)
    path = walked(OfMean(lambda mean: torch.sin(40 * mean)), image, np.zeros_like(image), 3, most, 1e-6)
    assert len(path.steps) <= most


def test_few_cases_at_a_time_where_memory_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.random.default_rng(1).uniform(0, 2, (3, 1, 4, 4)).astype(np.float32)
    scalar = ScalarOutput(OfMean(lambda mean: torch.exp(3 * mean)), ("score",), SCORE)
    together = integrated_gradients.explain(scalar, images)
    monkeypatch.setattr(integrated_gradients, "KEPT_BYTES", 1)
    assert_allclose(integrated_gradients.explain(scalar, images).maps, together.maps, rtol=1e-5)
