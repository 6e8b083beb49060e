"""Every format of the room keeps the same promises: same answers, one golden pair, one sentence for what is wrong."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from network_exports import WRITERS, MaskNet, example, reference, sha256, write_bundle, write_json
from pydantic import TypeAdapter

from audit.catalogue import entries
from audit.model_refs import Registered
from audit.models.golden import GOLDEN, Golden, answers, check_golden, read_golden
from audit.models.opening import open_folder
from audit.models.registering_files import _stage
from audit.records import BadInput, StoredFile

REFERENCE = TypeAdapter(Registered)
IMAGES = example(3)


@pytest.fixture(scope="module")
def net() -> MaskNet:
    return MaskNet().eval()


@pytest.fixture(scope="module")
def expected(net: MaskNet) -> np.ndarray:
    with torch.inference_mode():
        return net(torch.from_numpy(IMAGES))[:, 0].numpy()


def opened(kind: str, source: Path, folder: Path, card: dict | None = None, **changes):
    """The version that a writer put at ``source``, staged as ``audit register`` stages it, and its reference."""
    folder.mkdir(exist_ok=True)
    path = folder / "card.yaml"
    path.write_text(yaml.safe_dump(card or {}), encoding="utf-8")
    ref = REFERENCE.validate_python({**reference(kind, source), **changes})
    staged = folder / "version"
    staged.mkdir()
    _stage(ref, source, path if card else None, staged)
    model, _, _ = open_folder(ref, staged, "cpu")
    return model


def test_every_registered_kind_has_a_format_and_every_format_a_kind() -> None:
    kinds = {option["const"] for option in _kinds()}
    assert kinds == set(entries("models"))
    assert kinds - {"mlflow"} == set(WRITERS)


def _kinds() -> list[dict]:
    return [each["properties"]["kind"] for each in REFERENCE.json_schema()["$defs"].values()]


@pytest.mark.parametrize("kind", list(WRITERS))
def test_answers_are_those_of_the_network(kind: str, net: MaskNet, expected: np.ndarray, tmp_path: Path) -> None:
    model = opened(kind, WRITERS[kind](net, tmp_path), tmp_path / "staged")
    got = answers(model, IMAGES)["lesion_mask" if kind != "pickle" else "output_0"]
    np.testing.assert_allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize("kind", ["torchscript", "monai_bundle", "pickle"])
def test_gradients_are_those_of_the_network(kind: str, net: MaskNet, tmp_path: Path) -> None:
    module = opened(kind, WRITERS[kind](net, tmp_path), tmp_path / "staged").module()
    ours, theirs = (torch.from_numpy(IMAGES).requires_grad_(True) for _ in range(2))
    raw = module(ours)
    (next(iter(raw.values())) if isinstance(raw, dict) else raw).sum().backward()
    net(theirs).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-4, rtol=1e-3)


def test_preprocessing_and_output_rules_of_the_card_are_applied(net: MaskNet, tmp_path: Path) -> None:
    card = {
        "preprocessing": [
            {"step": "ScaleIntensityRange", "a_min": -1, "a_max": 1, "b_min": 0, "b_max": 1, "clip": True},
            {"step": "Resize", "spatial_size": [32, 32], "mode": "bilinear"},
        ],
        "outputs": {"lesion": {"tensor": "lesion_mask", "activation": "sigmoid", "channel": 0}},
    }
    model = opened("onnx", WRITERS["onnx"](net, tmp_path), tmp_path / "staged", card)
    images = np.random.default_rng(2).normal(size=(2, 1, 48, 40)).astype(np.float32)
    with torch.inference_mode():
        prepared = ((torch.from_numpy(images) + 1) / 2).clamp(0, 1)
        small = torch.nn.functional.interpolate(prepared, size=(32, 32), mode="bilinear", align_corners=False)
        large = torch.nn.functional.interpolate(torch.sigmoid(net(small)), size=(48, 40), mode="bilinear")
    got = model.predict(images)
    assert list(got) == ["lesion"]
    np.testing.assert_allclose(got["lesion"], large[:, 0].numpy(), atol=1e-4)
    assert model.version.preprocessing[1] == "Resize (mode bilinear, spatial_size [32, 32])"


def test_x_first_turns_images_and_maps(net: MaskNet, tmp_path: Path) -> None:
    source = WRITERS["onnx"](net, tmp_path)
    plain = opened("onnx", source, tmp_path / "plain").predict(IMAGES.swapaxes(2, 3).copy())["lesion_mask"]
    turned = opened("onnx", source, tmp_path / "turned", {"axes": "x_first"}).predict(IMAGES)["lesion_mask"]
    np.testing.assert_allclose(turned, plain.swapaxes(1, 2), atol=1e-6)
    loading = {"_target_": "Compose", "transforms": [{"_target_": "LoadImaged", "keys": "image"}]}
    (tmp_path / "b").mkdir()
    bundle = opened("monai_bundle", write_bundle(net, tmp_path / "b", preprocessing=loading), tmp_path / "bundle")
    np.testing.assert_allclose(bundle.predict(IMAGES)["lesion_mask"], turned, atol=1e-5)


@pytest.mark.parametrize(
    ("preprocessing", "monai"),
    [
        ({"_target_": "ScaleIntensityd", "keys": "image", "minv": -1, "maxv": 1}, "ScaleIntensity"),
        ({"_target_": "NormalizeIntensityd", "keys": ["image"], "nonzero": True}, "NormalizeIntensity"),
    ],
)
def test_preprocessing_of_a_bundle_is_monais(preprocessing, monai, net: MaskNet, tmp_path: Path) -> None:
    from monai import transforms

    chain = {"_target_": "Compose", "transforms": [preprocessing]}
    model = opened("monai_bundle", write_bundle(net, tmp_path, preprocessing=chain), tmp_path / "staged")
    arguments = {key: value for key, value in preprocessing.items() if key not in ("_target_", "keys")}
    oracle = getattr(transforms, f"{monai}d")(keys="image", **arguments)
    images = torch.stack([oracle({"image": torch.from_numpy(image.copy())})["image"] for image in IMAGES])
    with torch.inference_mode():
        expected = net(images.as_subclass(torch.Tensor))[:, 0].numpy()
    before = IMAGES.copy()
    np.testing.assert_allclose(model.predict(IMAGES)["lesion_mask"], expected, atol=1e-4)
    np.testing.assert_array_equal(IMAGES, before)


def test_softmax_channels_of_a_bundle_become_outputs(tmp_path: Path) -> None:
    torch.manual_seed(1)
    two = MaskNet()
    two.unet.final_conv = torch.nn.Conv2d(4, 3, 1)
    two.eval()
    arguments = {**json.loads(json.dumps(_network(3)))}
    post = {"_target_": "Compose", "transforms": [{"_target_": "AsDiscreted", "keys": "pred", "argmax": True}]}
    bundle = write_bundle(two, tmp_path, network_def=arguments, postprocessing=post)
    outputs = {"pred": {"num_channels": 3, "channel_def": {"0": "background", "1": "core", "2": "oedema"}}}
    write_json(bundle / "configs" / "metadata.json", {"network_data_format": {"outputs": outputs}})
    got = opened("monai_bundle", bundle, tmp_path / "staged").predict(IMAGES)
    with torch.inference_mode():
        share = torch.softmax(two.unet(torch.from_numpy(IMAGES)), dim=1).numpy()
    assert list(got) == ["core", "oedema"]
    np.testing.assert_allclose(got["oedema"], share[:, 2], atol=1e-5)


def _network(channels: int) -> dict:
    from network_exports import NETWORK

    return {"_target_": "monai.networks.nets.BasicUNet", **NETWORK, "out_channels": channels}


TRAP = "$__import__('pathlib').Path('{trap}').touch() or 1"


def test_expressions_run_only_where_the_plan_allows_the_file(net: MaskNet, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    definition = {**_network(1), "in_channels": TRAP.format(trap=trap)}
    bundle = write_bundle(net, tmp_path, network_def=definition)
    with pytest.raises(BadInput, match="is Python and is not evaluated"):
        opened("monai_bundle", bundle, tmp_path / "refused")
    assert not trap.exists()
    allowed = [sha256(bundle / "configs" / "inference.json")]
    model = opened("monai_bundle", bundle, tmp_path / "allowed", allow=allowed)
    assert trap.exists()
    assert model.predict(IMAGES)["lesion_mask"].shape == (3, 32, 32)


@pytest.mark.parametrize(
    ("sections", "sentence"),
    [
        ({"network_def": {"_target_": "os.system", "command": "true"}}, "not among MONAI's network_def classes"),
        ({"network_def": {"_target_": "monai.networks.nets.torch"}}, "not among MONAI's network_def classes"),
        ({"network_def": {"_target_": "BasicUNet", "nonsense": 1}}, "BasicUNet does not take the arguments"),
        ({"network_def": {"_target_": "BasicUNet", "features": "@absent"}}, "refers to '@absent'"),
        ({"network_def": {"_target_": "DenseNet121", "pretrained": True}}, "pretrained weights from elsewhere"),
        ({"preprocessing": {"_target_": "Spacingd", "keys": "image", "pixdim": [1, 1]}}, "step 'Spacing' is not one"),
        ({"postprocessing": {"_target_": "KeepLargestConnectedComponentd"}}, "changes the output and is not applied"),
        ({"inferer": {"_target_": "subprocess.run", "args": "true"}}, "not among MONAI's inferer classes"),
        ({"features": "@features"}, "refers to itself"),
    ],
)
def test_what_a_bundle_may_not_do_is_one_sentence(sections, sentence: str, net: MaskNet, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=sentence):
        opened("monai_bundle", write_bundle(net, tmp_path, **sections), tmp_path / "staged")


def test_a_pickle_opens_only_under_its_own_digest(net: MaskNet, tmp_path: Path) -> None:
    source = tmp_path / "model.pth"
    torch.save(_Trap(tmp_path / "sprung"), source)
    with pytest.raises(BadInput, match=r"the plan allows the pickle 0{64}, but model\.pth is"):
        opened("pickle", source, tmp_path / "staged", sha256="0" * 64)
    assert not (tmp_path / "sprung").exists()
    with pytest.raises(ValueError, match="sha256"):
        REFERENCE.validate_python({"kind": "pickle", "name": "x", "version": "1"})


def test_pickled_weights_of_a_bundle_are_refused_unless_allowed(net: MaskNet, tmp_path: Path) -> None:
    bundle = write_bundle(net, tmp_path)
    weights = bundle / "models" / "model.pt"
    torch.save({"model": net.unet.state_dict(), "trap": _Trap(tmp_path / "sprung")}, weights)
    with pytest.raises(BadInput, match=r"holds more than weights"):
        opened("monai_bundle", bundle, tmp_path / "refused")
    assert not (tmp_path / "sprung").exists()
    opened("monai_bundle", bundle, tmp_path / "allowed", allow=[sha256(weights)])
    assert (tmp_path / "sprung").exists()


class _Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return (open, (str(self.path), "w"))


def test_the_golden_pair_tells_another_preprocessing(net: MaskNet, expected: np.ndarray, tmp_path: Path) -> None:
    source = WRITERS["onnx"](net, tmp_path)
    golden = Golden(IMAGES, {"lesion_mask": expected})
    found = check_golden(opened("onnx", source, tmp_path / "same"), golden, 1e-4)
    assert found["largest_difference"] < 1e-4
    other = opened("onnx", source, tmp_path / "other", {"preprocessing": [{"step": "NormalizeIntensity"}]})
    with pytest.raises(BadInput, match=r"golden images no longer give .* differs by 0\.\d+, and 0\.0001 is tolerated"):
        check_golden(other, golden, 1e-4)
    with pytest.raises(BadInput, match="output 'score' is absent"):
        check_golden(other, Golden(IMAGES, {"score": expected}), 1e-4)


def test_golden_files_of_another_form_are_one_sentence(tmp_path: Path) -> None:
    assert read_golden(tmp_path / GOLDEN) is None
    (tmp_path / GOLDEN).write_bytes(b"x")
    with pytest.raises(BadInput, match=r"golden\.npz: not a golden pair"):
        read_golden(tmp_path / GOLDEN)
    (tmp_path / GOLDEN).write_bytes(Golden(IMAGES, {"a": np.zeros(2)}).to_bytes())
    with pytest.raises(BadInput, match="each output one entry per image"):
        read_golden(tmp_path / GOLDEN)


@pytest.mark.parametrize("kind", ["onnx", "torchscript", "pickle"])
def test_damaged_files_are_one_sentence(kind: str, net: MaskNet, tmp_path: Path) -> None:
    source = WRITERS[kind](net, tmp_path)
    source.write_bytes(source.read_bytes()[:200])
    with pytest.raises(BadInput, match=source.name):
        opened(kind, source, tmp_path / "staged")


@pytest.mark.parametrize(
    ("card", "sentence"),
    [
        ({"preprocessing": [{"step": "Spacing"}]}, "step 'Spacing' is not one that can be applied here; known: Clip"),
        ({"preprocessing": [{"step": "Resize", "size": 3}]}, "Resize does not take these parameters"),
        ({"colour": "red"}, "colour: there is no such key"),
        ({"outputs": {"a": {"tensor": "b"}}}, "output 'a': say which 'tensor' it is; the network gives lesion_mask"),
        ({"outputs": {"a": {"channel": 3}}}, "output 'a' is channel 3 of 'lesion_mask', which has shape 3 x 1 x 32"),
    ],
)
def test_a_flawed_card_is_one_sentence(card, sentence: str, net: MaskNet, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=sentence):
        opened("onnx", WRITERS["onnx"](net, tmp_path), tmp_path / "staged", card).predict(IMAGES)


def test_images_of_another_size_and_fixed_batches(net: MaskNet, expected: np.ndarray, tmp_path: Path) -> None:
    model = opened("onnx", WRITERS["onnx"](net, tmp_path), tmp_path / "staged")
    with pytest.raises(BadInput, match=r"the image is 20 x 20 pixels; the model takes 32 x 32\."):
        model.predict(np.zeros((1, 1, 20, 20), np.float32))
    fixed = tmp_path / "fixed.onnx"
    torch.onnx.export(net, (torch.from_numpy(example(2)),), str(fixed), dynamo=False, output_names=["lesion_mask"])
    got = opened("onnx", fixed, tmp_path / "pairs").predict(IMAGES)["lesion_mask"]
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_copying_a_network_changes_no_prediction(net: MaskNet, expected: np.ndarray, tmp_path: Path) -> None:
    model = opened("pickle", WRITERS["pickle"](copy.deepcopy(net), tmp_path), tmp_path / "staged")
    before = model.predict(IMAGES)["output_0"]
    model.module()
    np.testing.assert_array_equal(model.predict(IMAGES)["output_0"], before)


DEVICES = {
    "answers": "w.writerow([p, 0.5])",
    "exits": "sys.exit(2 + len(names))",
    "misses": "p != '00001.npy' and w.writerow([p, 0.5])",
    "twice": "w.writerow([p, 0.5]); w.writerow([p, 0.5])",
    "words": "w.writerow([p, 'high'])",
    "escapes": "w.writerow([p, '../../etc/mask.npy'])",
    "sleeps": "__import__('time').sleep(30)",
}
PROGRAM = """
import csv, os, sys
names = sorted(os.listdir(sys.argv[1]))
with open(sys.argv[2], "w", newline="") as stream:
    w = csv.writer(stream)
    w.writerow(["image", "score"])
    for p in names:
        {line}
"""


@pytest.mark.parametrize(
    ("device", "reasons"),
    [
        ("answers", [None, None]),
        ("exits", ["exit code 3"] * 2),
        ("misses", [None, "no row for this image"]),
        ("twice", ["2 rows for this image"] * 2),
        ("words", ["neither a number nor a .npy file for 'score'"] * 2),
        ("escapes", ["not beside its table"] * 2),
        ("sleeps", ["no answer within 0.3 s"] * 2),
    ],
)
def test_what_a_command_fails_to_do_is_an_error_of_its_case(device: str, reasons: list, tmp_path: Path) -> None:
    import sys

    source = tmp_path / "device"
    source.mkdir()
    (source / "device.py").write_text(PROGRAM.format(line=DEVICES[device]), encoding="utf-8")
    run = [sys.executable, "-S", "{files}/device.py", "{images}", "{predictions}"]
    patience = 0.3 if device == "sleeps" else 20
    model = opened("command", source, tmp_path / "s", run=run, outputs=["score"], timeout_s=patience)
    found = model.read_files({case: StoredFile(".npy", b"") for case in ("a", "b")})
    for answer, reason in zip(found.values(), reasons, strict=True):
        if reason is None:
            assert float(answer["score"]) == 0.5
        else:
            assert reason in answer
    assert list(found) == ["a", "b"]


def test_a_command_that_cannot_be_started_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "device").mkdir()
    model = opened("command", tmp_path / "device", tmp_path / "s", run=["/no/such/program"], outputs=["score"])
    with pytest.raises(BadInput, match=r"'/no/such/program' cannot be started \(No such file or directory\)"):
        model.read_files({"a": StoredFile(".npy", b"")})
