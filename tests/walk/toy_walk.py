"""A tiny validation set, two networks with hand-set weights whose answers are known, and the command in this process.

48 images of 40 patients, 32 x 32, dark with noise; half of them hold a bright disc (the lesion). Planted: one lesion of
each manufacturer so faint that nobody finds it, one bright artefact without a lesion. On scanners of Borealis lesions
are half as bright as on Aurora's, so that the comparator, which asks for more contrast, misses all of them. Scores stay
between 0.1 and 0.9.
"""

import csv
import hashlib
import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pypdfium2
import torch
import yaml

from audit.cli import main
from audit.evidence.store import AuditStore, open_audit
from audit.models.registering import register

SIZE, CASES, PATIENTS = 32, 48, 40
FAINT, ARTEFACT = ("c005", "c007"), "c002"
BRIGHT_BOREALIS = 9
OUTPUTS = ("lesion", "lesion_mask")
POSITIVE = CASES // 2
DOCUMENTS = ("eu_ai_act_annex_iv", "fda_performance_testing")
MAIN = tuple(word for name in DOCUMENTS for word in ("--only", name))
"""The two main documents, in which every kind of block stands; all of them are built where that is the question."""


class DiscFinder(torch.nn.Module):
    """Mean of 3 x 3 pixels, turned into a probability around ``contrast``; the score is the brightest place."""

    def __init__(self, contrast: float) -> None:
        super().__init__()
        self.mean = torch.nn.Conv2d(1, 2, 3, padding=1)
        self.relu = torch.nn.ReLU()
        self.logit = torch.nn.Conv2d(2, 1, 1)
        with torch.no_grad():
            self.mean.weight.copy_(torch.full((2, 1, 3, 3), 1 / 9))
            self.mean.bias.zero_()
            self.logit.weight.copy_(torch.full((1, 2, 1, 1), 3.0))
            self.logit.bias.fill_(-6.0 * contrast)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        logit = self.logit(self.relu(self.mean(x)))
        return {"lesion": torch.sigmoid(logit.flatten(1).amax(1)), "lesion_mask": torch.sigmoid(logit)}


def write_set(folder: Path) -> Path:
    """set.yaml, manifest.csv, images and masks as .npy in ``folder``, which is returned."""
    (folder / "images").mkdir(parents=True)
    rows = [_case(folder, number) for number in range(CASES)]
    write_manifest(folder, rows)
    (folder / "set.yaml").write_text(yaml.safe_dump(SET), encoding="utf-8")
    return folder


def write_manifest(folder: Path, rows: list[dict[str, Any]]) -> None:
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def read_manifest(folder: Path) -> list[dict[str, Any]]:
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def maker(number: int) -> str:
    return ("Aurora", "Borealis")[number // 2 % 2 if number < PATIENTS else 0]


def _case(folder: Path, number: int) -> dict[str, Any]:
    case, positive = f"c{number:03d}", number % 2 == 1
    pixels, mask = _pixels(case, number, positive)
    for name, array in ((f"{case}.npy", pixels), (f"{case}_mask.npy", mask)):
        np.save(folder / "images" / name, array)
    patient = number if number < PATIENTS else number - PATIENTS
    return {
        "case_id": case,
        "patient_id": f"p{patient:03d}",
        "image": f"images/{case}.npy",
        "sha256": digest(folder / "images" / f"{case}.npy"),
        "lesion_mask": f"images/{case}_mask.npy",
        "lesion_mask_sha256": digest(folder / "images" / f"{case}_mask.npy"),
        "lesion": int(positive),
        "manufacturer": maker(number),
        "site": ("North", "South")[patient % 4 // 2],
        "sex": "" if patient % 13 == 12 else "FM"[patient % 3 % 2],
        "age_years": "" if patient % 17 == 16 else 20 + 53 * patient % 60,
        "spacing_mm": "1\\1",
        "slice_thickness_mm": 5,
    }


def _pixels(case: str, number: int, positive: bool) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(number)
    pixels = generator.normal(0.1, 0.02, (SIZE, SIZE)).astype(np.float32)
    row, column = generator.integers(8, SIZE - 8, 2)
    across = np.hypot(*(np.mgrid[:SIZE, :SIZE] - np.array([row, column])[:, None, None]))
    disc = across <= 4
    bright = 0.05 if case in FAINT else (1.0 if maker(number) == "Aurora" else 0.5)
    if positive or case == ARTEFACT:
        pixels[disc] += np.float32(bright)
    return pixels, (disc & positive).astype(np.uint8)


SET: dict[str, Any] = {
    "name": "discs",
    "version": "1",
    "licence": "CC0",
    "description": "Bright discs in noise, made by code for tests.",
    "simulated": True,
    "sampling": {"kind": "enriched", "how": "half of the images hold a disc"},
    "reference": {"kind": "exact", "how": "known by construction"},
}


def plan(**changes: Any) -> dict[str, Any]:
    """The plan of the toy audit; ``changes`` replace fields, None removes one."""
    point = {"threshold": 0.5, "chosen_on": "tuning discs", "how": "set by hand"}
    whole: dict[str, Any] = {
        "id": "discs",
        "title": "Bright discs in noise",
        "intended_purpose": "Finds bright discs in noise, so that the walk can be tested against known answers.",
        "model": {"kind": "mlflow", "name": "disc-finder", "version": "2"},
        "comparator": {"kind": "mlflow", "name": "disc-finder", "version": "1"},
        "validation_sets": ["discs"],
        "targets": {
            "lesion": {
                "task": "classification",
                "output": "lesion",
                "reference": "lesion",
                "operating_point": point,
            },
            "outline": {
                "task": "segmentation",
                "output": "lesion_mask",
                "reference": "lesion_mask",
                "operating_point": point,
            },
        },
        "strata": {
            "manufacturer": {"baseline": "Aurora"},
            "sex": {"baseline": "M"},
            "age_band": {"cuts": [40, 60], "baseline": "40-60"},
        },
        "intersections": [["manufacturer", "sex"]],
        "endpoints": [
            _endpoint("P1", "primary", "auroc", "lesion", {"kind": "minimum", "value": 0.75}),
            _endpoint("P2", "primary", "sensitivity", "lesion", {"kind": "superiority"}),
            _endpoint("S1", "secondary", "dice", "outline", {"kind": "minimum", "value": 0.5}),
            {
                **_endpoint("S2", "secondary", "sensitivity", "lesion", {"kind": "minimum", "value": 0.99}),
                "group": {"attribute": "manufacturer", "level": "each"},
            },
        ],
        "perturbation_arms": [{"name": "noise", "kind": "rician_noise", "size": 0.2}],
        "explanations": {
            "target": "lesion",
            "methods": ["integrated_gradients", "grad_cam"],
            "cases": {"attribute": "manufacturer", "per_level": 2},
            "features": ["manufacturer", "sex", "age_years"],
            "surrogate": {"image_features": True},
        },
        "uncertainty": {
            "target": "lesion",
            "augmented": {"by": [{"kind": "shift", "size": 0.05}, {"kind": "gain", "size": 1.1}], "copies": 2},
            "conformal": {"error_rate": 0.2},
        },
        "shortcuts": {"target": "lesion", "cases": 24},
        "too_few": 3,
        "resamples": 200,
        "seed": 7,
        "batch_size": 8,
    }
    return {key: value for key, value in {**whole, **changes}.items() if value is not None}


def _endpoint(id_: str, role: str, measure: str, target: str, criterion: dict[str, Any]) -> dict[str, Any]:
    return {"id": id_, "role": role, "measure": measure, "target": target, "criterion": criterion}


QUICK: dict[str, Any] = {
    "comparator": None,
    "perturbation_arms": None,
    "explanations": None,
    "uncertainty": None,
    "shortcuts": None,
    "strata": {"manufacturer": {"baseline": "Aurora"}},
    "intersections": None,
    "endpoints": [plan()["endpoints"][0]],
}
"""Changes that leave one version, one endpoint and no explanations: for tests that ask about something else."""


def write_plan(folder: Path, name: str = "plan.yaml", **changes: Any) -> Path:
    path = folder / name
    path.write_text(yaml.safe_dump(plan(**changes), sort_keys=False), encoding="utf-8")
    return path


def register_toys(home: Path) -> Path:
    """Version 1, the comparator, wants a contrast of 0.75; version 2, the candidate, 0.35."""
    example = np.zeros((2, 1, SIZE, SIZE), np.float32)
    for contrast in (0.75, 0.35):
        training = {
            "parameters": {"contrast": contrast},
            "training_set": "training discs",
            "training_set_digest": "ab" * 32,
            "manifest": pd.DataFrame({"case_id": ["t1", "t2"], "patient_id": ["x1", "x2"]}),
        }
        register("disc-finder", DiscFinder(contrast), example, OUTPUTS, training, home)
    return home


@dataclass(frozen=True)
class Answer:
    """What the command left behind: exit code and both streams."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def audit(*words: object) -> Answer:
    """Runs ``audit WORDS`` in this process, through the very function that the console script calls."""
    out, err, before = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["audit", *map(str, words)]
    code: Any = 0
    try:
        with redirect_stdout(out), redirect_stderr(err):
            main()
    except SystemExit as leaving:
        code = leaving.code
    finally:
        sys.argv = before
    return Answer(int(code or 0), out.getvalue(), err.getvalue())


def pages(path: Path, first: int) -> str:
    """The text of the first pages of a PDF, white space joined."""
    document = pypdfium2.PdfDocument(path)
    found = [document[number].get_textpage().get_text_range() for number in range(min(first, len(document)))]
    return " ".join(" ".join(found).split())


@dataclass(frozen=True)
class Walk:
    """A folder with the set and plan(s), the home beside them, and the audit that was made there."""

    folder: Path
    audit_id: str = ""

    @property
    def home(self) -> Path:
        return self.folder / "evidence"

    @property
    def plan(self) -> Path:
        return self.folder / "plan.yaml"

    @property
    def store(self) -> AuditStore:
        return open_audit(self.home, self.audit_id or None, producer={})
