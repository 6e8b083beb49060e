"""``audit demo``: registers the embedded example's two versions, then locks, runs, documents and verifies its audit."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from audit.cases.loading import image_loader
from audit.cases.manifest import read_set
from audit.datafolders import data_folder
from audit.documents.view import make_documents, verdict_of
from audit.evidence.difference import Difference
from audit.evidence.store import AuditStore
from audit.models.registering import Training, ensure_registered
from audit.run import Progress, lock_plan, locked_or_none, run_plan
from audit.simulation.network import OUTPUTS, VERSIONS, WEIGHTS, load_version
from audit.verifying.recomputing import verify_audit

MODEL, SET = "brain-lesion", "brain_mri_simulated"


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What the demo made: the audit, its PDFs, the verdict in a sentence, and what verification found."""

    store: AuditStore
    documents: tuple[Path, ...]
    verdict: str
    sentence: str
    differences: tuple[Difference, ...]


def demo_plan() -> Path:
    """The plan of the embedded example."""
    return data_folder("validation_sets") / SET / "plan.yaml"


def run_demo(home: Path, who: str, now: Callable[[], str], progress: Progress) -> Demonstration:
    """The whole walk; run again it goes on with the same audit."""
    plan = demo_plan()
    register_versions(home, progress)
    if locked_or_none(plan, home) is None:
        lock_plan(plan, home, who, now())
    store = run_plan(plan, home, who, now(), now, "cpu", progress)
    progress("documents", 0, 1)
    built = make_documents(store, now())
    progress("documents", 1, 1)
    progress("verification", 0, 1)
    differences = tuple(verify_audit(store))
    progress("verification", 1, 1)
    verdict, sentence, _ = verdict_of(store)
    return Demonstration(store, tuple(path for _, path in built), verdict, sentence, differences)


def register_versions(home: Path, progress: Progress) -> None:
    """Registers both versions in MLflow with their training run, training set and operating points; idempotent."""
    folder = data_folder("validation_sets") / SET
    example = _example(folder)
    for done, name in enumerate(VERSIONS):
        progress("registering versions", done, len(VERSIONS))
        ensure_registered(
            MODEL, name.removeprefix("v"), load_version(name), example, OUTPUTS, _training(name, folder), home
        )
    progress("registering versions", len(VERSIONS), len(VERSIONS))


def _example(folder: Path) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Two images of the set, float32 (2, 1, rows, columns): the shape of the exported program's input."""
    cases = read_set(folder)
    load = image_loader(cases)
    return np.stack([load(str(case)).pixels for case in cases.cases["case_id"].iloc[:2]])[:, None].astype(np.float32)


def _parameters(record: dict[str, Any]) -> dict[str, str]:
    """What stands of the training beside its digest; ``training_<attribute>`` names the levels trained on."""
    levels = {"training_manufacturer": "; ".join(record["manufacturers"])}
    kept = record.keys() - {"manufacturers", "training_set_sha256", "simulated"}
    return levels | {key: str(record[key]) for key in sorted(kept) if not isinstance(record[key], dict)}


def _training(name: str, folder: Path) -> Training:
    record: dict[str, Any] = json.loads((WEIGHTS / f"{name}.json").read_text(encoding="utf-8"))
    points = record.pop("operating_points")
    shared = {key: points[key] for key in ("how", "chosen_on")}
    manifest = pd.read_csv(folder / "training" / record["training_set"])
    return Training(
        parameters=_parameters(record),
        metrics={f"tuning_{key}": float(value) for key, value in points["tuning_figures"].items()},
        training_set=record["training_set"],
        training_set_digest=record["training_set_sha256"],
        manifest=manifest,
        operating_points={target: {"threshold": points[target], **shared} for target in ("lesion", "lesion_mask")},
    )
