"""A real model on real images: trained here, registered, locked, audited with explanations, documented, verified."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from toy_walk import MAIN, Walk, audit, pages

from audit.models.registering import register
from audit.tables import ESTIMATES, EXPLANATIONS, OBSERVATIONS
from tests.real.pneumonia import train_network, write_pneumonia_set

HERE = Path(__file__).parents[1] / "real" / "pneumonia_mnist"


@pytest.fixture(scope="module")
def pneumonia(shared: Path, empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    container = shared / "data" / "pneumonia_mnist" / "train_val.npz"
    folder = tmp_path_factory.mktemp("pneumonia")
    walk = Walk(write_pneumonia_set(folder / "set", container).parent)
    shutil.copyfile(HERE / "plan.yaml", folder / "set" / "plan.yaml")
    shutil.copytree(empty_home, walk.home)
    with np.load(container) as arrays:
        images = arrays["train_images"]
    register("pneumonia-small", train_network(container), images[:2, None].astype(np.float32), ["pneumonia"], {
        "parameters": {"epochs": 4, "seed": 0},
        "training_set": "pneumonia_mnist training part",
        "training_set_digest": hashlib.sha256(images.tobytes()).hexdigest(),
        "manifest": pd.DataFrame({"case_id": [f"train-{row:04d}" for row in range(len(images))]}),
    }, walk.home)  # fmt: skip
    plan = folder / "set" / "plan.yaml"
    for words in (("lock", plan), ("run", plan, "--device", "cpu"), ("dossier", *MAIN)):
        answer = audit(*words, "--home", walk.home, "--json")
        assert answer.code == 0, answer
    return walk


def test_the_network_does_its_work_and_the_audit_says_so(pneumonia: Walk) -> None:
    estimates = pneumonia.store.read_table(ESTIMATES)
    mine = estimates[(estimates["kind"] == "value") & (estimates["attribute"] == "overall")]
    auroc = mine[(mine["measure"] == "auroc") & (mine["version"] == "candidate")].iloc[0]
    assert 0.9 < auroc["low"] < auroc["value"] < auroc["high"] <= 1
    assert (auroc["n_cases"], auroc["n_patients"], auroc["n_failed"]) == (270, 270, 0)
    rows = pneumonia.store.read_table(OBSERVATIONS)
    rows = rows[rows["version"] == "candidate"]
    positive, score = rows["reference"].to_numpy(float) == 1, rows["score"].to_numpy(float)
    below = (score[positive][:, None] > score[~positive]) + 0.5 * (score[positive][:, None] == score[~positive])
    assert auroc["value"] == pytest.approx(below.mean())


def test_explanations_of_a_trained_network_hold(pneumonia: Walk) -> None:
    rows = pneumonia.store.read_table(EXPLANATIONS)
    assert rows["method"].value_counts().to_dict() == {"integrated_gradients": 6, "grad_cam": 6}
    gradients = rows[rows["method"] == "integrated_gradients"]
    converged = gradients["completeness_error"].astype(float) < 0.05
    assert converged.sum() >= 4, "the network is trained here, so which cases converge depends on the machine"
    marked = gradients["error"].astype("string").str.contains("not converged").fillna(False).astype(bool)
    assert (marked == ~converged).all(), "what has not converged says so, and nothing else does"
    assert gradients["energy_inside"].isna().all()  # the set has no masks: nothing may be claimed


def test_what_the_set_does_not_record_is_named_as_a_gap(pneumonia: Walk) -> None:
    documents = pneumonia.store.folder / "documents"
    for path in sorted(documents.glob("*.pdf")):
        text = pages(path, 4)
        for what in ("sex", "age", "manufacturer"):
            assert f"The manifest has no column for {what}: performance by {what} cannot be assessed." in text, path
    stated = json.loads(pneumonia.store.read_bytes("set.json"))["concerns"]
    assert sum("no column for" in each["what"] and each["severity"] == "major" for each in stated) == 3


def test_the_model_is_traced_to_its_training_set(pneumonia: Walk) -> None:
    model = json.loads(pneumonia.store.read_bytes("model.json"))["candidate"]
    assert len(model["training_set_digest"]) == 64
    assert model["training_run"]
    assert audit("verify", "--home", pneumonia.home).code == 0
