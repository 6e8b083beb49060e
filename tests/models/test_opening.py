import hashlib
import io
import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import mlflow
import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from small_net import OUTPUTS, TRAINING, SmallNet, images

from audit.home import open_home
from audit.model_refs import RegisteredModel
from audit.models.opening import open_version, require_outputs
from audit.models.registering import ensure_registered, register, weights_digest
from audit.models.stored import file_digests, find_stored
from audit.plan import Target
from audit.records import BadInput, ModelVersion

REF = RegisteredModel(name="toy", version="1")


@pytest.mark.parametrize("size", [2, 5, 16])
def test_round_trip_is_bit_equal_to_eager(home: Path, net: SmallNet, size: int) -> None:
    batch = images(size, seed=size)
    got = open_version(REF, home, "cpu").predict(batch)
    with torch.inference_mode():
        eager = net(torch.from_numpy(batch))
    assert tuple(got) == OUTPUTS
    assert got["lesion"].shape == (size,)
    assert got["lesion_mask"].shape == (size, 32, 32)
    assert_array_equal(got["lesion"], eager["lesion"].numpy())
    assert_array_equal(got["lesion_mask"], eager["lesion_mask"][:, 0].numpy())


def test_single_image_equals_first_of_a_pair_of_it(home: Path) -> None:
    model = open_version(REF, home, "cpu")
    one = images(1)
    pair = model.predict(np.concatenate([one, one]))
    assert_array_equal(model.predict(one)["lesion_mask"], pair["lesion_mask"][:1])


def test_module_equals_predict_and_names_its_layers(home: Path) -> None:
    model = open_version(REF, home, "cpu")
    batch = images(3)
    module = model.module()
    with torch.inference_mode():
        out = module(torch.from_numpy(batch))["lesion_mask"][:, 0].numpy()
    np.testing.assert_allclose(out, model.predict(batch)["lesion_mask"], atol=1e-5)
    assert "unet.down_4.convs.conv_1.conv" in dict(module.named_modules())
    assert not any(weight.requires_grad for weight in module.parameters())


def test_version_carries_its_lineage(version: ModelVersion) -> None:
    assert version.outputs == OUTPUTS
    assert version.uri == "models:/toy/1"
    assert version.training_set_digest == "ab" * 32
    assert version.parameters == {"epochs": "3", "seed": "0"}
    assert version.operating_points["lesion"]["chosen_on"] == "tuning set"
    assert {"MLmodel", "data/model.pt2"} <= set(version.digests)


def test_training_run_holds_the_training_set_and_metrics(home: Path, version: ModelVersion) -> None:
    run = open_home(home).get_run(version.training_run)
    assert run.data.metrics["loss"] == 0.25
    [given] = run.inputs.dataset_inputs
    assert given.dataset.name == "toy training set"
    assert {tag.key: tag.value for tag in given.tags}["sha256"] == "ab" * 32
    assert run.data.tags["training_set_sha256"] == "ab" * 32


def test_digests_are_of_the_stored_bytes(home: Path, version: ModelVersion) -> None:
    digests = file_digests(REF, home)
    program = find_stored(REF, home).program
    assert digests == version.digests
    assert digests["data/model.pt2"] == hashlib.sha256(program.read_bytes()).hexdigest()


def test_moved_home_still_opens(copied_home: Callable[[], Path], version: ModelVersion, net: SmallNet) -> None:
    moved = copied_home()
    model = open_version(REF, moved, "cpu")
    assert model.version.digests == version.digests
    assert find_stored(REF, moved).folder.is_relative_to(moved.resolve())


def test_changed_program_is_seen_and_refused(copied_home: Callable[[], Path], version: ModelVersion) -> None:
    moved = copied_home()
    program = find_stored(REF, moved).program
    data = bytearray(program.read_bytes())
    data[len(data) // 2] ^= 1
    program.write_bytes(bytes(data))
    found = file_digests(REF, moved)
    assert [name for name in found if found[name] != version.digests[name]] == ["data/model.pt2"]
    with pytest.raises(BadInput, match="stored file was changed"):
        open_version(REF, moved, "cpu")


def test_unknown_version_lists_the_known(home: Path) -> None:
    with pytest.raises(BadInput, match=r"toy version 9 is not registered in .*known: toy version 1"):
        open_version(RegisteredModel(name="toy", version="9"), home, "cpu")


def test_empty_home_says_none(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="known: none"):
        file_digests(REF, tmp_path / "evidence")


def test_pickled_model_is_refused(tmp_path: Path, net: SmallNet) -> None:
    client = open_home(tmp_path)
    with mlflow.start_run(experiment_id=client.get_experiment_by_name("imaging-audit-training").experiment_id):
        info = mlflow.pytorch.log_model(net, name="m", serialization_format="pickle", pip_requirements=["torch"])
    client.create_registered_model("pickled")
    client.create_model_version("pickled", source=info.model_uri, model_id=info.model_id)
    with pytest.raises(BadInput, match=r"not stored as an exported program.*pickled models are not loaded"):
        open_version(RegisteredModel(name="pickled", version="1"), tmp_path, "cpu")


def test_pickle_hidden_in_the_archive_is_refused(copied_home: Callable[[], Path], tmp_path: Path) -> None:
    moved = copied_home()
    trap = tmp_path / "sprung"
    program = find_stored(REF, moved).program
    _hide_pickle(program, trap)
    open_home(moved).set_model_version_tag(
        "toy", "1", "program_sha256", hashlib.sha256(program.read_bytes()).hexdigest()
    )
    with pytest.raises(BadInput, match="pickle check refuses"):
        open_version(REF, moved, "cpu")
    assert not trap.exists()


def _hide_pickle(program: Path, trap: Path) -> None:
    """Replaces the archive's sample inputs by a pickle that would write ``trap``."""

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str, str]]:
            return (open, (str(trap), "w"))

    buffer = io.BytesIO()
    torch.save({"x": torch.zeros(1), "trap": Trap()}, buffer, pickle_module=pickle)
    with zipfile.ZipFile(program) as old:
        kept = {info: old.read(info) for info in old.infolist()}
    with zipfile.ZipFile(program, "w", zipfile.ZIP_STORED) as new:
        for info, data in kept.items():
            new.writestr(info.filename, buffer.getvalue() if info.filename.endswith("sample_inputs/model.pt") else data)


def test_wrong_image_size_is_one_sentence(home: Path) -> None:
    with pytest.raises(BadInput, match=r"the image is 20 x 20 pixels; the model takes 32 x 32\."):
        open_version(REF, home, "cpu").predict(np.zeros((2, 1, 20, 20), np.float32))


def test_target_without_output_is_refused(version: ModelVersion) -> None:
    with pytest.raises(BadInput, match="names output 'oedema'; toy version 1 gives lesion, lesion_mask"):
        require_outputs(version, {"x": Target(task="classification", output="oedema", reference="r")})


def test_registering_twice_changes_nothing(copied_home: Callable[[], Path], net: SmallNet) -> None:
    moved = copied_home()
    before = open_home(moved).search_model_versions("name='toy'")
    again = ensure_registered("toy", "1", net, images(2), OUTPUTS, TRAINING, moved)
    assert again.version == "1"
    assert len(open_home(moved).search_model_versions("name='toy'")) == len(before) == 1


def test_other_weights_or_number_are_refused_and_the_next_is_registered(copied_home: Callable[[], Path]) -> None:
    moved = copied_home()
    other = SmallNet(seed=7).eval()
    with pytest.raises(BadInput, match="registered with other weights"):
        ensure_registered("toy", "1", other, images(2), OUTPUTS, TRAINING, moved)
    with pytest.raises(BadInput, match="the next version is 2"):
        ensure_registered("toy", "3", other, images(2), OUTPUTS, TRAINING, moved)
    assert ensure_registered("toy", "2", other, images(2), OUTPUTS, TRAINING, moved).version == "2"


def test_example_of_one_image_or_wrong_outputs_are_refused(tmp_path: Path, net: SmallNet) -> None:
    with pytest.raises(BadInput, match="give at least 2"):
        register("toy", net, images(1), OUTPUTS, TRAINING, tmp_path)
    with pytest.raises(BadInput, match=re.escape("['lesion', 'mask'] were declared")):
        register("toy", net, images(2), ("lesion", "mask"), TRAINING, tmp_path)


def test_weights_digest_sees_one_weight() -> None:
    a, b = SmallNet(), SmallNet()
    assert weights_digest(a) == weights_digest(b)
    with torch.no_grad():
        next(b.parameters()).view(-1)[0] += 1e-6
    assert weights_digest(a) != weights_digest(b)
