"""What integrated gradients cost: ours beside captum's plain call per image, and beside the bare passes.

    python benchmarks/bench_explanations.py

On images of the embedded example and both its versions, and on volumes with an untrained 3-D network. Captum's plain
call takes one image at a time with its own default way of batching; its steps are the fewest of ``LADDER`` whose median
completeness error comes down to ours. The bare cost is that of as many forward and backward passes in batches of the
same sizes. All three take turns, ``ROUNDS`` times; ratios are medians over the rounds. How far the maps lie from those
of captum with ``FINE`` steps is told beside it, for a sum can be right where its parts are not yet.
Results: benchmarks/results/explanations.json.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pydicom
import torch
from captum.attr import IntegratedGradients
from machine import machine_facts
from monai.networks.nets import resnet18
from scipy.ndimage import gaussian_filter

from audit.explanations import integrated_gradients as ours
from audit.explanations.baselines import baseline_images
from audit.explanations.chunks import chunk_size
from audit.explanations.completeness import change_of_output, completeness_error
from audit.explanations.scalar import ScalarOutput
from audit.plan import Target
from audit.records import FloatArray, Pixels
from audit.simulation.network import OUTPUTS, VERSIONS, load_version

RESULTS = Path(__file__).resolve().parent / "results" / "explanations.json"
SET = Path(__file__).resolve().parents[1] / "validation_sets" / "brain_mri_simulated"
CASES, ROUNDS, FINE = 8, 3, 192
LADDER = (6, 8, 12, 16, 24, 32, 48, 64, 96, 128)
VOLUME = (24, 32, 32)


def main() -> None:
    lesion = Target(task="classification", output="lesion", reference="lesion")
    subjects = {
        f"example, {name}": (ScalarOutput(load_version(name), OUTPUTS, lesion), images(CASES)) for name in VERSIONS
    }
    score = Target(task="classification", output="score", reference="lesion")
    subjects["volumes, untrained ResNet-18"] = (ScalarOutput(volume_network(), ("score",), score), volumes(CASES // 2))
    result = {"machine": machine_facts()} | {name: measured(*subject) for name, subject in subjects.items()}
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


def measured(scalar: ScalarOutput, pixels: Pixels) -> dict[str, Any]:
    """Everything about one network and its images."""
    _, baseline = baseline_images(scalar, pixels)
    change = change_of_output(scalar, pixels, baseline)
    batches: list[int] = []
    counted = scalar.register_forward_pre_hook(lambda _, inputs: batches.append(len(inputs[0])))
    made = ours.explain(scalar, pixels)
    counted.remove()
    error = made.completeness_error
    assert error is not None
    steps, plain_maps = matching_steps(scalar, pixels, baseline, change, float(np.nanmedian(error)))
    fine = plain(scalar, pixels, baseline, FINE, together=16)
    took: dict[str, list[float]] = {"ours": [], "captum per image": [], "bare passes": []}
    for _ in range(ROUNDS):
        took["ours"].append(seconds(lambda: ours.explain(scalar, pixels)))
        took["captum per image"].append(seconds(lambda: plain(scalar, pixels, baseline, steps)))
        took["bare passes"].append(seconds(lambda: bare(scalar, pixels, batches)))
    return {
        "cases": len(pixels),
        "pixels": list(pixels.shape[2:]),
        "chunk": chunk_size(scalar, scalar.batch(pixels[:1])),
        "passes of ours": sum(batches),
        "steps of captum at equal median error": steps,
        "seconds, median": {name: round(float(np.median(values)), 2) for name, values in took.items()},
        "completeness error": {
            "ours": spread(error),
            "captum per image": spread(completeness_error(plain_maps, change)),
            f"captum, {FINE} steps": spread(completeness_error(fine, change)),
        },
        f"distance of maps from those of {FINE} steps": {
            "ours": spread(distance(made.maps, fine)),
            "captum per image": spread(distance(plain_maps, fine)),
        },
        "times faster than captum per image": ratio(took["captum per image"], took["ours"]),
        "cost beside bare passes": ratio(took["ours"], took["bare passes"]),
    }


def volume_network() -> torch.nn.Module:
    """An untrained 3-D network in evaluation mode."""
    torch.manual_seed(0)
    return resnet18(spatial_dims=3, n_input_channels=1, num_classes=1).eval()


def volumes(number: int) -> Pixels:
    """Smooth random volumes, (N, 1, D, H, W)."""
    noise = np.random.default_rng(0).normal(size=(number, 1, *VOLUME))
    return np.asarray(gaussian_filter(noise, (0, 0, 2, 2, 2)) * 10, dtype=np.float32)


def images(number: int) -> Pixels:
    """The first images of the example, (N, 1, H, W)."""
    names = pd.read_csv(SET / "manifest.csv")["image"][:number]
    return np.stack([pydicom.dcmread(SET / name).pixel_array for name in names])[:, None].astype(np.float32)


def plain(
    scalar: ScalarOutput, pixels: Pixels, baseline: Pixels, steps: int, together: int | None = None
) -> FloatArray:
    """Captum's own call, one image after the other."""
    method = IntegratedGradients(scalar)
    made = [
        method.attribute(
            torch.from_numpy(image[None]),
            baselines=torch.from_numpy(start[None]),
            n_steps=steps,
            internal_batch_size=together,
        )
        for image, start in zip(pixels, baseline, strict=True)
    ]
    return np.concatenate([each[:, 0].double().numpy() for each in made])


def matching_steps(
    scalar: ScalarOutput, pixels: Pixels, baseline: Pixels, change: FloatArray, median: float
) -> tuple[int, FloatArray]:
    """The fewest steps of the ladder whose median error comes down to ``median``, and the maps of the plain call."""
    for steps in LADDER:
        maps = plain(scalar, pixels, baseline, steps)
        if np.nanmedian(completeness_error(maps, change)) <= median:
            break
    return steps, maps


def distance(maps: Pixels | FloatArray, fine: FloatArray) -> FloatArray:
    """Norm of the difference over the norm of ``fine``, per case."""
    flat, other = (each.reshape(len(each), -1).astype(np.float64) for each in (maps, fine))
    return np.asarray(np.linalg.norm(flat - other, axis=1) / np.linalg.norm(other, axis=1))


def bare(scalar: ScalarOutput, pixels: Pixels, batches: list[int]) -> None:
    """Forward and backward through batches of the sizes that ours used, nothing else."""
    for size in batches:
        batch = scalar.batch(np.resize(pixels, (size, *pixels.shape[1:]))).requires_grad_()
        torch.autograd.grad(scalar(batch).sum(), batch)


def spread(error: FloatArray) -> dict[str, float]:
    known = error[~np.isnan(error)]
    return {"median": round(float(np.median(known)), 4), "95th percentile": round(float(np.quantile(known, 0.95)), 4),
            "largest": round(float(known.max()), 4)}  # fmt: skip


def ratio(one: list[float], other: list[float]) -> float:
    return round(float(np.median(np.array(one) / np.array(other))), 2)


def seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
