"""An opened version, whatever its format: pixels in, named arrays out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from audit.models.outputs import OutputRule, arrays, ruled
from audit.models.preprocessing import Preprocessing
from audit.models.slots import MarkAxes, are_slots, placed
from audit.records import BadInput, ModelVersion, Pixels, StoredFile

Arrays = dict[str, NDArray[np.float32]]
Tensors = Mapping[str, torch.Tensor]
ReadFolder = Callable[[Mapping[str, StoredFile]], Mapping[str, Arrays | str]]


@dataclass(frozen=True)
class Loaded:
    """What a format makes of a version's files.

    ``outputs``: names of what it gives. ``run``: prepared images float32 (N, channels, \\*spatial) -> tensors by name;
    None for a version that reads files itself. ``network``: the same as a module with frozen weights, where gradients
    exist. ``read_files``: image files by case -> outputs, or the reason why there are none, by case.
    ``preprocessing``, ``rules``, ``x_first`` (the network wants the spatial axes in reverse order, x before y before z)
    and ``mark_axes`` (how it counts its marks: ``audit.models.slots``) come from the version's ``version.yaml`` or from
    the files themselves (a MONAI bundle).
    """

    outputs: tuple[str, ...]
    run: Callable[[torch.Tensor], Tensors] | None = None
    network: Callable[[], torch.nn.Module] | None = None
    read_files: ReadFolder | None = None
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    rules: Mapping[str, OutputRule] | None = None
    x_first: bool = False
    mark_axes: MarkAxes = "columns_first"

    @property
    def bare(self) -> bool:
        """Whether the network takes the pixels as they are and names its outputs itself."""
        return not (self.preprocessing.steps or self.rules or self.x_first or self.mark_axes != "columns_first")

    def around(self, network: Callable[[torch.Tensor], Tensors], pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        """Outputs by name for pixels (N, 1, \*spatial): turned, prepared, run, ruled, turned back."""
        turned = _reversed_axes(pixels, pixels.ndim) if self.x_first else pixels
        prepared = self.preprocessing(turned)
        found = ruled(network(prepared), self.rules, turned.shape[2:])
        return {name: self._turned_back(value, prepared.shape[2:], turned.shape[2:]) for name, value in found.items()}

    def _turned_back(self, value: torch.Tensor, given: torch.Size, image: torch.Size) -> torch.Tensor:
        """A map or marks on the image's own axes; anything else as it is."""
        if are_slots(value, given):
            return placed(value, given, image, self.x_first, self.mark_axes)
        if self.x_first and value.shape[1:] == image:  # a map without its channel
            return value.permute(0, *range(len(image), 0, -1))
        return _reversed_axes(value, len(image) + 2) if self.x_first else value


def _reversed_axes(value: torch.Tensor, ndim: int) -> torch.Tensor:
    return value.permute(0, 1, *range(ndim - 1, 1, -1)) if value.ndim == ndim else value


@dataclass(frozen=True)
class Format:
    """A model format: the ``kind`` by which plans name it, in words, and how a version's folder is opened.

    ``load`` takes the plan's reference, the folder of the version's files and the device ('cpu', 'cuda'). The caller
    has compared the files with their digests.
    """

    name: str
    title: str
    load: Callable[[Any, Any, str], Loaded]


class OpenModel:
    """A frozen version that can be run: ``predict`` for the pass, ``module`` for gradient explanations."""

    def __init__(self, version: ModelVersion, loaded: Loaded, device: str) -> None:
        self.version = version
        self.outputs = version.outputs
        self._loaded = loaded
        self._device = device

    @property
    def reads_files(self) -> bool:
        """Whether the version wants image files (``read_files``) in the place of pixels (``predict``)."""
        return self._loaded.read_files is not None

    @property
    def explainable(self) -> bool:
        """Whether ``module`` gives a network with gradients."""
        return self._loaded.network is not None

    def predict(self, batch: Pixels) -> Arrays:
        """Outputs by name for a float32 batch (N, 1, \\*spatial): scores (N,), masks (N, \\*spatial).

        The version's preprocessing is applied first. Raises ``BadInput`` where the images have a size that the version
        does not take.
        """
        if self._loaded.run is None:
            raise BadInput(f"{self.version.label} reads files and takes no pixels.")
        pixels = torch.from_numpy(np.ascontiguousarray(batch, dtype=np.float32)).to(self._device)
        with torch.inference_mode():
            return arrays(self._loaded.around(self._loaded.run, pixels))

    def read_files(self, files: Mapping[str, StoredFile]) -> Mapping[str, Arrays | str]:
        """Outputs by case for image files by case, or the reason why a case has none."""
        assert self._loaded.read_files is not None
        return self._loaded.read_files(files)

    def module(self) -> torch.nn.Module:
        """Preprocessing, network and output rules as one module; layers by name where the format keeps them.

        Equal to ``predict`` up to the rounding of another memory layout. Raises ``BadInput`` for a format without
        gradients.
        """
        if self._loaded.network is None:
            raise BadInput(f"{self.version.label} has no gradients; leave explanations by methods out of the plan.")
        network = self._loaded.network()
        return network if self._loaded.bare else _Prepared(network, self._loaded)


class _Prepared(torch.nn.Module):
    """A network between its preprocessing and its output rules."""

    def __init__(self, network: torch.nn.Module, loaded: Loaded) -> None:
        super().__init__()
        self.network = network
        self._loaded = loaded

    def forward(self, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        return self._loaded.around(lambda x: named(self.network(x), self._loaded.outputs), pixels)


def named(raw: Any, outputs: tuple[str, ...] = ()) -> dict[str, torch.Tensor]:
    """A network's outputs by name: its own names, else those in ``outputs``, in order, else ``output_0``, ..."""
    if isinstance(raw, Mapping):
        return dict(raw)
    values = [raw] if isinstance(raw, torch.Tensor) else list(raw)
    names = outputs or tuple(f"output_{i}" for i in range(len(values)))
    if len(names) != len(values):
        raise BadInput(f"the model gives {len(values)} outputs; {len(names)} were named ({', '.join(names)}).")
    return dict(zip(names, values, strict=True))


def frozen(network: torch.nn.Module) -> torch.nn.Module:
    """The network with weights that take no gradient, channels last where that is faster."""
    for weight in network.parameters():
        weight.requires_grad_(False)
        if weight.ndim == 4:
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)
    return network
