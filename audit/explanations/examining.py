"""Scores every map of one version: rows of EXPLANATION_SCORES, with a value or the reason why there is none."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from audit.catalogue import entry
from audit.explanation_plan import Examination
from audit.explanations.method import Attribution, Terms, VisualMethod
from audit.explanations.scalar import ScalarOutput
from audit.explanations.scores.score import ExaminedMap, ExplanationScore, Scored
from audit.records import BadInput, BoolArray, Pixels, Undefined
from audit.tables import EXPLANATION_SCORES

ROOM = "explanations.scores"
ZERO = "the map is zero"
NO_PLACE = "the reference is negative, or where it lies is not known"


@dataclass(frozen=True, slots=True)
class CaseMaps:
    """The maps of one image (1, 1, \\*spatial) by method, each as the only one of its Attribution, or why there is
    none."""

    case_id: str
    patient_id: str
    pixels: Pixels
    mask: BoolArray | None
    terms: Terms
    found: Mapping[str, Attribution | str]


def case_seed(seed: int, target: str, case_id: str) -> int:
    """The seed of one case, whatever cases stand beside it; the same for both versions."""
    digest = hashlib.sha256(f"explanation\n{seed}\n{target}\n{case_id}".encode()).digest()
    return int.from_bytes(digest[:4], "little")


def chosen_scores(examination: Examination) -> list[ExplanationScore]:
    """The scores that the plan asks for; raises ``BadInput`` for one that does not exist."""
    return [entry(ROOM, name, "explanations.examine.scores") for name in examination.scores]


def examined(
    scalar: ScalarOutput, methods: Sequence[VisualMethod], maps: CaseMaps, examination: Examination
) -> Iterator[dict[str, Any]]:
    """Rows of one case (without version and target): every method by every score that has a meaning for it."""
    shown = {name: found.maps[0] for name, found in maps.found.items() if isinstance(found, Attribution)}
    for method in methods:
        found = maps.found[method.name]
        for score in chosen_scores(examination):
            if score.offered(method):
                scored = _scored(scalar, method, score, maps, found, shown, examination)
                yield _row(maps, method.name, score.name, scored)


def unread(
    case_id: str, patient_id: str, methods: Sequence[VisualMethod], examination: Examination, why: str
) -> Iterator[dict[str, Any]]:
    """Rows of a case that could not be read."""
    for method in methods:
        for score in chosen_scores(examination):
            if score.offered(method):
                none = CaseMaps(case_id, patient_id, np.zeros(0, np.float32), None, Terms(), {})
                yield _row(none, method.name, score.name, _no_map(why))


def scores_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows as EXPLANATION_SCORES."""
    return EXPLANATION_SCORES.conform(pd.DataFrame(rows, columns=list(EXPLANATION_SCORES.columns)))


def _scored(
    scalar: ScalarOutput,
    method: VisualMethod,
    score: ExplanationScore,
    maps: CaseMaps,
    found: Attribution | str,
    shown: Mapping[str, Pixels],
    examination: Examination,
) -> Scored:
    if isinstance(found, str):
        return _no_map(found)
    if score.needs_mask and (maps.mask is None or not maps.mask.any() or maps.mask.shape != found.maps[0].shape):
        return Scored(Undefined(NO_PLACE))
    if not score.of_zero_map and not found.maps[0].any():
        return Scored(Undefined(ZERO))
    error = None if found.completeness_error is None else float(found.completeness_error[0])
    others = {name: each for name, each in shown.items() if name != method.name}
    asked = ExaminedMap(
        scalar, method, maps.terms, maps.pixels, found.maps[0], None if error is None or np.isnan(error) else error,
        maps.mask, others, examination,
    )  # fmt: skip
    try:
        return score.score(asked)
    except (BadInput, RuntimeError, ValueError) as problem:
        return Scored(Undefined(" ".join(str(problem).split()) or type(problem).__name__))


def _no_map(why: str) -> Scored:
    return Scored(Undefined(f"no map: {why}"))


def _row(maps: CaseMaps, method: str, score: str, scored: Scored) -> dict[str, Any]:
    undefined = scored.value.reason if isinstance(scored.value, Undefined) else None
    value = None if isinstance(scored.value, Undefined) else float(scored.value)
    return {
        "case_id": maps.case_id,
        "patient_id": maps.patient_id,
        "method": method,
        "score": score,
        "value": value,
        "detail": scored.detail or None,
        "undefined": undefined,
    }
