import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image as Picture

from audit.catalogue import entries
from audit.explanations import grad_cam, integrated_gradients
from audit.explanations.explaining import CaseFacts, explain_cases
from audit.explanations.overlays import Legend, overlay_png, plane_of
from audit.explanations.scalar import ScalarOutput, explained_output
from audit.plan import OperatingPoint, Target
from audit.records import BadInput, Image, Pixels

SCORE = Target(task="classification", output="score", reference="r")
MASK = Target(
    task="segmentation",
    output="mask",
    reference="m",
    operating_point=OperatingPoint(threshold=0.5, chosen_on="tuning"),
)


class Linear(torch.nn.Module):
    """score = w . x, so that every attribution is known."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(1, 1, 12, 12, generator=torch.Generator().manual_seed(0)))

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"score": (x * self.weight).flatten(1).sum(1), "mask": torch.sigmoid(x)}


class Normalising(Linear):
    """Answers the same however bright the image is."""

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return super().forward(x / x.flatten(1).std(dim=1)[:, None, None, None])


class BlobDetector(torch.nn.Module):
    """Two strided convolutions that answer to bright blobs; the score is the strongest answer."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Conv2d(1, 2, 3, stride=2, padding=1)
        self.second = torch.nn.Conv2d(2, 1, 3, stride=2, padding=1)
        with torch.no_grad():
            for weight in (self.first.weight, self.second.weight):
                weight.fill_(1 / 9)
            self.first.bias.fill_(0)
            self.second.bias.fill_(-0.1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.second(torch.relu(self.first(x)))).flatten(1).mean(1)


def images(n: int = 4, side: int = 12) -> Pixels:
    return np.random.default_rng(5).uniform(1, 3, (n, 1, side, side)).astype(np.float32)


def blob(row: int, column: int, side: int = 64) -> Pixels:
    y, x = np.mgrid[:side, :side]
    return np.exp(-((y - row) ** 2 + (x - column) ** 2) / 18).astype(np.float32)


def scalar(
    network: torch.nn.Module, target: Target = SCORE, outputs: tuple[str, ...] = ("score", "mask")
) -> ScalarOutput:
    return ScalarOutput(network, outputs, target)


def test_linear_model_has_exact_integrated_gradients() -> None:
    network, x = Linear(), images()
    found = integrated_gradients.explain(scalar(network), x)
    weight = network.weight.detach().numpy()[0, 0]
    assert found.baseline == "black"
    assert_allclose(found.maps, weight * (x[:, 0] - x.min(axis=(1, 2, 3))[:, None, None]), atol=1e-5)
    assert found.completeness_error is not None
    assert found.completeness_error.max() < 1e-4
    assert found.notes == ("",) * 4


def test_network_that_ignores_brightness_gets_the_median_baseline_and_completes() -> None:
    x = images()
    black = np.broadcast_to(x.min(axis=(1, 2, 3), keepdims=True), x.shape).astype(np.float32)
    x -= black
    found = integrated_gradients.explain(scalar(Normalising()), x)
    assert found.baseline == "median-filtered image"
    assert found.completeness_error is not None
    assert found.completeness_error.max() < 0.05


def test_result_does_not_depend_on_the_company_of_other_cases() -> None:
    network, x = Linear(), images(5)
    whole = integrated_gradients.explain(scalar(network), x).maps
    alone = integrated_gradients.explain(scalar(network), x[2:3]).maps
    assert_allclose(whole[2:3], alone, atol=1e-6)


def test_steps_are_added_where_the_output_changes_and_too_few_are_noted() -> None:
    class Step(Linear):
        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"score": torch.sigmoid(60 * (x.flatten(1).mean(1) - 1.9))}

    coarse = integrated_gradients.explain(scalar(Step()), images() + 0.2, steps=3, most=4)
    fine = integrated_gradients.explain(scalar(Step()), images() + 0.2, most=129)
    assert "not converged" in coarse.notes[0]
    assert "after 3 steps" in coarse.notes[0]
    assert fine.notes == ("",) * 4
    assert fine.completeness_error is not None
    assert fine.completeness_error.max() <= 0.05


def test_a_jump_that_no_steps_can_see_is_noted_without_spending_them() -> None:
    class Jumping(Linear):
        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"score": x.flatten(1).mean(1) + 5 * (x.flatten(1).mean(1) > 1.5).float()}

    calls: list[int] = []
    network = Jumping()
    network.register_forward_hook(lambda module, given, made: calls.append(len(given[0])))
    found = integrated_gradients.explain(scalar(network), images(), most=128)
    assert all("more steps hardly lower it" in note for note in found.notes)
    assert sum(calls) < 4 * 128
    assert found.completeness_error is not None
    assert found.completeness_error.min() > 0.5


def test_constant_network_has_no_completeness() -> None:
    class Constant(Linear):
        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"score": 0 * x.flatten(1).sum(1) + 0.3}

    found = integrated_gradients.explain(scalar(Constant()), images())
    assert found.completeness_error is not None
    assert np.isnan(found.completeness_error).all()
    assert "completeness has no value" in found.notes[0]


@pytest.mark.parametrize(("row", "column"), [(16, 44), (48, 12)])
def test_grad_cam_peaks_at_the_planted_blob(row: int, column: int) -> None:
    x = blob(row, column)[None, None]
    found = grad_cam.explain(scalar(BlobDetector(), outputs=("score",)), x)
    peak = np.unravel_index(found.maps[0].argmax(), found.maps[0].shape)
    assert found.layer == "second"
    assert max(abs(peak[0] - row), abs(peak[1] - column)) <= 4
    assert found.maps.min() >= 0


def test_grad_cam_leaves_layers_coarser_than_a_sixteenth() -> None:
    class Deep(BlobDetector):
        def __init__(self) -> None:
            super().__init__()
            self.third = torch.nn.Conv2d(1, 1, 1, stride=8)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.third(self.second(self.first(x))).flatten(1).mean(1)

    x = blob(20, 20)[None, None]
    assert grad_cam.explain(scalar(Deep(), outputs=("score",)), x).layer == "second"
    with pytest.raises(BadInput, match="needs a convolution"):
        grad_cam.explain(scalar(Linear()), images())


def test_grad_cam_of_an_exported_network_equals_eager() -> None:
    x = torch.from_numpy(np.stack([blob(16, 44), blob(40, 12)])[:, None])
    program = torch.export.export(BlobDetector().eval(), (x,), dynamic_shapes=({0: torch.export.Dim("n", min=2)},))
    exported = torch.export.unflatten(program)
    a = grad_cam.explain(scalar(BlobDetector(), outputs=("score",)), x.numpy())
    b = grad_cam.explain(scalar(exported, outputs=("score",)), x.numpy())
    assert_allclose(a.maps, b.maps, atol=1e-7)
    assert a.layer == b.layer


def test_segmentation_explains_the_predicted_positives_only() -> None:
    x = images() - 2
    explained = scalar(Linear(), MASK)
    maps = integrated_gradients.explain(explained, x).maps
    assert (maps[x[:, 0] < -1e-3] == 0).all()
    assert (maps[x[:, 0] > 0.1] > 0).all()


def test_logit_is_explained_where_the_network_gives_it() -> None:
    assert explained_output(("lesion", "lesion_logit"), SCORE.model_copy(update={"output": "lesion"})) == "lesion_logit"
    assert explained_output(("score",), SCORE) == "score"

    class Pair(Linear):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:  # type: ignore[override]
            logit = super().forward(x)["score"]
            return torch.sigmoid(logit), logit

    x = torch.from_numpy(images())
    both = ScalarOutput(Pair(), ("score", "score_logit"), SCORE)
    assert_array_equal(both(x).detach(), Pair()(x)[1].detach())


def test_every_entry_declares_itself() -> None:
    found = entries("explanations")
    assert set(found) >= {"integrated_gradients", "grad_cam"}
    for name, method in found.items():
        assert method.name == name
        assert method.title
        assert method.source
        assert method.unit


def picture(simulated: bool = False, spacing: tuple[float, ...] | None = (1.0, 2.0), signed: bool = True) -> bytes:
    pixels = blob(20, 40) * 100
    attribution = blob(20, 40) - blob(45, 20)
    legend = Legend("Integrated gradients", "output per pixel", signed)
    return overlay_png(Image(pixels, spacing), attribution, pixels > 50, ["case-1"], legend, simulated)


def test_overlay_gives_the_same_bytes_twice_and_shows_what_it_must() -> None:
    assert picture() == picture()
    plain, stamped = (np.asarray(Picture.open(io.BytesIO(picture(flag)))) for flag in (False, True))
    assert plain.shape[1] == 1240
    changed = (plain != stamped).any(axis=2)
    assert changed[:, :540].any()
    assert changed[:, 560:1080].any()
    assert picture(spacing=None) != picture()
    assert picture(signed=False) != picture()


def test_overlay_of_a_volume_names_its_slice_and_of_a_zero_map_is_plain() -> None:
    volume = np.stack([blob(20, 40), blob(20, 20), blob(50, 40)])
    attribution = np.zeros_like(volume)
    legend = Legend("x", "y", False)
    zero = overlay_png(Image(volume, (3.0, 1.0, 1.0)), attribution, None, ["c"], legend, False)
    attribution[1, 10, 10] = 1
    some = overlay_png(Image(volume, (3.0, 1.0, 1.0)), attribution, None, ["c"], legend, False)
    assert zero != some
    flat = overlay_png(Image(np.zeros((8, 8), np.float32), None), np.zeros((8, 8), np.float32), None, [], legend, True)
    assert flat.startswith(b"\x89PNG")


def test_letters_name_the_sides_of_planes_and_volumes() -> None:
    pixels = blob(20, 40)
    axial = Image(pixels, (1.0, 1.0), directions=((0.0, 1.0, 0.0), (1.0, 0.0, 0.0)))
    assert [letter for _, _, letter in plane_of(axial, pixels, None).sides] == ["R", "A"]
    turned = Image(pixels, (1.0, 1.0), directions=((0.0, 0.0, -1.0), (0.0, 0.9, 0.4)))
    assert [letter for _, _, letter in plane_of(turned, pixels, None).sides] == ["A", "H"]
    assert plane_of(Image(pixels, (1.0, 1.0)), pixels, None).sides == ()
    volume = np.stack([pixels] * 5)
    lies = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
    tiles = plane_of(Image(volume, (3.0, 1.0, 1.0), directions=lies), volume, volume > 0.5)
    assert [letter for _, _, letter in tiles.sides] == ["R", "A", "R", "F", "A", "F", "R", "A"]


def test_tiles_of_a_volume_pass_through_the_strongest_voxel() -> None:
    volume = np.zeros((8, 16, 16), np.float32)
    volume[2, 5, 11] = -4.0
    volume[6, 9, 3] = 3.0
    shown = plane_of(Image(np.abs(volume), None), volume, None)
    assert shown.note.startswith("slice 3 of 8, row 6 of 16, column 12 of 16")
    half = shown.attribution.shape[0] // 2
    tiles = [shown.attribution[y : y + half, x : x + half] for y in (0, half) for x in (0, half)]
    assert all(tile.min() < -2 for tile in tiles)
    assert [bool(tile.max() > 1) for tile in tiles] == [False, False, False, True]


FACTS = [
    CaseFacts("case/1", "p1", "Aurora", 0.9, 0.5, True),
    CaseFacts("bad", "p2", "Borealis", None, 0.5, True),
    CaseFacts("case-3", "p3", "Borealis", 0.2, 0.5, False),
]


def explained(simulated: bool = True):
    def load(case: str) -> Image:
        if case == "bad":
            raise BadInput("bad.dcm: cannot be decoded")
        return Image(blob(16, 44) if case == "case/1" else blob(48, 12), (1.0, 1.0))

    return explain_cases(
        "candidate",
        BlobDetector(),
        ("score",),
        "lesion",
        SCORE,
        FACTS,
        load,
        lambda case, shape: blob(16, 44) > 0.3,
        ["integrated_gradients", "grad_cam"],
        simulated,
    )


def test_explained_cases_are_rows_with_files_shares_and_text() -> None:
    found = explained()
    rows = found.rows
    assert list(rows["case_id"]) == ["case/1", "case/1", "bad", "bad", "case-3", "case-3"]
    assert set(rows[rows["case_id"] == "bad"]["error"]) == {"bad.dcm: cannot be decoded"}
    good = rows[rows["case_id"] == "case/1"]
    assert (good["energy_inside"] > 5 * good["area_inside"]).all()
    assert rows[rows["case_id"] == "case-3"]["energy_inside"].isna().all()
    assert good["layer"].isna().tolist() == [True, False]
    assert set(rows["overlay"].dropna()) | set(rows["attribution"].dropna()) == set(found.files)
    assert all(name.startswith("explanations/candidate/") and "case/1" not in name for name in found.files)
    with np.load(io.BytesIO(found.files[good["attribution"].iloc[0]])) as archive:
        inside = np.abs(archive["map"].astype(float))[blob(16, 44) > 0.3].sum() / np.abs(archive["map"]).sum()
    assert good["energy_inside"].iloc[0] == pytest.approx(inside, rel=1e-5)


def test_cases_drawn_by_decision_have_maps_and_no_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    before = explained()
    after = [replace(FACTS[0], drawn_as="false negative"), replace(FACTS[1], drawn_as="true negative"), FACTS[2]]
    monkeypatch.setattr(f"{__name__}.FACTS", after)
    found = explained()
    assert set(before.scores["case_id"]) == {"case/1", "bad", "case-3"}
    assert set(found.scores["case_id"]) == {"case-3"}
    assert found.files == before.files
    assert found.rows["drawn_as"].tolist()[:4] == ["false negative"] * 2 + ["true negative"] * 2
    assert found.rows["drawn_as"].isna().tolist()[4:] == [True, True]


def test_explaining_twice_gives_the_same_bytes() -> None:
    assert explained().files == explained().files
    assert explained().files != explained(simulated=False).files
