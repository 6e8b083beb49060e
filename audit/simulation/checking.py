"""Both versions on a written set, by manufacturer, at their locked operating points: the story of the example."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
import torch
from numpy.typing import NDArray
from PIL import Image

from audit.records import BadInput
from audit.simulation.network import VERSIONS, WEIGHTS, load_version
from audit.simulation.performance import OperatingPoints, Performance, measure, predict


@dataclass(frozen=True, slots=True)
class Line:
    """One version's figures on one manufacturer's images."""

    version: str
    manufacturer: str
    seen: bool
    figures: Performance


def check_set(folder: Path, rows: slice = slice(None)) -> list[Line]:
    """Each version on the manifest's ``rows``, by manufacturer in order of name."""
    cases = read_manifest(folder)[rows]
    images = np.stack([pydicom.dcmread(folder / case["image"]).pixel_array for case in cases])
    references = np.stack([np.asarray(Image.open(folder / case["lesion_mask"])) > 0 for case in cases])
    makers = np.array([case["manufacturer"] for case in cases])
    return [line for version in VERSIONS for line in _lines(version, images, references, makers)]


def read_manifest(folder: Path) -> list[dict[str, str]]:
    """The rows of ``manifest.csv`` as text."""
    path = folder / "manifest.csv"
    if not path.is_file():
        raise BadInput(f"{path} does not exist; write the set first with 'python -m audit.simulation make-set'.")
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def read_record(version: str) -> dict[str, object]:
    """The committed record of a version: how it was trained, where its operating points come from."""
    record: dict[str, object] = json.loads((WEIGHTS / f"{version}.json").read_text(encoding="utf-8"))
    return record


def operating_points(version: str) -> OperatingPoints:
    """The thresholds that were chosen on the version's tuning set."""
    points = read_record(version)["operating_points"]
    assert isinstance(points, dict)
    return OperatingPoints(float(points["lesion"]), float(points["lesion_mask"]))


def table_lines(lines: list[Line]) -> list[str]:
    """A Markdown table."""
    head = [
        "| version | manufacturer | trained on | images | AUROC | sensitivity | specificity | Dice |",
        "|" + " --- |" * 8,
    ]
    return head + [
        f"| {line.version} | {line.manufacturer} | {'yes' if line.seen else 'no'} | {line.figures.images} "
        f"| {line.figures.auroc:.3f} | {line.figures.sensitivity:.2f} | {line.figures.specificity:.2f} "
        f"| {line.figures.dice:.2f} |"
        for line in lines
    ]


def _lines(
    version: str, images: NDArray[np.uint16], references: NDArray[np.bool_], makers: NDArray[np.str_]
) -> list[Line]:
    scores, masks = predict(load_version(version), torch.from_numpy(images.astype(np.float32))[:, None])
    points, seen = operating_points(version), read_record(version)["manufacturers"]
    assert isinstance(seen, list)
    return [
        Line(version, str(maker), maker in seen, measure(scores[own], masks[own], references[own], points))
        for maker in np.unique(makers)
        for own in [makers == maker]
    ]
