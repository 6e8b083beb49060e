"""Laws that every visual method obeys, over the whole catalogue."""

import numpy as np
import pytest
import torch
from captum.attr import GuidedGradCam
from numpy.testing import assert_allclose, assert_array_equal

from audit.catalogue import entries
from audit.explanations import gradient_shap, guided_grad_cam, occlusion, partition_shap, rise
from audit.explanations.black_box import BlackBox
from audit.explanations.cells import cell_index
from audit.explanations.chunks import chunk_size
from audit.explanations.method import Terms, VisualMethod
from audit.explanations.scalar import ScalarOutput
from audit.plan import OperatingPoint, Target
from audit.records import BadInput, Pixels
from tests.explanations.conftest import Linear, Reader, lesion_image, lesion_mask, scalar_of

METHODS = [each for each in entries("explanations").values() if isinstance(each, VisualMethod)]
ALL = pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
BLACK_BOX = pytest.mark.parametrize("method", [m for m in METHODS if not m.needs_gradients], ids=lambda m: m.name)
MASK = Target(task="segmentation", output="mask", reference="m",
              operating_point=OperatingPoint(threshold=0.6, chosen_on="tuning"))  # fmt: skip
TWO = np.concatenate([lesion_image(seed=1), lesion_image(at=(20, 8), seed=2)])


def predicting(network: torch.nn.Module) -> ScalarOutput:
    """The network as a version of which only the outputs can be had."""

    def predict(pixels: Pixels) -> dict[str, np.ndarray]:
        with torch.inference_mode():
            return {name: value.numpy() for name, value in network(torch.from_numpy(pixels)).items()}

    return scalar_of(BlackBox(predict))


def test_the_catalogue_holds_the_methods_of_the_page() -> None:
    names = {"integrated_gradients", "grad_cam", "guided_grad_cam", "occlusion", "gradient_shap", "noise_tunnel"}
    assert {each.name for each in METHODS} == names | {"rise", "partition_shap"}
    assert {each.name for each in METHODS if not each.needs_gradients} == {"occlusion", "rise", "partition_shap"}


@ALL
def test_finite_maps_of_the_images_shape_with_the_lesion_in_them(method: VisualMethod) -> None:
    found = method.explain(scalar_of(Reader()), TWO, Terms((3, 4)))
    assert found.maps.shape == (2, 32, 32)
    assert found.maps.dtype == np.float32
    assert np.isfinite(found.maps).all()
    assert len(found.notes) == 2
    for attribution, at in zip(found.maps, ((10, 22), (20, 8)), strict=True):
        inside = np.abs(attribution)[lesion_mask(at=at)].mean()
        assert inside > 2 * np.abs(attribution).mean()


@ALL
def test_twice_the_same_and_whatever_stands_beside(method: VisualMethod) -> None:
    scalar = scalar_of(Reader())
    both = method.explain(scalar, TWO, Terms((3, 4))).maps
    assert_array_equal(both, method.explain(scalar, TWO, Terms((3, 4))).maps)
    assert_allclose(both[1], method.explain(scalar, TWO[1:], Terms((4,))).maps[0], atol=1e-5)


@ALL
def test_volumes(method: VisualMethod) -> None:
    image = lesion_image((8, 16, 16), (4, 5, 11))
    found = method.explain(scalar_of(Reader(3)), image, Terms((3,)))
    assert found.maps.shape == (1, 8, 16, 16)
    weight = np.abs(found.maps[0])
    assert weight[lesion_mask((8, 16, 16), (4, 5, 11))].mean() > 1.5 * weight.mean()


@ALL
def test_a_segmentation_is_explained_where_it_marked(method: VisualMethod) -> None:
    found = method.explain(scalar_of(Reader(), MASK), TWO[:1], Terms((3,)))
    assert np.abs(found.maps[0])[lesion_mask()].mean() > 2 * np.abs(found.maps[0]).mean()


@ALL
def test_a_constant_network_has_maps_of_zeros(method: VisualMethod) -> None:
    class Constant(Reader):
        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"score": 0 * super().forward(x)["score"] + 0.3}

    found = method.explain(scalar_of(Constant()), TWO, Terms((3, 4)))
    assert not found.maps.any()


@BLACK_BOX
def test_outputs_alone_give_the_same_map(method: VisualMethod) -> None:
    known = method.explain(scalar_of(Reader()), TWO[:1], Terms((3,))).maps
    assert_allclose(method.explain(predicting(Reader()), TWO[:1], Terms((3,))).maps, known, atol=1e-5)


def test_a_linear_network_is_taken_apart_exactly() -> None:
    network, image = Linear((12, 12)), np.random.default_rng(1).uniform(1, 2, (1, 1, 12, 12)).astype(np.float32)
    weight, above = network.weight.detach().numpy()[0, 0], image[0, 0] - image.min()
    exact = weight * above
    scalar = scalar_of(network)
    found = partition_shap.explain(scalar, image)
    halves = [(slice(None, 6),), (slice(6, None),)]
    assert [found.maps[0][half].sum() for half in halves] == pytest.approx([exact[half].sum() for half in halves])
    assert found.completeness_error is not None
    assert found.completeness_error[0] < 1e-4
    corner = image[:, :, :4, :4]
    small = partition_shap.explain(scalar_of(network.part((4, 4))), corner).maps[0]
    assert_allclose(small, weight[:4, :4] * (corner[0, 0] - corner.min()), atol=1e-4)  # every pixel is reached
    covered = occlusion.explain(scalar, image).maps[0]  # windows of one pixel
    assert_allclose(covered, exact, atol=1e-4)
    sampled = gradient_shap.explain(scalar, image, Terms((5,)))
    assert np.corrcoef(sampled.maps[0].ravel(), exact.ravel())[0, 1] > 0.99
    assert np.corrcoef(rise.explain(scalar, image, Terms((5,))).maps[0].ravel(), exact.ravel())[0, 1] > 0.3
    smooth = entries("explanations")["noise_tunnel"].explain(scalar, image, Terms((5,))).maps[0]
    assert_allclose(smooth, weight, atol=1e-5)


def test_guided_grad_cam_is_that_of_captum_on_modules_and_on_an_exported_graph() -> None:
    network = Reader().eval()
    with torch.no_grad():  # mixed signs, so that guiding takes something away
        network.mean.weight.copy_(torch.randn(network.mean.weight.shape, generator=torch.Generator().manual_seed(1)))
        network.last.weight.copy_(torch.tensor([1.0, -0.5]).reshape(network.last.weight.shape))

    class First(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.network(x)["score"]

    batch = torch.from_numpy(TWO)
    known = GuidedGradCam(First(), network.last).attribute(batch.clone().requires_grad_())[:, 0].detach().numpy()
    scalar = scalar_of(network)
    found = guided_grad_cam.explain(scalar, TWO)
    assert found.layer == "last"
    assert_allclose(found.maps, known, atol=1e-5)
    program = torch.export.export(Reader().eval(), (batch,), dynamic_shapes=({0: torch.export.Dim("n", min=2)},))
    exported = torch.export.unflatten(program)
    exported.load_state_dict(network.state_dict())
    assert_allclose(guided_grad_cam.explain(scalar_of(exported), TWO).maps, known, atol=1e-5)
    plain = batch.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(network(plain)["score"].sum(), plain)
    assert np.abs(guided_grad_cam.guided_gradient(scalar, TWO) - gradient[:, 0].numpy()).max() > 0.1


@pytest.mark.parametrize(
    ("activation", "words"),
    [(torch.nn.LeakyReLU(), "none that can be reached"), (torch.nn.Identity(), "none that can be reached"),
     (torch.nn.Sequential(torch.nn.ReLU(), torch.nn.GELU()), "also runs gelu")],
    ids=["leaky", "linear", "mixed"],
)  # fmt: skip
def test_guided_grad_cam_is_refused_where_its_rule_cannot_bite(activation: torch.nn.Module, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        guided_grad_cam.explain(scalar_of(Reader(activation=activation)), TWO)


def test_classes_of_a_label_map_are_explained_by_their_scores() -> None:
    class Classes(Reader):
        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            bright = super().forward(x)["mask"]
            return {"mask": torch.cat([1 - bright, bright, 0 * bright], dim=1)}

    target = Target(task="segmentation", output="mask", reference="m", label=1)
    scalar = scalar_of(Classes(), target)
    region = scalar.region(scalar.batch(TWO))
    assert region is not None
    bright = Reader()(torch.from_numpy(TWO))["mask"]
    assert_array_equal(region.numpy(), (bright > 0.5).float().detach().numpy())
    total = scalar(scalar.batch(TWO), region).detach().numpy()
    assert_allclose(total, (bright * region).flatten(1).sum(1).detach().numpy(), rtol=1e-6)


def test_cells_and_chunks() -> None:
    index = cell_index((40, 30))
    assert index.shape == (40, 30)
    assert set(np.bincount(index.ravel())) <= {2, 4, 6, 3, 1}
    assert index.max() == 255
    assert cell_index((9, 9, 9)).max() == 511
    scalar = scalar_of(Reader())
    small = chunk_size(scalar, scalar.batch(TWO))
    assert small == 16
    assert chunk_size(scalar, torch.zeros(1, 1, 4000, 4000)) < small
