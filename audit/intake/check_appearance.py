"""Images unlike the others of their kind: inverted, turned, upside down, mirrored, clipped or empty.

Each image is compared with the mean of all others of its kind (modality, body part, view, laterality), as it is and
after each of the changes; it is named where a change makes it agree clearly better. That needs at least 20 images of a
kind that agree with one another. A mirror image is only told where left and right of the kind differ much: of planted
mirror images of chest radiographs, none are found at a threshold that raises no false alarm (docs/intake.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.cases.concerns import Concern, said_of
from audit.intake.check import Check, Intake

FEWEST = 20
AGREEMENT = 0.5  # median correlation with the mean of the others, below which a kind is too mixed to judge
INVERTED, TURNED = 0.2, 0.35  # by how much a change must agree better
CLIPPED = 0.10
BLOCK = 1000  # thumbnails compared at a time
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
        for place, change in zip(rows, judged(intake.thumbs, rows), strict=True):
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
    kinds: Mapping[Any, Any] = frame.groupby(names, sort=False).indices if len(frame) else {}
    for _, rows in sorted(("|".join(kind), rows) for kind, rows in kinds.items() if len(rows) >= FEWEST):
        yield seen[rows]


def judged(thumbs: NDArray[np.uint8], rows: NDArray[np.int64] | None = None) -> list[str]:
    """For each thumbnail of one kind (``rows`` of ``thumbs``; all), the change that makes it agree clearly better with
    the others; '' for none."""
    places = np.arange(len(thumbs)) if rows is None else rows
    blocks = [places[start : start + BLOCK] for start in range(0, len(places), BLOCK)]
    total = np.sum([_standardised(thumbs[block]).sum(axis=0, dtype=np.float64) for block in blocks], axis=0)
    scores = np.concatenate([_agreements(_standardised(thumbs[block]), total) for block in blocks])
    if np.median(scores[:, 0]) < AGREEMENT:
        return [""] * len(places)
    best = scores[:, 1:].argmax(axis=1)
    clear = scores[:, 1:].max(axis=1) - scores[:, 0] > np.where(best == 0, INVERTED, TURNED)
    names = list(CHANGES)
    return [names[b] if c else "" for b, c in zip(best, clear, strict=True)]


def _agreements(own: Thumbs, total: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 1 + changes): correlation of each thumbnail, as it is and changed, with the mean of the others."""
    others = total - own
    scale = np.sqrt((others**2).mean(axis=(1, 2)))
    products = [(changed * others).mean(axis=(1, 2)) for changed in (own, *(c(own) for c in CHANGES.values()))]
    found = np.stack(products, axis=1)
    return np.asarray(np.divide(found, scale[:, None], out=np.zeros_like(found), where=scale[:, None] > 0))


def _standardised(thumbs: NDArray[np.uint8]) -> Thumbs:
    centred = thumbs.astype(np.float32) - thumbs.mean(axis=(1, 2), keepdims=True, dtype=np.float32)
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
