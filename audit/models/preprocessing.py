"""What a version does to an image before its network sees it: MONAI's transforms, by name, with their own parameters.

The names allowed are those that need nothing but pixels and whose maps can be brought back to the image: intensity,
size by interpolation, repeated channels. Source: MONAI, ``monai.transforms`` (the array forms).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from audit.records import BadInput

ALLOWED = (
    "ClipIntensityPercentiles",
    "NormalizeIntensity",
    "RepeatChannel",
    "Resize",
    "ScaleIntensity",
    "ScaleIntensityRange",
    "ScaleIntensityRangePercentiles",
)


@dataclass(frozen=True)
class Preprocessing:
    """Steps in order, as written and as functions of one image (channels, \\*spatial)."""

    words: tuple[str, ...] = ()
    steps: tuple[Callable[[torch.Tensor], torch.Tensor], ...] = ()

    def __call__(self, batch: torch.Tensor) -> torch.Tensor:
        """The batch (N, 1, \\*spatial) after every step, image by image: no image's answer depends on another's."""
        return torch.stack([self._one(image) for image in batch]) if self.steps else batch

    def _one(self, image: torch.Tensor) -> torch.Tensor:
        image = image.clone()  # some transforms write into what they are given
        for step in self.steps:
            image = step(image)
        return image.as_subclass(torch.Tensor)


def preprocessing(steps: Sequence[dict[str, Any]], where: str) -> Preprocessing:
    """The steps, each a mapping with ``step`` (a name of ``ALLOWED``) and the transform's parameters.

    Raises ``BadInput`` for a name that is not allowed and for parameters that the transform refuses.
    """
    made = tuple(_step(dict(step), where) for step in steps)
    return Preprocessing(tuple(_words(step) for step in steps), made)


def _step(given: dict[str, Any], where: str) -> Callable[[torch.Tensor], torch.Tensor]:
    from monai import transforms

    name = given.pop("step", None)
    if name not in ALLOWED:
        raise BadInput(
            f"{where}: preprocessing step '{name}' is not one that can be applied here; known: {', '.join(ALLOWED)}. "
            "Put it inside the exported network, or register the whole chain as a command."
        )
    try:
        transform: Callable[[torch.Tensor], torch.Tensor] = getattr(transforms, name)(**given)
        transform(torch.zeros(1, 8, 8))
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BadInput(f"{where}: preprocessing step {name} does not take these parameters ({reason}).") from error
    return transform


def _words(step: dict[str, Any]) -> str:
    rest = ", ".join(f"{key} {value}" for key, value in step.items() if key != "step")
    return f"{step['step']} ({rest})" if rest else str(step["step"])
