"""The network: outputs, normalisation, export, explanations."""

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients, LayerGradCam

from audit.records import BadInput
from audit.simulation.checking import check_set, operating_points, read_manifest
from audit.simulation.imaging import image_case
from audit.simulation.network import OUTPUTS, VERSIONS, LesionNetwork, build_network, load_version, normalised
from audit.simulation.performance import auroc, choose, measure
from audit.simulation.training import mask_loss
from audit.simulation.validation_set import validation_cohort

DEEPEST = "unet.down_4.convs.conv_1.conv"


class Logit(torch.nn.Module):
    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x)["lesion_logit"][:, None]


@pytest.fixture(scope="module")
def batch() -> torch.Tensor:
    cases = [case for case in validation_cohort(patients=8) if case.lesion_load != "none"][:3]
    return torch.from_numpy(np.stack([image_case(case)[0] for case in cases]).astype(np.float32))[:, None]


@pytest.fixture(scope="module")
def v2() -> LesionNetwork:
    return load_version("v2")


@pytest.fixture(scope="module")
def unflattened(v2: LesionNetwork, batch: torch.Tensor) -> torch.nn.Module:
    program = torch.export.export(v2, (batch,), dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=1024)},))
    return torch.export.unflatten(program)


def test_outputs_have_declared_names_order_and_shapes(v2: LesionNetwork, batch: torch.Tensor) -> None:
    out = v2(batch)
    assert tuple(out) == OUTPUTS
    assert out["lesion"].shape == out["lesion_logit"].shape == (3,)
    assert out["lesion_mask"].shape == (3, 1, 128, 128)
    assert torch.allclose(torch.sigmoid(out["lesion_logit"]), out["lesion"])


def test_normalisation_ignores_the_scale_of_stored_values(batch: torch.Tensor) -> None:
    assert torch.allclose(normalised(batch), normalised(batch * 7.0), atol=1e-4)
    assert torch.isfinite(normalised(torch.zeros(1, 1, 8, 8))).all()


def test_export_with_dynamic_batch_gives_the_same_answers(
    v2: LesionNetwork, unflattened: torch.nn.Module, batch: torch.Tensor
) -> None:
    with torch.no_grad():
        for n in (1, 3):
            for name, value in v2(batch[:n]).items():
                assert torch.allclose(unflattened(batch[:n])[name], value, atol=1e-5), (n, name)


def test_integrated_gradients_add_up_on_the_exported_network(unflattened: torch.nn.Module, batch: torch.Tensor) -> None:
    logit, blurred = Logit(unflattened), torch.nn.functional.avg_pool2d(batch, 17, 1, 8)
    maps = IntegratedGradients(logit).attribute(batch[:1], blurred[:1], target=0, n_steps=24, internal_batch_size=8)
    with torch.no_grad():
        change = (logit(batch[:1]) - logit(blurred[:1])).item()
    assert maps.sum().item() == pytest.approx(change, rel=0.25)


def test_grad_cam_on_the_deepest_layer_of_the_exported_network(
    unflattened: torch.nn.Module, batch: torch.Tensor
) -> None:
    logit = Logit(unflattened)
    raw = LayerGradCam(logit, unflattened.get_submodule(DEEPEST)).attribute(batch.clone().requires_grad_(), target=0)
    assert raw.shape[-2:] == (8, 8)
    assert raw.abs().amax() > 0


def test_gradient_of_the_lesion_probability_reaches_the_input(v2: LesionNetwork, batch: torch.Tensor) -> None:
    given = batch.clone().requires_grad_()
    v2(given)["lesion_logit"].sum().backward()
    assert given.grad is not None
    assert torch.isfinite(given.grad).all()
    assert given.grad.abs().amax() > 0


def test_version_2_is_better_than_version_1_on_unseen_makers(committed: object) -> None:
    lines = {(line.version, line.manufacturer): line for line in check_set(committed, slice(0, 40))}  # type: ignore[arg-type]
    for maker in ("Cedar Systems", "Dogwood MR"):
        one, two = lines["v1", maker], lines["v2", maker]
        assert two.seen
        assert not one.seen
        assert two.figures.specificity >= one.figures.specificity + 0.4
        assert two.figures.dice >= one.figures.dice + 0.1


def test_operating_points_are_those_of_the_tuning_set() -> None:
    for version in VERSIONS:
        points = operating_points(version)
        assert 0 < points.lesion < 1
        assert 0 < points.lesion_mask < 1


def test_mask_loss_falls_as_the_mask_gets_better() -> None:
    reference = torch.zeros(2, 1, 8, 8)
    reference[0, 0, 2:4, 2:4] = 1
    logits = [torch.zeros_like(reference), 4 * (reference - 0.5), 12 * (reference - 0.5)]
    losses = [mask_loss(x, reference).item() for x in logits]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.1


def test_untrained_network_predicts_few_pixels(batch: torch.Tensor) -> None:
    torch.manual_seed(0)
    with torch.no_grad():
        assert build_network().eval()(batch)["lesion_mask"].mean() < 0.3


def test_choosing_and_measuring_by_hand() -> None:
    references = np.zeros((4, 4, 4), dtype=bool)
    references[:2, 0, 0] = True
    scores = np.array([0.9, 0.6, 0.2, 0.1])
    masks = np.where(references, 0.8, 0.05).astype(np.float32)
    points = choose(scores, masks, references)
    assert points.lesion == pytest.approx(0.4)
    figures = measure(scores, masks, references, points)
    assert (figures.auroc, figures.sensitivity, figures.specificity, figures.dice) == (1.0, 1.0, 1.0, 1.0)
    assert auroc(np.array([0.5, 0.5, 0.1]), np.array([True, False, False])) == pytest.approx(0.75)
    assert np.isnan(auroc(np.array([0.5]), np.array([True])))


def test_a_folder_without_manifest_is_named(tmp_path: object) -> None:
    with pytest.raises(BadInput, match=r"manifest\.csv does not exist"):
        read_manifest(tmp_path)  # type: ignore[arg-type]
