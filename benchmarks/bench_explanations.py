"""What integrated gradients cost: ours beside captum's plain call per image, and beside the bare passes.

    python benchmarks/bench_explanations.py

On images of the embedded example and its version 2. Captum's plain call takes one image at a time with its own default
way of batching; its steps are those of 16, 32, 50, 100 whose median completeness error first comes down to ours.
The bare cost is that of as many forward and backward passes in batches of the same size. All three take turns,
``ROUNDS`` times; ratios are medians over the rounds. Results: benchmarks/results/explanations.json.
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

from audit.explanations import integrated_gradients as ours
from audit.explanations.baselines import baseline_images
from audit.explanations.chunks import chunk_size
from audit.explanations.completeness import change_of_output, completeness_error
from audit.explanations.scalar import ScalarOutput
from audit.plan import Target
from audit.records import FloatArray, Pixels
from audit.simulation.network import OUTPUTS, load_version

RESULTS = Path(__file__).resolve().parent / "results" / "explanations.json"
SET = Path(__file__).resolve().parents[1] / "validation_sets" / "brain_mri_simulated"
CASES, ROUNDS, LADDER = 8, 3, (16, 32, 50, 100)


def main() -> None:
    pixels = images(CASES)
    scalar = ScalarOutput(
        load_version("v2"), OUTPUTS, Target(task="classification", output="lesion", reference="lesion")
    )
    _, baseline = baseline_images(scalar, pixels)
    change = change_of_output(scalar, pixels, baseline)
    batches: list[int] = []
    counted = scalar.register_forward_pre_hook(lambda _, inputs: batches.append(len(inputs[0])))
    error = ours.explain(scalar, pixels).completeness_error
    counted.remove()
    assert error is not None
    steps, plain_error = matching_steps(scalar, pixels, baseline, change, float(np.nanmedian(error)))
    chunk = chunk_size(scalar, scalar.batch(pixels[:1]))
    took: dict[str, list[float]] = {"ours": [], "captum per image": [], "bare passes": []}
    for _ in range(ROUNDS):
        took["ours"].append(seconds(lambda: ours.explain(scalar, pixels)))
        took["captum per image"].append(seconds(lambda: plain(scalar, pixels, baseline, steps)))
        took["bare passes"].append(seconds(lambda: bare(scalar, pixels, batches)))
    result = {
        "machine": machine_facts(),
        "cases": CASES,
        "pixels": list(pixels.shape[2:]),
        "chunk": chunk,
        "passes of ours": sum(batches),
        "steps of captum at equal median error": steps,
        "seconds, median": {name: round(float(np.median(values)), 2) for name, values in took.items()},
        "completeness error": {"ours": spread(error), "captum per image": spread(plain_error)},
        "times faster than captum per image": ratio(took["captum per image"], took["ours"]),
        "cost beside bare passes": ratio(took["ours"], took["bare passes"]),
    }
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


def images(number: int) -> Pixels:
    """The first images of the example, (N, 1, H, W)."""
    names = pd.read_csv(SET / "manifest.csv")["image"][:number]
    return np.stack([pydicom.dcmread(SET / name).pixel_array for name in names])[:, None].astype(np.float32)


def plain(scalar: ScalarOutput, pixels: Pixels, baseline: Pixels, steps: int) -> FloatArray:
    """Captum's own call, one image after the other."""
    method = IntegratedGradients(scalar)
    made = [
        method.attribute(torch.from_numpy(image[None]), baselines=torch.from_numpy(start[None]), n_steps=steps)
        for image, start in zip(pixels, baseline, strict=True)
    ]
    return np.concatenate([each[:, 0].double().numpy() for each in made])


def matching_steps(
    scalar: ScalarOutput, pixels: Pixels, baseline: Pixels, change: FloatArray, median: float
) -> tuple[int, FloatArray]:
    """The fewest steps of the ladder with which the plain call's median error comes down to ``median``."""
    for steps in LADDER:
        error = completeness_error(plain(scalar, pixels, baseline, steps), change)
        if np.nanmedian(error) <= median:
            break
    return steps, error


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
