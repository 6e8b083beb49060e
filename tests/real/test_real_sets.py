"""Real sets, read as a user would: plan and set.yaml beside the test, data where it stands."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audit.attributes.levels import gaps, stratify
from audit.cases.concerns import concerns
from audit.cases.loading import image_loader
from audit.cases.manifest import find_set, read_set
from audit.cases.references import references_table
from audit.plan import read_plan
from tests.real.pneumonia import write_pneumonia_set

HERE = Path(__file__).parent


def opened(name, shared):
    stored = read_plan(HERE / name / "plan.yaml")
    read = read_set(find_set(stored.plan.validation_sets[0], stored.path.parent))
    return stored, replace(read, cases=stratify(read.cases, stored.plan.strata))


def auroc(positive, score):
    ranks = pd.Series(score).rank().to_numpy()
    n, p = len(score), int(positive.sum())
    return (ranks[positive].sum() - p * (p + 1) / 2) / (p * (n - p))


def test_mri_quality(shared):
    stored, read = opened("mri_quality", shared)
    published = json.loads((shared / "data/mri_quality/operating_point.json").read_text())
    point = stored.plan.targets["exclude"].operating_point
    assert point.threshold == published["threshold"]
    assert stored.locate(stored.plan.model.scores).is_file()
    references = references_table(read.cases, stored.plan.targets)
    positive = references["value"].to_numpy(dtype=float) == 1
    assert positive.sum() == 93
    assert auroc(positive, read.cases["prob_exclude"].to_numpy(dtype=float)) == pytest.approx(
        published["shared_auroc"], abs=1e-6
    )
    assert read.cases["stratum:manufacturer"].value_counts().to_dict() == {
        "Siemens Healthineers": 397,
        "GE HealthCare": 145,
        "Philips": 103,
    }
    assert read.cases["case_id"].iloc[0] == "50002"
    assert gaps(read.cases, stored.plan.strata).empty
    raised = [c.what for c in concerns(read, stored.plan)]
    assert any("was chosen on 'mri_quality'" in what for what in raised)
    assert any("manufacturer" in what and "GE HealthCare: 100% UM" in what for what in raised)
    assert not read.facts.reference.is_standard


def test_nih_cxr_preds(shared):
    stored, read = opened("nih_cxr_preds", shared)
    folder = shared / "data/nih_cxr_preds"
    check = json.loads((folder / "check.json").read_text())
    points = json.loads((folder / "operating_points.json").read_text())["operating_points"]
    assert len(read.cases) == check["n_images"]
    assert read.cases["patient_id"].nunique() == check["n_patients"]
    assert str(read.cases["patient_id"].dtype) == "string"
    references = references_table(read.cases, stored.plan.targets)
    assert len(stored.plan.targets) == len(check["auroc"]) == 14
    for finding, expected in check["auroc"].items():
        target = stored.plan.targets[finding.lower()]
        assert target.operating_point.threshold == points[finding]["threshold"]
        rows = references[references["target"] == finding.lower()]
        positive = rows["value"].to_numpy(dtype=float) == 1
        assert positive.sum() == check["n_pos"][finding]
        assert auroc(positive, read.cases[target.output].to_numpy(dtype=float)) == pytest.approx(expected, abs=1e-6)
    assert read.cases["stratum:age_band"].value_counts().to_dict() == {
        "40-60": 5158,
        "18-40": 2952,
        "60-80": 2415,
        "<18": 484,
        "≥80": 118,
    }
    raised = [c.what for c in concerns(read, stored.plan)]
    assert any("S143: 100% PA" in what for what in raised)
    assert any("hernia" in what and "was chosen on 'nih_cxr_preds'" in what for what in raised)


def test_pneumonia_images_stay_in_their_container(shared, tmp_path):
    container = shared / "data/pneumonia_mnist/train_val.npz"
    read = read_set(write_pneumonia_set(tmp_path / "pneumonia", container))
    assert len(read.cases) == 270
    load = image_loader(read)
    with np.load(container) as arrays:
        images, labels = arrays["val_images"], arrays["val_labels"].reshape(-1)
    for row in (0, 137, 269):
        np.testing.assert_array_equal(load(f"val-{row:04d}").pixels, images[row])
    assert read.cases["pneumonia"].tolist() == labels.tolist()
