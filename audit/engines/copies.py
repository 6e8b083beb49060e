"""Scores of altered copies of a case's image: augmented, or with a region masked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.decision_tables import COPIES
from audit.records import BadInput, Image, Pixels

Predict = Callable[[Pixels], Mapping[str, NDArray[Any]]]


@dataclass(frozen=True, slots=True)
class Copy:
    """One altered copy: ``pixels`` as the image's, or why there are none; ``area`` masked, as a share of the image."""

    purpose: str
    name: str
    pixels: Pixels | None = None
    area: float | None = None
    how: str | None = None
    undefined: str | None = None


Make = Callable[[str, Image], Iterator[Copy]]


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose copies: version, target with the name of its output, cases as (case id, patient id)."""

    version: str
    target: str
    output: str
    cases: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Waiting:
    case: tuple[str, str]
    copy: Copy


def run_copies(
    asked: Asked,
    load: Callable[[str], Image],
    predict: Predict,
    makes: Sequence[Make],
    batch_size: int,
    progress: Callable[[int], None] = lambda done: None,  # noqa: ARG005
) -> pd.DataFrame:
    """COPIES of every case by every maker, predicted in batches with fixed boundaries.

    A case that cannot be read is a row with its reason, and so is a copy that cannot be made or predicted.
    """
    rows: list[dict[str, Any]] = []
    waiting: list[_Waiting] = []
    for case in asked.cases:
        for copy in _copies(case[0], load, makes):
            if copy.pixels is None:
                rows.append(_row(asked, case, copy, None))
                continue
            if waiting and waiting[0].copy.pixels is not None and waiting[0].copy.pixels.shape != copy.pixels.shape:
                rows += _predicted(asked, predict, waiting)
                waiting = []
            waiting.append(_Waiting(case, copy))
            if len(waiting) == batch_size:
                rows += _predicted(asked, predict, waiting)
                waiting = []
        progress(1)
    rows += _predicted(asked, predict, waiting)
    table = COPIES.conform(pd.DataFrame(rows, columns=list(COPIES.columns)))
    return table.sort_values(["case_id", "purpose", "copy"], kind="stable").reset_index(drop=True)


def _copies(case_id: str, load: Callable[[str], Image], makes: Sequence[Make]) -> Iterator[Copy]:
    try:
        image = load(case_id)
    except Exception as error:  # a file that cannot be read is its own case's reason
        yield Copy("unread", "image", undefined=_words(error))
        return
    for make in makes:
        try:
            yield from make(case_id, image)
        except BadInput as error:
            yield Copy("unread", "copy", undefined=_words(error))


def _predicted(asked: Asked, predict: Predict, waiting: Sequence[_Waiting]) -> list[dict[str, Any]]:
    if not waiting:
        return []
    try:
        batch = np.stack([each.copy.pixels for each in waiting if each.copy.pixels is not None])[:, None]
        found = np.asarray(predict(batch.astype(np.float32, copy=False))[asked.output], dtype=np.float64)
        scores = found.reshape(len(waiting), -1)
    except Exception as error:
        if len(waiting) > 1:
            return [row for each in waiting for row in _predicted(asked, predict, [each])]
        return [_row(asked, waiting[0].case, replace(waiting[0].copy, undefined=_words(error)), None)]
    return [_scored(asked, each, value) for each, value in zip(waiting, scores, strict=True)]


def _scored(asked: Asked, each: _Waiting, value: NDArray[Any]) -> dict[str, Any]:
    if value.size != 1 or not np.isfinite(value).all():
        reason = "the model's output is no finite single score"
        return _row(asked, each.case, replace(each.copy, undefined=reason), None)
    return _row(asked, each.case, each.copy, float(value[0]))


def _row(asked: Asked, case: tuple[str, str], copy: Copy, score: float | None) -> dict[str, Any]:
    return {
        "version": asked.version,
        "case_id": case[0],
        "patient_id": case[1],
        "target": asked.target,
        "purpose": copy.purpose,
        "copy": copy.name,
        "score": score,
        "area": copy.area,
        "how": copy.how,
        "undefined": copy.undefined,
    }


def _words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
