"""The straight path from a baseline to an image, walked in steps that gather where the gradients do not add up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from audit.explanations.completeness import SMALLEST_CHANGE
from audit.explanations.scalar import ScalarOutput
from audit.records import FloatArray, Pixels

LARGER_PART, WORTHWHILE = 0.5, 0.75
Panel = tuple[float, float, float]  # begin, middle, end, in shares of the path


@dataclass(frozen=True, slots=True)
class Step:
    """What one pass at a share of the path gives: the output there, gradient x (image - baseline), (\\*spatial), and
    its sum, the change of the output per share of the path as the gradient has it."""

    output: float
    product: Pixels
    slope: float


class Path:
    """The path of one image (1, \\*spatial): panels of Simpson's rule, halved where they account for too little."""

    def __init__(self, image: Pixels, baseline: Pixels, steps: int, most: int) -> None:
        """``steps`` to begin with, an odd number; ``most`` that may be taken."""
        shares = [float(share) for share in np.linspace(0, 1, steps)]
        self.baseline, self.difference = baseline, image - baseline
        self.panels: list[Panel] = list(zip(shares[:-2:2], shares[1::2], shares[2::2], strict=True))
        self.steps: dict[float, Step] = {}
        self.wanted = shares
        self.most = most
        self.stalled = False
        self._looked: tuple[int, float] | None = None

    def at(self, share: float) -> Pixels:
        """The image at a share of the path."""
        return np.asarray(self.baseline + np.float32(share) * self.difference)

    @property
    def change(self) -> float:
        return self.steps[1.0].output - self.steps[0.0].output

    @property
    def attribution(self) -> Pixels:
        """The map (\\*spatial): the integral of gradient x (image - baseline) over the path."""
        total = np.zeros(self.difference.shape[1:])
        for share, weight in self._weights().items():
            total += weight * self.steps[share].product
        return total.astype(np.float32)

    def refine(self, tolerance: float) -> None:
        """Halves the panels that hold the larger part of what is not accounted for, unless the path adds up within
        ``tolerance``, has no step left or gains nothing by more of them."""
        unexplained = np.array([self._unexplained(panel) for panel in self.panels])
        open_still = abs(unexplained.sum()) > tolerance * abs(self.change) > tolerance * SMALLEST_CHANGE
        room = (self.most - len(self.steps)) // 2
        self.stalled = open_still and self._gains_nothing(np.abs(unexplained).sum())
        self.wanted = []
        if open_still and room > 0 and not self.stalled:
            self._halve(_larger_part(np.abs(unexplained))[:room])

    def _unexplained(self, panel: Panel) -> float:
        """Change of the output over a panel that its gradients do not account for."""
        told = sum(weight * self.steps[share].slope for share, weight in _simpson(panel))
        return self.steps[panel[-1]].output - self.steps[panel[0]].output - told

    def _gains_nothing(self, total: float) -> bool:
        """Whether twice the steps since the last look lowered what is not accounted for by less than a quarter."""
        if self._looked is not None and len(self.steps) < 2 * self._looked[0]:
            return False
        before, self._looked = self._looked, (len(self.steps), total)
        return before is not None and total > WORTHWHILE * before[1]

    def _halve(self, chosen: Sequence[int]) -> None:
        for place in sorted(chosen, reverse=True):
            begin, middle, end = self.panels[place]
            first, second = (begin + middle) / 2, (middle + end) / 2
            self.panels[place : place + 1] = [(begin, first, middle), (middle, second, end)]
            self.wanted += [first, second]

    def _weights(self) -> dict[float, float]:
        weights = dict.fromkeys(sorted(self.steps), 0.0)
        for panel in self.panels:
            for share, weight in _simpson(panel):
                weights[share] += weight
        return weights


def walk(scalar: ScalarOutput, paths: Sequence[Path], chunk: int, tolerance: float) -> None:
    """Takes the steps of all ``paths`` together, ``chunk`` per pass, until each adds up or ends."""
    region = _regions(scalar, paths)
    while places := [(i, share) for i, path in enumerate(paths) for share in path.wanted]:
        for begin in range(0, len(places), chunk):
            part = places[begin : begin + chunk]
            for (i, share), step in zip(part, _passed(scalar, paths, part, region), strict=True):
                paths[i].steps[share] = step
        for i in dict(places):
            paths[i].refine(tolerance)


def _passed(
    scalar: ScalarOutput, paths: Sequence[Path], places: Sequence[tuple[int, float]], region: torch.Tensor | None
) -> Iterator[Step]:
    """One forward and one backward pass through images at ``places``."""
    batch = scalar.batch(np.stack([paths[i].at(share) for i, share in places])).requires_grad_()
    with torch.enable_grad():
        output = scalar(batch, None if region is None else region[[i for i, _ in places]])
        (gradient,) = torch.autograd.grad(output.sum(), batch)
    for (i, _), value, each in zip(places, output.tolist(), gradient.cpu().numpy(), strict=True):
        product = (each * paths[i].difference)[0]
        yield Step(value, product, float(product.sum(dtype=np.float64)))


def _regions(scalar: ScalarOutput, paths: Sequence[Path]) -> torch.Tensor | None:
    """Predicted positive pixels of each whole image; they stay while the image changes along its path."""
    if not scalar.segments:
        return None
    regions = [scalar.region(scalar.batch(path.at(1.0)[None])) for path in paths]
    return torch.cat([region for region in regions if region is not None])


def _simpson(panel: Panel) -> tuple[tuple[float, float], ...]:
    begin, middle, end = panel
    width = end - begin
    return (begin, width / 6), (middle, 4 * width / 6), (end, width / 6)


def _larger_part(sizes: FloatArray) -> list[int]:
    """Places of the fewest largest that make up the larger part of all."""
    order = np.argsort(-sizes, kind="stable")
    enough = int(np.searchsorted(np.cumsum(sizes[order]), LARGER_PART * sizes.sum())) + 1
    return [int(place) for place in order[:enough]]
