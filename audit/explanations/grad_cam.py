"""Grad-CAM on a layer that is chosen by rule and recorded by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from captum.attr import LayerAttribution, LayerGradCam

from audit.explanations.method import USUAL, Attribution, Terms, VisualMethod
from audit.explanations.scalar import ScalarOutput
from audit.records import BadInput, Pixels

COARSEST = 16


def explain(scalar: ScalarOutput, pixels: Pixels, terms: Terms = USUAL) -> Attribution:  # noqa: ARG001
    """Rectified Grad-CAM maps, brought to image size by linear interpolation.

    All zero, and noted so, where nothing in the layer raises the output.
    """
    batch = scalar.batch(pixels)
    name = chosen_layer(scalar, batch)
    layer = scalar.get_submodule(name)
    region = scalar.region(batch)
    raw = LayerGradCam(scalar, layer).attribute(
        batch.requires_grad_(),
        additional_forward_args=None if region is None else (region,),
        relu_attributions=True,
    )
    mode = "bilinear" if batch.ndim == 4 else "trilinear"
    full = LayerAttribution.interpolate(raw, tuple(batch.shape[2:]), mode)
    maps = full[:, 0].detach().float().cpu().numpy()
    notes = tuple("" if m.any() else "no unit of the layer raises the output: the map is zero" for m in maps)
    return Attribution(np.ascontiguousarray(maps), None, name.removeprefix("network."), notes)


def chosen_layer(scalar: ScalarOutput, batch: torch.Tensor) -> str:
    """The convolution with the smallest map that is still at least 1/16 of the image along every side; of several,
    the last to run. Raises ``BadInput`` where the network has none."""
    sides = batch.shape[2:]
    best: tuple[int, str] | None = None
    for name, shape in _convolution_outputs(scalar, batch[:2]):
        fits = all(side * COARSEST >= whole for side, whole in zip(shape[2:], sides, strict=True))
        size = int(np.prod(shape[2:]))
        if fits and (best is None or size <= best[0]):
            best = (size, name)
    if best is None:
        raise BadInput("Grad-CAM needs a convolution whose map is at least 1/16 of the image; the network has none.")
    return best[1]


def _convolution_outputs(scalar: ScalarOutput, batch: torch.Tensor) -> list[tuple[str, tuple[int, ...]]]:
    """Convolutions in the order in which they run, with the shapes that they give; found by their weight's axes."""
    seen: list[tuple[str, tuple[int, ...]]] = []

    def recorder(name: str) -> Callable[[torch.nn.Module, Any, Any], None]:
        def record(module: torch.nn.Module, given: Any, made: Any) -> None:  # noqa: ARG001
            if isinstance(made, torch.Tensor) and made.ndim == batch.ndim:
                seen.append((name, tuple(made.shape)))

        return record

    handles = [
        module.register_forward_hook(recorder(name))
        for name, module in scalar.named_modules()
        if any(weight.ndim == batch.ndim for weight in module.parameters(recurse=False))
    ]
    try:
        with torch.no_grad():
            scalar(batch)
    finally:
        for handle in handles:
            handle.remove()
    return seen


ENTRY = VisualMethod(
    name="grad_cam",
    title="Grad-CAM",
    source="Selvaraju et al., Int J Comput Vis 2020;128:336",
    signed=False,
    unit="gradient-weighted activation",
    explain=explain,
    needs_layers=True,
)
