"""Images unlike the others of their kind: inverted, turned, upside down, mirrored, clipped or empty.

Each image is compared with the mean of all others of its kind (modality, body part, view, laterality), as it is and
after each of the changes; it is named where a change makes it agree clearly better. That needs at least 20 images of a
kind that agree with one another. A mirror image is only told where left and right of the kind differ much: of planted
mirror images of chest radiographs, none are found at a threshold that raises no false alarm (docs/intake.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.cases.concerns import Concern, said_of
from audit.intake.check import Check, Intake

FEWEST = 20
AGREEMENT = 0.5  # median correlation with the mean of the others, below which a kind is too mixed to judge
INVERTED, TURNED = 0.2, 0.35  # by how much a change must agree better
CLIPPED = 0.10
KIND = ("modality", "body_part", "view", "laterality", "source_format")
Thumbs = NDArray[np.float32]
CHANGES: dict[str, Callable[[Thumbs], Thumbs]] = {
    "inverted (bright and dark exchanged)": lambda t: -t,
    "upside down": lambda t: t[:, ::-1],
    "turned by 180 degrees": lambda t: t[:, ::-1, ::-1],
    "mirrored": lambda t: t[:, :, ::-1],
}


def find(intake: Intake) -> Iterator[Concern]:
    """One concern for each kind of change; then clipped and empty images."""
    found: dict[str, list[int]] = {}
    for rows in _kinds(intake):
        for place, change in zip(rows, judged(intake.thumbs[rows]), strict=True):
            if change:
                found.setdefault(change, []).append(int(place))
    for change, places in found.items():
        what = f"{said_of(places, 'image', f'look {change}')} beside others of the same kind."
        yield Concern("major", what, intake.ids(places), "Look at these images; export them again or leave them out.")
    yield from _clipped(intake)


def _clipped(intake: Intake) -> Iterator[Concern]:
    empty = (intake.clipped >= 1.0) & (intake.levels >= 0)
    clipped = (intake.clipped > CLIPPED) & ~empty & (intake.levels > 2)
    binary = (intake.levels == 2) & ~empty
    for where, what in (
        (clipped, f"are saturated: more than {CLIPPED:.0%} of the pixels are clipped at the highest value"),
        (empty, "are empty: every pixel has the same value"),
        (binary, "hold two values only, as a mask does, not an image"),
    ):
        if where.any():
            text = f"{said_of(int(where.sum()), 'image', what)}."
            yield Concern(
                "major", text, intake.ids(where), "Look at these images; export them again or leave them out."
            )


def _kinds(intake: Intake) -> Iterator[NDArray[np.int64]]:
    names = [name for name in KIND if name in intake.cases]
    seen = np.flatnonzero(intake.levels > 2)
    frame = intake.cases.iloc[seen][names].astype("string").fillna("")
    keys = frame.agg("|".join, axis=1) if len(frame) else pd.Series(dtype="string")
    for _, rows in pd.Series(seen, index=keys.index).groupby(keys):
        if len(rows) >= FEWEST:
            yield rows.to_numpy()


def judged(thumbs: NDArray[np.uint8]) -> list[str]:
    """For each thumbnail of one kind, the change that makes it agree clearly better with the others; '' for none."""
    own = _standardised(thumbs.astype(np.float32))
    total, n = own.sum(axis=0), len(own)
    agreement = _agreement(own, own, total, n)
    if np.median(agreement) < AGREEMENT:
        return [""] * n
    scores = np.stack([_agreement(change(own), own, total, n) for change in CHANGES.values()])
    best = scores.argmax(axis=0)
    names = list(CHANGES)
    clear = scores.max(axis=0) - agreement > np.where(best == 0, INVERTED, TURNED)
    return [names[b] if c else "" for b, c in zip(best, clear, strict=True)]


def _agreement(changed: Thumbs, own: Thumbs, total: NDArray[np.float32], n: int) -> NDArray[np.float64]:
    """Correlation of each changed thumbnail with the mean of the others as they are; a thousand at a time."""
    found = np.zeros(n)
    for start in range(0, n, 1000):
        part = slice(start, start + 1000)
        others = total - own[part]
        scale = np.sqrt((others**2).mean(axis=(1, 2)))
        product = (changed[part] * others).mean(axis=(1, 2))
        found[part] = np.divide(product, scale, out=np.zeros(len(scale)), where=scale > 0)
    return found


def _standardised(thumbs: Thumbs) -> Thumbs:
    centred = thumbs - thumbs.mean(axis=(1, 2), keepdims=True)
    scale = np.sqrt((centred**2).mean(axis=(1, 2), keepdims=True))
    return np.asarray(centred / np.maximum(scale, 1e-6), dtype=np.float32)


ENTRY = Check(
    "appearance",
    "inverted, upside-down, turned, mirrored, saturated and empty images",
    find,
    "comparison with the mean of the kind; measured in docs/intake.md",
    "needs 20 images of a kind; mirror images are told only where left and right differ much",
    lambda i: "" if any(True for _ in _kinds(i)) else "orientation: no kind of image has 20 members",
)
