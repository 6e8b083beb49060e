"""Integrated gradients over all cases of a batch, with steps added until the attributions add up."""

from __future__ import annotations

import numpy as np
import torch
from captum.attr import IntegratedGradients
from scipy.ndimage import gaussian_filter

from audit.explanations.method import Attribution, VisualMethod
from audit.explanations.scalar import ScalarOutput
from audit.records import FloatArray, Pixels

STEPS, MOST_STEPS, TOLERANCE = 32, 256, 0.05
CHUNK = 16
SMALLEST_CHANGE = 1e-6
IGNORED, BLUR = 0.01, 1 / 16


def explain(
    scalar: ScalarOutput, pixels: Pixels, steps: int = STEPS, most: int = MOST_STEPS, tolerance: float = TOLERANCE
) -> Attribution:
    """Attributions along the straight path from a baseline to each image.

    Gauss-Legendre quadrature with ``steps`` nodes; cases whose completeness error exceeds ``tolerance`` are repeated
    with twice the nodes up to ``most`` and noted as not converged if that is not enough. Undefined error (NaN) where
    the output hardly differs from the baseline's. For the baseline see ``chosen_baseline``.
    """
    name, baseline = chosen_baseline(scalar, pixels)
    maps, errors = _attempt(scalar, pixels, baseline, steps)
    while steps < most and (open_cases := np.flatnonzero(errors > tolerance)).size:
        steps = min(2 * steps, most)
        maps[open_cases], errors[open_cases] = _attempt(scalar, pixels[open_cases], baseline[open_cases], steps)
    return Attribution(maps, errors, None, tuple(_note(error, steps, tolerance) for error in errors), name)


def chosen_baseline(scalar: ScalarOutput, pixels: Pixels) -> tuple[str, Pixels]:
    """Name and images of the baseline: black (each image's minimum), unless the network ignores brightness.

    A network that normalises each image answers the same all along the path from black and jumps at its very start,
    so that the gradients there say nothing; then the baseline is the image blurred with an SD of 1/16 of its shorter
    side, which lacks the detail only. Source: Sturmfels, Lundberg and Lee, Distill 2020, doi:10.23915/distill.00022.
    """
    black = np.broadcast_to(_minimum(pixels), pixels.shape).astype(np.float32)
    with torch.no_grad():
        whole, half, none = (
            scalar(scalar.batch(part), scalar.region(scalar.batch(pixels))).double().cpu().numpy()
            for part in (pixels, np.float32(0.5) * (pixels + black), black)
        )
    if np.median(np.abs(whole - half)) > IGNORED * np.median(np.abs(whole - none)):
        return "black", black
    sigma = min(pixels.shape[2:]) * BLUR
    blurred = gaussian_filter(pixels, (0, 0, *[sigma] * (pixels.ndim - 2)), mode="nearest")
    return "blurred image", np.asarray(blurred, dtype=np.float32)


def _attempt(scalar: ScalarOutput, pixels: Pixels, baseline: Pixels, steps: int) -> tuple[Pixels, FloatArray]:
    batch, start = scalar.batch(pixels), scalar.batch(baseline)
    region = scalar.region(batch)
    raw = IntegratedGradients(scalar).attribute(
        batch,
        baselines=start,
        additional_forward_args=None if region is None else (region,),
        n_steps=steps,
        internal_batch_size=max(CHUNK, len(pixels)),
    )
    with torch.no_grad():
        change = (scalar(batch, region) - scalar(start, region)).double().cpu().numpy()
    return raw[:, 0].float().cpu().numpy(), _completeness(raw, change)


def _minimum(pixels: Pixels) -> Pixels:
    return np.asarray(pixels.min(axis=tuple(range(1, pixels.ndim)), keepdims=True))


def _completeness(raw: torch.Tensor, change: FloatArray) -> FloatArray:
    total = raw.double().flatten(1).sum(1).cpu().numpy()
    safe = np.where(np.abs(change) < SMALLEST_CHANGE, np.nan, change)
    return np.asarray(np.abs(total - change) / np.abs(safe))


def _note(error: float, steps: int, tolerance: float) -> str:
    if np.isnan(error):
        return "the output hardly differs from that of the baseline: completeness has no value"
    if error > tolerance:
        return f"not converged: completeness error {error:.1%} after {steps} steps ({tolerance:.0%} allowed)"
    return ""


ENTRY = VisualMethod(
    name="integrated_gradients",
    title="Integrated gradients",
    source="Sundararajan, Taly and Yan, ICML 2017, arXiv:1703.01365",
    signed=True,
    unit="attribution per pixel",
    explain=explain,
)
