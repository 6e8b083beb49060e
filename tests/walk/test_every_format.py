"""The same small network in every format gives the same predictions through ``audit run``, and stays what it was."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from network_exports import WRITERS, MaskNet, example, reference
from toy_walk import Walk, audit, plan, write_plan, write_set

from audit.engines.shards import cited, mask_of
from audit.evidence.store import AuditStore
from audit.models.registering import register
from audit.models.stored import find_stored
from audit.plan import read_plan
from audit.tables import PREDICTIONS

POINT = {"threshold": 0.5, "chosen_on": "tuning discs"}
MASK = {"task": "segmentation", "output": "lesion_mask", "reference": "lesion_mask", "operating_point": POINT}
DICE = {
    "id": "P1",
    "role": "primary",
    "measure": "dice",
    "target": "outline",
    "criterion": {"kind": "minimum", "value": 0},
}
BARE = {
    "comparator": None,
    "targets": {"outline": MASK},
    "strata": {"manufacturer": {"baseline": "Aurora"}},
    "intersections": None,
    "endpoints": [DICE],
    "perturbation_arms": None,
    "explanations": None,
    "uncertainty": None,
    "shortcuts": None,
    "resamples": 100,
    "determinism": {"cases": 4, "tolerance": 0},
}
EXPLAINED = {**plan()["explanations"], "target": "outline", "features": []}
GRID = 1.5 / 1024  # masks are kept on a grid of 1/1024; the last bits of two runtimes may fall on either side


@pytest.fixture(scope="module")
def registered(empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """The network registered in every format, as a user does it."""
    folder = tmp_path_factory.mktemp("formats")
    write_set(folder / "discs")
    shutil.copytree(empty_home, folder / "evidence")
    walk, net = Walk(folder), MaskNet().eval()
    register("net-mlflow", net, example(), ("lesion_mask",), {}, walk.home)
    for kind, write in WRITERS.items():
        (folder / kind).mkdir()
        source = write(net, folder / kind)
        path = write_plan(folder, f"{kind}.yaml", id=kind.replace("_", "-"), model=reference(kind, source), **BARE)
        np.save(folder / kind / "example.npy", example(1)[0, 0])
        image = folder / f"{kind}.npy"
        np.save(image, example(1)[0, 0])
        card = folder / f"{kind}_version.yaml"  # a pickled module does not name its outputs
        card.write_text("outputs: {lesion_mask: {}}" if kind == "pickle" else "golden_tolerance: 1.0e-5")
        words = ("--card", card, "--example", image, "--home", walk.home, "--json")
        made = audit("register", path, source, *words)
        assert made.code == 0, made.err
    write_plan(
        folder, "mlflow.yaml", id="mlflow", model={"kind": "mlflow", "name": "net-mlflow", "version": "1"}, **BARE
    )
    return walk


@pytest.fixture(scope="module")
def predicted(registered: Walk) -> Callable[[str], np.ndarray]:
    """Mask probabilities of every case by kind, from the evidence of its run; each kind runs once."""
    known: dict[str, np.ndarray] = {}

    def masks(kind: str) -> np.ndarray:
        if kind not in known:
            store = ran(registered, registered.folder / f"{kind}.yaml")
            known[kind] = np.stack([_mask(store, place) for place in store.read_table(PREDICTIONS)["artifact"]])
        return known[kind]

    return masks


def ran(walk: Walk, path: Path) -> AuditStore:
    run = audit("run", path, "--home", walk.home, "--device", "cpu", "--json")
    assert run.code in (0, 1), run.err  # an untrained network need not meet its criterion
    return Walk(walk.folder, run.json["audit"]).store


def _mask(store: AuditStore, artifact: str) -> np.ndarray:
    file, key, row = cited(artifact)
    return np.asarray(mask_of(store.read_bytes(file), key, row), dtype=np.float64)


@pytest.mark.parametrize("kind", list(WRITERS))
def test_every_format_gives_the_predictions_of_the_exported_program(registered, predicted, kind: str) -> None:
    expected, got = predicted("mlflow"), predicted(kind)
    assert expected.std() > 0.05
    np.testing.assert_allclose(got, expected, atol=GRID)


@pytest.mark.parametrize("kind", ["onnx", "command"])
def test_two_passes_and_the_golden_pair_stand_in_the_evidence(registered, predicted, kind: str) -> None:
    predicted(kind)
    audits = audit("list", "--home", registered.home, "--json").json["accesses"]
    name = next(each["audit"] for each in audits if each["plan"] == kind)
    store = Walk(registered.folder, name).store
    [record] = json.loads(store.read_bytes("determinism.json"))["results"]
    assert (record["compared"], record["unequal"], record["within"]) == (4, 0, True)
    assert record["largest_difference"] == 0
    golden = json.loads(store.read_bytes("model.json"))["candidate"]["golden"]
    assert golden["images"] == 1
    assert golden["largest_difference"] <= golden["tolerance"]


def test_a_changed_file_is_named_by_run_and_verify(registered, predicted) -> None:
    predicted("onnx")
    path = registered.folder / "onnx.yaml"
    assert audit("verify", "onnx", "--home", registered.home).code == 0
    stored = find_stored(read_plan(path).plan.model, registered.home).folder / "data" / "model.onnx"
    kept = stored.read_bytes()
    stored.write_bytes(kept + b"\0")
    try:
        checked = audit("verify", "onnx", "--home", registered.home)
        assert checked.code == 1
        assert "model candidate: file data/model.onnx" in checked.out
        other = write_plan(registered.folder, "again.yaml", id="again", model=plan_model(path), **BARE)
        refused = audit("run", other, "--home", registered.home)
        assert refused.code == 2
        assert "data/model.onnx has SHA-256" in refused.err
        assert "the stored file was changed" in refused.err
    finally:
        stored.write_bytes(kept)


def plan_model(path: Path) -> dict[str, object]:
    return read_plan(path).plan.model.model_dump(mode="json")


@pytest.mark.parametrize(
    ("kind", "changes", "sentence"),
    [
        (
            "onnx",
            {"explanations": EXPLAINED},
            "integrated_gradients needs gradients, which the candidate (kind 'onnx')",
        ),
        ("command", {"perturbation_arms": plan()["perturbation_arms"]}, "remove them for a model of kind 'command'"),
        ("torchscript", {"explanations": EXPLAINED}, "grad_cam needs the layers"),
    ],
)
def test_what_a_format_cannot_do_is_refused_before_any_image_is_loaded(registered, kind, changes, sentence) -> None:
    model = plan_model(registered.folder / f"{kind}.yaml")
    refused = audit(
        "lock", write_plan(registered.folder, "no.yaml", model=model, **{**BARE, **changes}), "--home", registered.home
    )
    assert refused.code == 2
    assert sentence in refused.err
