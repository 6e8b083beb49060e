"""What the version says of a few cases, and what it says of them when all its weights are random.

A version whose own weights are random cannot be told from its copies; by luck it may still order cases better than
chance. The comparison of both is the analysis ``random_weights``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from audit.decision_tables import RANDOM_WEIGHTS
from audit.explanations.examining import case_seed
from audit.explanations.randomising import randomised, weight_blocks
from audit.explanations.scalar import ScalarOutput
from audit.explanations.scores.randomisation import NO_WEIGHTS
from audit.plan import Target
from audit.records import BoolArray, Image

CHUNK = 8
TOGETHER = 2**21
"""Pixels of one pass: 8 images of 512 x 512; volumes go one by one."""
Case = tuple[str, str]
Shown = tuple[Image, BoolArray | None]
LoadMask = Callable[[str, tuple[int, ...]], BoolArray | None]


@dataclass(frozen=True, slots=True)
class Reading:
    """How one version reads one target: network (layers by name), names of its outputs, operating point."""

    version: str
    name: str
    target: Target
    network: torch.nn.Module
    outputs: tuple[str, ...]

    @property
    def scalar(self) -> ScalarOutput:
        """The recorded output itself, not its log-odds: an operating point is on its scale."""
        point = self.target.operating_point_of(self.version)
        found = ScalarOutput(self.network, self.outputs, self.target, point.threshold if point else 0.5)
        found.output = self.target.output
        return found


def random_copies_table(
    reading: Reading,
    cases: Sequence[Case],
    load: Callable[[str], Image],
    load_mask: LoadMask,
    copies: int,
    seed: int,
    progress: Callable[[int], None] = lambda done: None,  # noqa: ARG005
) -> pd.DataFrame:
    """RANDOM_WEIGHTS of ``cases`` (case id, patient id): copy 0 has the version's own weights.

    A value is the score, or of a segmentation the Dice overlap with the reference; reference-negative cases and what
    cannot be read or predicted have a reason instead. ``progress`` gets the number of cases newly done.
    """
    weights = [weight for block in weight_blocks(reading.network, 1) for weight in block]
    rows: list[dict[str, Any]] = []
    for start in range(0, len(cases), CHUNK):
        chunk = cases[start : start + CHUNK]
        if not weights:
            rows += [_row(reading, case, 0, NO_WEIGHTS) for case in chunk]
        else:
            rows += _chunk(reading, chunk, load, load_mask, weights, copies, seed)
        progress(len(chunk))
    table = RANDOM_WEIGHTS.conform(pd.DataFrame(rows, columns=list(RANDOM_WEIGHTS.columns)))
    return table.sort_values(["copy", "case_id"], kind="stable").reset_index(drop=True)


def _chunk(
    reading: Reading,
    cases: Sequence[Case],
    load: Callable[[str], Image],
    load_mask: LoadMask,
    weights: list[torch.Tensor],
    copies: int,
    seed: int,
) -> Iterator[dict[str, Any]]:
    ready: list[tuple[Case, Image, BoolArray | None]] = []
    for case in cases:
        try:
            image = load(case[0])
            ready.append((case, image, load_mask(case[0], image.pixels.shape)))
        except Exception as error:  # a file that cannot be read is its own case's reason
            yield _row(reading, case, 0, _words(error))
    for copy in range(copies + 1):
        with _weights_of(reading, weights, copy, seed):
            values = _values(reading.scalar, [(image, mask) for _, image, mask in ready])
        yield from (_row(reading, case, copy, value) for (case, _, _), value in zip(ready, values, strict=True))


def _weights_of(reading: Reading, weights: list[torch.Tensor], copy: int, seed: int) -> AbstractContextManager[None]:
    if copy == 0:
        return nullcontext()
    return randomised(weights, case_seed(seed, reading.name, f"random weights {copy}"))


def _values(scalar: ScalarOutput, ready: Sequence[Shown]) -> list[float | str]:
    """Of small images of one shape at once; else, and where that fails, one by one, so that each has its own reason."""
    shapes = {image.pixels.shape for image, _ in ready}
    if len(shapes) == 1 and len(ready) * ready[0][0].pixels.size <= TOGETHER:
        with suppress(Exception):
            return _together(scalar, ready)
    return [_alone(scalar, one) for one in ready]


def _alone(scalar: ScalarOutput, shown: Shown) -> float | str:
    try:
        return _together(scalar, [shown])[0]
    except Exception as error:  # what random weights do to a network cannot be foreseen
        return _words(error)


def _together(scalar: ScalarOutput, ready: Sequence[Shown]) -> list[float | str]:
    batch = scalar.batch(np.stack([image.pixels[None] for image, _ in ready]))
    with torch.no_grad():
        if scalar.segments:
            region = scalar.region(batch)
            assert region is not None
            return [_overlap(one, mask) for one, (_, mask) in zip(region, ready, strict=True)]
        values = scalar.values(batch).double().flatten(1)[:, 0].tolist()
    if len(values) != len(ready):
        raise ValueError(f"the network gives {len(values)} answers to {len(ready)} images")
    return [value if np.isfinite(value) else "the output is not finite" for value in values]


def _overlap(region: torch.Tensor, mask: BoolArray | None) -> float | str:
    if mask is None or not mask.any():
        return "no reference mask"
    predicted = region.cpu().numpy().reshape(mask.shape) > 0
    return 2.0 * float((predicted & mask).sum()) / float(predicted.sum() + mask.sum())


def _row(reading: Reading, case: Case, copy: int, found: float | str) -> dict[str, Any]:
    known = isinstance(found, float)
    return {
        "version": reading.version,
        "case_id": case[0],
        "patient_id": case[1],
        "target": reading.name,
        "copy": copy,
        "value": found if known else None,
        "undefined": None if known else found,
    }


def _words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
