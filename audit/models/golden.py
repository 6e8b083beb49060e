"""The golden pair: images and the outputs they must give, stored with a version and checked whenever it is opened.

It covers what a file digest cannot: the preprocessing as it is applied here, the runtime and its kernels.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.models.model import Arrays, OpenModel
from audit.records import BadInput, Pixels, StoredFile

GOLDEN = "golden.npz"
OUTPUT = "output:"


@dataclass(frozen=True)
class Golden:
    """``images`` float32 (N, 1, \\*spatial) before any preprocessing, and the outputs by name, N first."""

    images: Pixels
    outputs: Mapping[str, NDArray[Any]]

    def to_bytes(self) -> bytes:
        """The bytes of golden.npz."""
        buffer = io.BytesIO()
        named = {f"{OUTPUT}{name}": self.outputs[name] for name in sorted(self.outputs)}
        np.savez_compressed(buffer, allow_pickle=False, input=self.images, **named)
        return buffer.getvalue()


def read_golden(path: Path) -> Golden | None:
    """The pair stored at ``path``, None where there is none. Raises ``BadInput`` for a file of another form."""
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as stored:
            images = np.asarray(stored["input"], dtype=np.float32)
            outputs = {key.removeprefix(OUTPUT): stored[key] for key in stored.files if key.startswith(OUTPUT)}
    except (ValueError, KeyError, OSError) as error:
        raise BadInput(
            f"{path}: not a golden pair; a .npz file with 'input' (images, 1, rows, columns) and one array "
            "'output:<name>' for each output was expected."
        ) from error
    if images.ndim < 4 or not outputs or any(len(value) != len(images) for value in outputs.values()):
        raise BadInput(f"{path}: 'input' must be (images, 1, rows, columns) and each output one entry per image.")
    return Golden(images, outputs)


def check_golden(model: OpenModel, golden: Golden, tolerance: float) -> dict[str, float]:
    """The largest difference between stored and present outputs, with images and tolerance.

    Raises ``BadInput`` where an output is absent, has another shape, or differs by more than ``tolerance``.
    """
    found, worst = answers(model, golden.images), 0.0
    for name, expected in golden.outputs.items():
        got = found.get(name)
        if got is None or got.shape != expected.shape:
            shape = "absent" if got is None else " x ".join(map(str, got.shape))
            raise BadInput(_changed(model, f"output '{name}' is {shape}"))
        difference = float(np.max(np.abs(got.astype(np.float64) - expected.astype(np.float64))))
        if not difference <= tolerance:
            raise BadInput(
                _changed(model, f"output '{name}' differs by {difference:.3g}, and {tolerance:g} is tolerated")
            )
        worst = max(worst, difference)
    return {"images": float(len(golden.images)), "tolerance": tolerance, "largest_difference": worst}


def _changed(model: OpenModel, what: str) -> str:
    return (
        f"{model.version.label}: its golden images no longer give the outputs stored with it ({what}); its "
        "preprocessing, files or runtime are not those it was registered with: restore them, or register a new version."
    )


def answers(model: OpenModel, images: Pixels) -> Arrays:
    """Outputs for the images, by pixels, or through files for a version that reads files."""
    if not model.reads_files:
        return dict(model.predict(images))
    files = {f"{number:05d}": StoredFile(".npy", npy(image[0])) for number, image in enumerate(images)}
    rows = model.read_files(files)
    refused = [row for row in rows.values() if isinstance(row, str)]
    if refused:
        raise BadInput(f"{model.version.label} does not answer for its golden images: {refused[0]}.")
    given = [row for row in rows.values() if not isinstance(row, str)]
    return {name: np.stack([row[name] for row in given]) for name in given[0]}


def npy(array: NDArray[Any]) -> bytes:
    """The array as the bytes of a .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
