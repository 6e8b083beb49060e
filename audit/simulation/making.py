"""Makes one version from nothing: images, weights, operating points and the record of how it came about."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from audit.simulation.imaging import images_and_masks
from audit.simulation.manifest import csv_bytes, training_rows
from audit.simulation.network import LesionNetwork
from audit.simulation.performance import OperatingPoints, Performance, choose, measure, predict
from audit.simulation.training import (
    RECIPES,
    TRAINING_SEED,
    TUNING_SEED,
    Examples,
    Recipe,
    examples,
    fit,
    training_cohort,
    tuning_cohort,
)

PACKAGES = ("torch", "monai", "numpy", "safetensors")
Say = Callable[[str], None]


def make_version(
    version: str, folder: Path, manifests: Path, workers: int, clock: Callable[[], float], say: Say
) -> dict[str, Any]:
    """Trains ``version``, writes ``<version>.safetensors`` and ``<version>.json`` below ``folder`` and the manifests of
    its training and tuning sets below ``manifests``; returns the record. ``clock`` gives seconds."""
    recipe = RECIPES[version]
    folder.mkdir(parents=True, exist_ok=True)
    manifests.mkdir(parents=True, exist_ok=True)
    data, training_sha256 = _set(recipe, "training", manifests, workers)
    begin = clock()
    network = fit(recipe, data, lambda epoch, loss: say(f"{version} epoch {epoch}: loss {loss:.3f}"))
    seconds = clock() - begin
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, _weights(folder, version))
    tuning, tuning_sha256 = _set(recipe, "tuning", manifests, workers)
    points, figures = tune(network, tuning)
    record = _training_record(recipe, data, training_sha256) | {
        "training_seconds": round(seconds, 1),
        "weights_sha256": hashlib.sha256(_weights(folder, version).read_bytes()).hexdigest(),
        "operating_points": _points_record(points, version, tuning_sha256, figures),
        "packages": {name: package_version(name) for name in PACKAGES} | {"python": platform.python_version()},
    }
    (folder / f"{version}.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return record


def tune(network: LesionNetwork, tuning: Examples) -> tuple[OperatingPoints, Performance]:
    """The operating points chosen on the tuning set, and the version's figures there."""
    scores, masks = predict(network, tuning.images)
    references = tuning.masks[:, 0].numpy() > 0
    points = choose(scores, masks, references)
    return points, measure(scores, masks, references, points)


def _set(recipe: Recipe, kind: str, manifests: Path, workers: int) -> tuple[Examples, str]:
    cases = training_cohort(recipe.scanners) if kind == "training" else tuning_cohort(recipe.scanners)
    images, masks = images_and_masks(cases, workers)
    data = csv_bytes(training_rows(cases, images, masks))
    (manifests / f"{recipe.version}_{kind}_manifest.csv").write_bytes(data)
    return examples(images, masks), hashlib.sha256(data).hexdigest()


def _weights(folder: Path, version: str) -> Path:
    return folder / f"{version}.safetensors"


def _training_record(recipe: Recipe, data: Examples, sha256: str) -> dict[str, Any]:
    settings = asdict(recipe)
    del settings["scanners"]
    return settings | {
        "simulated": True,
        "manufacturers": [scanner.manufacturer for scanner in recipe.scanners],
        "training_images": len(data.labels),
        "training_images_with_lesions": int(data.labels.sum()),
        "training_set_seed": TRAINING_SEED,
        "training_set": f"{recipe.version}_training_manifest.csv",
        "training_set_sha256": sha256,
    }


def _points_record(points: OperatingPoints, version: str, sha256: str, figures: Performance) -> dict[str, Any]:
    return {
        "lesion": points.lesion,
        "lesion_mask": points.lesion_mask,
        "how": "lesion: largest sensitivity + specificity - 1 (Youden); lesion_mask: largest Dice pooled over the set",
        "chosen_on": f"simulated tuning set {version}, seed {TUNING_SEED}",
        "tuning_set": f"{version}_tuning_manifest.csv",
        "tuning_set_sha256": sha256,
        "tuning_figures": {name: round(value, 4) for name, value in asdict(figures).items()},
    }
