"""Making a version, on a cohort small enough for a test."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from audit.simulation import making, training
from audit.simulation.__main__ import main
from audit.simulation.imaging import images_and_masks
from audit.simulation.network import LesionNetwork
from audit.simulation.scanners import SCANNERS, SEEN_BY_V1
from audit.simulation.training import RECIPES, examples, fit, training_cohort, tuning_cohort


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "TRAINING_PATIENTS", 16)
    monkeypatch.setattr(training, "TUNING_PATIENTS", 16)
    monkeypatch.setitem(making.RECIPES, "v1", replace(RECIPES["v1"], epochs=2, batch_size=4))


def test_version_1_trains_on_two_makers_out_of_version_2s_patients(small: None) -> None:
    one, two = training_cohort(SEEN_BY_V1), training_cohort(SCANNERS)
    assert {case.case_id for case in one} < {case.case_id for case in two}
    assert {case.scanner for case in one} == set(SEEN_BY_V1)
    assert not {case.patient_id for case in two} & {case.patient_id for case in tuning_cohort(SCANNERS)}


def test_a_made_version_comes_with_a_record_of_its_bytes(small: None, tmp_path: Path) -> None:
    said: list[str] = []
    ticks = iter((10.0, 13.5))
    record = making.make_version("v1", tmp_path / "w", tmp_path / "m", 1, lambda: next(ticks), said.append)
    assert json.loads((tmp_path / "w" / "v1.json").read_text()) == record
    assert record["training_seconds"] == 3.5
    assert len(said) == 2
    assert record["training_images"] == 8
    manifest = (tmp_path / "m" / record["training_set"]).read_bytes()
    assert hashlib.sha256(manifest).hexdigest() == record["training_set_sha256"]
    assert manifest.count(b"\n") == 9
    LesionNetwork().load_state_dict(load_file(tmp_path / "w" / "v1.safetensors"))


def test_same_seed_same_weights_and_the_loss_falls(small: None) -> None:
    data = examples(*images_and_masks(training_cohort(SEEN_BY_V1), 1))
    losses: list[float] = []
    recipe = replace(RECIPES["v1"], epochs=6, batch_size=4)
    first = fit(recipe, data, lambda _, loss: losses.append(loss)).state_dict()
    again = fit(recipe, data, lambda _, __: None).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert losses[-1] < 0.9 * losses[0]


def test_the_command_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.argv", ["simulation", "check", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"error: .*manifest\.csv does not exist"):
        main()
