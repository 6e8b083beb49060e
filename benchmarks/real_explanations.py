"""The examination of explanations on real radiographs: real, randomised, constant networks; boxes; planted site marks.

    python benchmarks/real_explanations.py FOLDER

FOLDER holds the sets ``pneumonia_mnist``, ``nih_cxr_images`` and ``cxr_sites``, which are not part of the project. All
networks are trained here, on one thread. Results: benchmarks/results/real_explanations.json.
"""

from __future__ import annotations

import copy
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from examined_versions import Examined, Pictures, examine, plan_of
from machine import machine_facts
from PIL import Image as Picture

from audit.cases.located import drawn
from audit.plan import Plan
from audit.records import BoolArray, FloatArray, Pixels

RESULTS = Path(__file__).resolve().parent / "results" / "real_explanations.json"
METHODS = ("integrated_gradients", "grad_cam", "occlusion")
SCORES = ("completeness_error", "deletion_gain", "insertion_gain", "randomisation_cascading", "stability")
PLACES = ("energy_inside", "area_inside", "localisation_gain", "pointing_game", "iou_equal_area")


class Small(torch.nn.Module):
    """Two or three convolutions, the largest and the mean answer of each, one probability and its log-odds."""

    def __init__(self, channels: Sequence[int] = (8, 16)) -> None:
        super().__init__()
        layers: list[torch.nn.Module] = []
        for before, after in zip((1, *channels), channels, strict=False):
            layers += [torch.nn.Conv2d(before, after, 3, padding=1), torch.nn.ReLU(), torch.nn.AvgPool2d(2)]
        self.features = torch.nn.Sequential(*layers)
        self.last = torch.nn.Linear(2 * channels[-1], 1)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        found = self.features(x).flatten(2)
        logit = self.last(torch.cat([found.amax(2), found.mean(2)], 1)).flatten()
        return {"score": torch.sigmoid(logit), "score_logit": logit}


class Coarse(torch.nn.Module):
    """A probability that is linear in the means of a grid of 7 x 7 cells."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = torch.nn.AdaptiveAvgPool2d(7)
        self.last = torch.nn.Linear(49, 1)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        logit = self.last(self.cells(x).flatten(1)).flatten()
        return {"score": torch.sigmoid(logit), "score_logit": logit}


OUTPUTS = ("score", "score_logit")


def trained(
    network: torch.nn.Module, pixels: Pixels, positive: BoolArray, epochs: int, rate: float = 3e-3, decay: float = 1e-4
) -> torch.nn.Module:
    """``network`` after ``epochs`` over the images in batches of 32."""
    images, answers = torch.from_numpy(pixels)[:, None], torch.from_numpy(positive.astype(np.float32))
    optimiser = torch.optim.Adam(network.parameters(), rate, weight_decay=decay)
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(32):
            optimiser.zero_grad()
            logit = network(images[batch])["score_logit"]
            torch.nn.functional.binary_cross_entropy_with_logits(logit, answers[batch]).backward()
            optimiser.step()
    return network.eval()


def untrained_twin(network: torch.nn.Module, seed: int) -> torch.nn.Module:
    """The network with every weight drawn anew, of the size that it had, and no bias."""
    twin, generator = copy.deepcopy(network), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in twin.parameters():
            size = weight.pow(2).mean().sqrt() if weight.ndim > 1 else 0.0
            weight.copy_(torch.randn(weight.shape, generator=generator) * size)
    return twin.eval()


class Nearly(torch.nn.Module):
    """A constant answer, to which the network's own adds ``share``; 0 makes it constant."""

    def __init__(self, network: torch.nn.Module, share: float) -> None:
        super().__init__()
        self.network, self.share = network, share

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {name: 0.3 + self.share * value for name, value in self.network(x).items()}


def explained(per_level: int, scores: Sequence[str] = SCORES, methods: Sequence[str] = METHODS, **more: Any) -> Plan:
    """The plan of these examinations: cases drawn from the whole set."""
    asked = {"target": "finding", "methods": list(methods), "cases": {"per_level": per_level},
             "examine": {"scores": list(scores)}}  # fmt: skip
    return plan_of(explanations=asked, **more)


# pneumonia_mnist: a real network, and three that have nothing to explain


def pneumonia(
    folder: Path, epochs: int, per_level: int, cases: int, methods: Sequence[str] = METHODS
) -> dict[str, Examined]:
    """Trained, randomised, constant and nearly constant network on the validation part."""
    torch.manual_seed(0)
    with np.load(folder / "pneumonia_mnist" / "train_val.npz", allow_pickle=False) as arrays:
        train, answers = arrays["train_images"].astype(np.float32) / 255, arrays["train_labels"].reshape(-1) == 1
        test, truth = arrays["val_images"].astype(np.float32) / 255, arrays["val_labels"].reshape(-1) == 1
    network = trained(Small(), train, answers, epochs)
    rows = np.random.default_rng(0).permutation(len(test))[:cases]
    pictures = Pictures({f"val-{i:04d}": test[i] for i in rows}, {f"val-{i:04d}": bool(truth[i]) for i in rows})
    networks = {"trained": network, "random weights": untrained_twin(network, 5), "constant": Nearly(network, 0.0),
                "nearly constant": Nearly(untrained_twin(network, 6), 1e-4)}  # fmt: skip
    plan = explained(per_level, methods=methods)
    return {name: examine(plan, pictures, each.eval(), OUTPUTS) for name, each in networks.items()}


# nih_cxr_images: maps against a radiologist's boxes


def with_boxes(folder: Path, epochs: int, side: int) -> tuple[Pictures, torch.nn.Module]:
    """Images with a box and those without a reported finding, as ``Pictures``; a network trained on all other images
    with a finding and half of those without."""
    source = folder / "nih_cxr_images"
    rows = pd.read_csv(source / "metadata.csv", dtype={"patient_id": str})
    boxes = pd.read_csv(source / "boxes_224.csv").rename(columns={"w": "width", "h": "height"})
    masks = {case: shrunk(drawn(part, (224, 224)), side) >= 0.5 for case, part in boxes.groupby("image_id")}
    masks = {case: mask if mask.any() else mask | (shrunk(drawn(boxes[boxes.image_id == case], (224, 224)), side) > 0)
             for case, mask in masks.items()}  # fmt: skip
    free = rows.loc[rows["labels"] == "No Finding", "image_id"].tolist()
    read = [*masks, *free[::2]]
    pixels = {name: shrunk(grey(source / "images" / name), side) for name in rows["image_id"]}
    learned = [name for name in rows["image_id"] if name not in read]
    torch.manual_seed(1)
    network = trained(
        Small((8, 16, 16)), np.stack([pixels[name] for name in learned]),
        np.array([name not in free for name in learned]), epochs)  # fmt: skip
    patients = dict(zip(rows["image_id"], rows["patient_id"], strict=True))
    return Pictures({n: pixels[n] for n in read}, {n: n in masks for n in read}, masks, patients=patients), network


def grey(path: Path) -> Pixels:
    """An image file as grey values between 0 and 1."""
    with Picture.open(path) as picture:
        return np.asarray(picture.convert("L"), dtype=np.float32) / 255


def shrunk(pixels: FloatArray | BoolArray | Pixels, side: int) -> Pixels:
    """Means of square blocks, ``side`` of them along each side."""
    step = pixels.shape[0] // side
    return np.asarray(pixels.reshape(side, step, side, step).mean(axis=(1, 3)), dtype=np.float32)


# cxr_sites: site marks that go with the finding


@dataclass(frozen=True)
class Marked:
    """Radiographs with an opacity put into half of them, and a site's mark that goes with it as told."""

    pixels: Pixels
    positive: BoolArray
    mark: BoolArray
    names: Sequence[str]
    patients: Sequence[str]

    def pictures(self) -> Pictures:
        site = {name: "marked" if mark else "unmarked" for name, mark in zip(self.names, self.mark, strict=True)}
        pixels = dict(zip(self.names, self.pixels, strict=True))
        positive = dict(zip(self.names, map(bool, self.positive), strict=True))
        patients = dict(zip(self.names, self.patients, strict=True))
        return Pictures(pixels, positive, strata={"site": site}, patients=patients)


def letters(pixels: Pixels) -> None:
    """'CR' in the upper right corner, in strokes of two pixels, at the brightest value."""
    glyphs = ("0110 1110", "1001 1001", "1000 1110", "1000 1010", "1001 1001", "0110 1001")
    for row, line in enumerate(glyphs):
        for column, letter in enumerate(line):
            if letter == "1":
                at = 2 + 2 * row, pixels.shape[1] - 20 + 2 * column
                pixels[at[0] : at[0] + 2, at[1] : at[1] + 2] = 1.0


def frame(pixels: Pixels) -> None:
    """A bright frame of four pixels, wider than the border that is masked."""
    for edge in (np.s_[:4, :], np.s_[-4:, :], np.s_[:, :4], np.s_[:, -4:]):
        pixels[edge] = 0.95


def sites(
    folder: Path,
    mark: Callable[[Pixels], None],
    with_finding: float,
    without: float,
    part: str,
    seed: int,
    times: int = 1,
) -> Marked:
    """Half of the patients (``part``: learned, tested), each image ``times`` times with and without an opacity."""
    rows = pd.read_csv(folder / "cxr_sites" / "metadata.csv", dtype=str)
    rows = rows[rows["view"] != "LATERAL"].reset_index(drop=True)
    half = pd.factorize(rows["patient_id"])[0] % 2 == (part == "learned")
    rows = rows[half]
    generator = np.random.default_rng(seed)
    stored = {file: shrunk(grey(folder / "cxr_sites" / file), 56) for file in rows["file"]}
    files, patients = rows["file"].tolist() * times, rows["patient_id"].tolist() * times
    positive = generator.random(len(files)) < 0.5
    has = generator.random(len(files)) < np.where(positive, with_finding, without)
    images = []
    for file, finding, marked in zip(files, positive, has, strict=True):
        pixels = stored[file] + (opacity(generator) if finding else 0)
        if marked:
            mark(pixels)
        images.append(pixels.clip(0, 1))
    return Marked(np.stack(images), positive, has, [f"{i:04d}" for i in range(len(files))], patients)


def opacity(generator: np.random.Generator) -> Pixels:
    """A soft bright spot in the right lower zone, its place jittered by two pixels."""
    row, column = np.array([36, 18]) + generator.integers(-2, 3, 2)
    y, x = np.mgrid[:56, :56]
    return np.asarray(0.25 * np.exp(-((y - row) ** 2 + (x - column) ** 2) / 40), dtype=np.float32)


def searched(
    folder: Path,
    mark: Callable[[Pixels], None],
    seed: int,
    times: int,
    epochs: int,
    network: Callable[[], torch.nn.Module],
) -> dict[str, dict[str, Any]]:
    """The shortcut search on a network that learned the mark and on its clean twin."""
    tested = sites(folder, mark, 0.9, 0.1, "tested", 100 + seed)
    plan = plan_of(shortcuts={"target": "finding"}, strata={"site": {}})
    found = {}
    for name, odds in (("learned the mark", (0.98, 0.02)), ("clean twin", (0.5, 0.5))):
        torch.manual_seed(seed)
        learned = sites(folder, mark, *odds, "learned", seed, times)
        made = trained(network(), learned.pixels, learned.positive, epochs, decay=1e-3)
        found[name] = summed(examine(plan, tested.pictures(), made, OUTPUTS))
    return found


def summed(seen: Examined) -> dict[str, Any]:
    """What a table needs of one examination."""
    rows = seen.analyses
    turned = rows[(rows["analysis"] == "shortcuts") & (rows["attribute"] == "overall")]
    turned = turned[turned["quantity"] == "decisions turned"]
    return {
        "auroc": _value(seen.estimates, "auroc"),
        **({"shortcuts": {r["measure"]: {"verdict": _plain(r["verdict"]), "turned": _plain(r["value"]),
            "low": _plain(r["low"]), "high": _plain(r["high"]), "cases": int(r["n_cases"]),
            "undefined": _plain(r["undefined"])} for r in turned.to_dict("records")}} if len(turned) > 1 else {}),
        **({"verdicts": {r["method"]: {"verdict": r["verdict"], "reasons": r["reasons"]}
            for r in seen.verdicts.to_dict("records")}} if len(seen.verdicts) else {}),
    }  # fmt: skip


def _value(estimates: pd.DataFrame, measure: str) -> list[float | None]:
    row = estimates[(estimates["measure"] == measure) & (estimates["attribute"] == "overall")]
    row = row[row["kind"] == "value"].iloc[0]
    return [_plain(row[name]) for name in ("value", "low", "high")]


def _plain(value: Any) -> Any:
    if pd.isna(value):
        return None
    return round(float(value), 4) if isinstance(value, float | np.floating) else value


def located(seen: Examined) -> dict[str, Any]:
    """Means of the localisation scores by method, with interval or the reason why there is none."""
    return {method: dict(_places(seen, method)) for method in METHODS}


def _places(seen: Examined, method: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for score in PLACES:
        for row in seen.mean(score, method).to_dict("records"):
            yield score, {name: _plain(row[name]) for name in ("value", "low", "high", "undefined", "n_patients")}


def main() -> None:
    torch.set_num_threads(1)
    folder, start = Path(sys.argv[1]), time.perf_counter()
    result: dict[str, Any] = {"machine": machine_facts()}
    result["pneumonia_mnist"] = {name: summed(each) for name, each in pneumonia(folder, 12, 40, 270).items()}
    pictures, network = with_boxes(folder, 60, 56)
    seen = examine(explained(10, (*SCORES, *PLACES)), pictures, network, OUTPUTS)
    result["nih_cxr_images"] = {**summed(seen), "places": located(seen)}
    result["cxr_sites"] = {
        mark.__name__: {str(seed): searched(folder, mark, seed, 6, 25, lambda: Small((8, 16, 16))) for seed in range(3)}
        for mark in (letters, frame)
    }
    result["seconds"] = round(time.perf_counter() - start)
    RESULTS.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
