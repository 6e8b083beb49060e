"""Guided Grad-CAM: the gradient through ReLUs that let only raising parts back, times the Grad-CAM map.

Guiding changes how every ReLU is derived, wherever it runs: as a module, as a function, or as a node of an exported
graph. captum's own version watches ``nn.ReLU`` modules and would give the plain gradient of an exported network without
a word; here a network in which the rule cannot bite everywhere is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from audit.explanations import grad_cam
from audit.explanations.method import USUAL, Attribution, Terms, VisualMethod
from audit.explanations.scalar import ScalarOutput
from audit.records import BadInput, Pixels

OTHERS = (
    "leaky_relu", "prelu", "rrelu", "elu", "selu", "celu", "gelu", "silu", "mish", "softplus", "hardswish", "hardtanh",
    "relu6", "hardsigmoid",
)  # fmt: skip


class _Guided(torch.autograd.Function):
    """ReLU; backwards only what is positive passes, where the input was positive (Springenberg et al. 2015)."""

    @staticmethod
    def forward(context: Any, x: torch.Tensor) -> torch.Tensor:
        made = x.clamp(min=0)
        context.save_for_backward(made)
        return made

    @staticmethod
    def backward(context: Any, *given: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = context.saved_tensors[0]
        return given[0].clamp(min=0) * (made > 0)


class _Guiding(TorchFunctionMode):
    """Inside, every ReLU is a guided one; ``relus`` counts them, ``others`` names activations that are none."""

    def __init__(self) -> None:
        super().__init__()
        self.relus = 0
        self.others: set[str] = set()

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Any = None
    ) -> Any:
        name = getattr(func, "__name__", str(func)).split(".")[0].rstrip("_")
        if name == "relu":
            self.relus += 1
            return _Guided.apply(args[0] if args else (kwargs or {})["input"])  # type: ignore[no-untyped-call]
        if name in OTHERS:
            self.others.add(name)
        return func(*args, **(kwargs or {}))


def explain(scalar: ScalarOutput, pixels: Pixels, terms: Terms = USUAL) -> Attribution:
    """Guided gradient times Grad-CAM, pixel by pixel; the layer is that of Grad-CAM.

    Raises ``BadInput`` where the network runs no ReLU that could be guided (none at all, or inside compiled code), or
    other activations beside it, through which an unguided gradient would pass.
    """
    coarse = grad_cam.explain(scalar, pixels, terms)
    maps = np.asarray(guided_gradient(scalar, pixels) * coarse.maps, dtype=np.float32)
    notes = tuple(
        note or ("" if one.any() else "the map is zero") for note, one in zip(coarse.notes, maps, strict=True)
    )
    return Attribution(maps, None, coarse.layer, notes)


def guided_gradient(scalar: ScalarOutput, pixels: Pixels) -> Pixels:
    """Gradient of the output by the pixels (N, \\*spatial) with every ReLU guided."""
    batch = scalar.batch(pixels)
    region = scalar.region(batch)
    batch = batch.requires_grad_()
    guiding = _Guiding()
    with torch.enable_grad(), guiding:
        total = scalar(batch, region).sum()
    if not guiding.relus:
        raise BadInput("guided Grad-CAM changes the gradient of ReLUs, and this network runs none that can be reached.")
    if guiding.others:
        raise BadInput(
            f"guided Grad-CAM changes the gradient of ReLUs alone; this network also runs "
            f"{', '.join(sorted(guiding.others))}, through which a plain gradient would pass."
        )
    (found,) = torch.autograd.grad(total, batch)
    return np.asarray(found[:, 0].float().cpu().numpy())


ENTRY = VisualMethod(
    name="guided_grad_cam",
    title="Guided Grad-CAM",
    source="Selvaraju et al., Int J Comput Vis 2020;128:336; Springenberg et al., ICLR 2015 workshop, arXiv:1412.6806",
    signed=True,
    unit="guided gradient times activation",
    explain=explain,
    needs_layers=True,
    per_brightness=True,
)
