"""Explains the drawn cases of one version: maps, pictures, how much lies inside the reference."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from audit.catalogue import entry
from audit.explanation_plan import Examination
from audit.explanations.examining import CaseMaps, case_seed, examined, scores_table, unread
from audit.explanations.method import Attribution, Terms, VisualMethod
from audit.explanations.overlays import Legend, overlay_png
from audit.explanations.scalar import ScalarOutput
from audit.explanations.wording import number
from audit.plan import Target
from audit.records import BadInput, BoolArray, Image, Pixels
from audit.tables import EXPLANATIONS

USUAL = Examination()
WITHOUT_GRADIENT = "does not require grad"  # what torch says of an output that does not depend on its input


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What is known about a drawn case besides its image; None = not known.

    ``group`` is the level by which it was drawn, as printed ('Aurora'); ``score`` the recorded score; ``threshold``
    the operating point; ``reference`` the reference standard; ``drawn_as`` the decision for which the case was
    drawn after inference: its maps are shown and not scored.
    """

    case_id: str
    patient_id: str
    group: str | None = None
    score: float | None = None
    threshold: float | None = None
    reference: bool | None = None
    drawn_as: str | None = None


@dataclass(frozen=True, slots=True)
class Explained:
    """``rows`` follow EXPLANATIONS, ``scores`` EXPLANATION_SCORES; ``files`` maps paths inside the audit to bytes."""

    rows: pd.DataFrame
    scores: pd.DataFrame
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class _Case:
    place: int
    facts: CaseFacts
    image: Image
    mask: BoolArray | None


@dataclass(frozen=True, slots=True)
class _Setting:
    version: str
    target_name: str
    outputs: tuple[str, ...]
    simulated: bool
    seed: int
    examination: Examination


def explain_cases(
    version: str,
    network: torch.nn.Module,
    outputs: Sequence[str],
    target_name: str,
    target: Target,
    cases: Sequence[CaseFacts],
    load: Callable[[str], Image],
    load_reference_mask: Callable[[str, tuple[int, ...]], BoolArray | None],
    methods: Sequence[str],
    simulated: bool,
    progress: Callable[[int], None] = lambda done: None,  # noqa: ARG005
    *,
    seed: int = 0,
    examination: Examination = USUAL,
) -> Explained:
    """Explains ``target`` of ``network`` (layers by name, ``OpenModel.module()``; ``BlackBox`` for a version without
    gradients) on ``cases`` by every method, and scores the maps of cases drawn before inference.

    Files are numbered in the order of ``cases``: names stand in the ledger for good, and no case may be named there.
    ``load_reference_mask`` gives the mask of the case's finding on an image of this shape, or None; shares inside it
    are computed for reference-positive cases only. ``progress`` gets the number of maps newly done and scored. A case
    that cannot be read or explained is a row with its reason.
    """
    threshold = target.operating_point_of(version)
    scalar = ScalarOutput(network, outputs, target, threshold.threshold if threshold else 0.5)
    setting = _Setting(version, target_name, tuple(outputs), simulated, seed, examination)
    chosen = [entry("explanations", name, "explanations.methods") for name in methods]
    ready, rows = _read(setting, cases, load, load_reference_mask, chosen)
    first = [row for row in rows[:: len(chosen)] if row["drawn_as"] is None] if chosen else []
    scores = [row for each in first for row in _unread(setting, each, chosen)]
    progress(len(rows))
    files: dict[str, bytes] = {}
    for group in _by_shape(ready):
        found = {method.name: _explain(setting, scalar, method, group) for method in chosen}
        for i, case in enumerate(group):
            maps = {method: each if isinstance(each, str) else each.of(i) for method, each in found.items()}
            for method in chosen:
                row, made = _explained(setting, scalar, method, case, maps[method.name])
                rows.append(row)
                files.update(made)
            if case.facts.drawn_as is None:
                scores += examined(scalar, chosen, _case_maps(setting, case, maps), examination)
            progress(len(chosen))
    return Explained(_table(rows, cases, methods), _scores(setting, scores, cases, methods), files)


def _unread(setting: _Setting, row: dict[str, Any], methods: Sequence[VisualMethod]) -> Iterator[dict[str, Any]]:
    return unread(row["case_id"], row["patient_id"], methods, setting.examination, row["error"])


def _case_maps(setting: _Setting, case: _Case, maps: Mapping[str, Attribution | str]) -> CaseMaps:
    pixels = _pixels([case])
    return CaseMaps(case.facts.case_id, case.facts.patient_id, pixels, case.mask, _terms(setting, [case]), maps)


def _terms(setting: _Setting, cases: Sequence[_Case]) -> Terms:
    seeds = tuple(case_seed(setting.seed, setting.target_name, case.facts.case_id) for case in cases)
    return Terms(seeds, setting.examination.completeness)


def _pixels(cases: Sequence[_Case]) -> Pixels:
    return np.stack([case.image.pixels for case in cases])[:, None].astype(np.float32, copy=False)


def _read(
    setting: _Setting,
    cases: Sequence[CaseFacts],
    load: Callable[[str], Image],
    load_mask: Callable[[str, tuple[int, ...]], BoolArray | None],
    methods: Sequence[VisualMethod],
) -> tuple[list[_Case], list[dict[str, Any]]]:
    ready: list[_Case] = []
    rows: list[dict[str, Any]] = []
    for place, facts in enumerate(cases, start=1):
        try:
            image = load(facts.case_id)
            mask = load_mask(facts.case_id, image.pixels.shape) if facts.reference else None
            ready.append(_Case(place, facts, image, mask))
        except Exception as error:
            rows += [_row(setting, method, facts, error=_reason(error)) for method in methods]
    return ready, rows


def _by_shape(cases: Sequence[_Case]) -> list[list[_Case]]:
    groups: dict[tuple[int, ...], list[_Case]] = {}
    for case in cases:
        groups.setdefault(case.image.pixels.shape, []).append(case)
    return [groups[shape] for shape in sorted(groups)]


def _explain(
    setting: _Setting, scalar: ScalarOutput, method: VisualMethod, cases: Sequence[_Case]
) -> Attribution | str:
    """The maps of ``cases``, or why there are none."""
    try:
        return method.explain(scalar, _pixels(cases), _terms(setting, cases))
    except (BadInput, RuntimeError, ValueError) as error:
        return _reason(error)


def _explained(
    setting: _Setting, scalar: ScalarOutput, method: VisualMethod, case: _Case, found: Attribution | str
) -> tuple[dict[str, Any], dict[str, bytes]]:
    if isinstance(found, str):
        return _row(setting, method, case.facts, error=found), {}
    attribution = found.maps[0]
    stem = f"explanations/{setting.version}/{case.place:04d}.{setting.target_name}.{method.name}"
    completeness = None if found.completeness_error is None else float(found.completeness_error[0])
    inside, area = _inside(attribution, case.mask)
    row = _row(
        setting,
        method,
        case.facts,
        overlay=f"{stem}.png",
        attribution=f"{stem}.npz",
        energy_inside=inside,
        area_inside=area,
        completeness_error=None if completeness is None or np.isnan(completeness) else completeness,
        layer=found.layer,
        error=found.notes[0] or None,
    )
    lines = _heading(case.facts)
    start = f", baseline: {found.baseline}" if found.baseline else ""
    legend = Legend(method.title, f"{method.unit} for output {scalar.output}{start}", method.signed)
    picture = overlay_png(case.image, attribution, case.mask, lines, legend, setting.simulated)
    return row, {f"{stem}.png": picture, f"{stem}.npz": _npz(attribution)}


def _inside(attribution: Pixels, mask: BoolArray | None) -> tuple[float | None, float | None]:
    """Share of absolute attribution inside the mask, and of the image; None without a mask or for a zero map."""
    if mask is None or not mask.any() or mask.shape != attribution.shape:
        return None, None
    weight = np.abs(attribution.astype(np.float64))
    total = float(weight.sum())
    return (float(weight[mask].sum()) / total if total > 0 else None), float(mask.mean())


def _heading(facts: CaseFacts) -> list[str]:
    words = {True: "positive", False: "negative", None: "not known"}
    first = [facts.case_id, *([facts.group] if facts.group else []), f"reference {words[facts.reference]}"]
    if facts.score is None:
        return ["  ·  ".join(first)]
    second = [f"score {number(facts.score)}"]
    if facts.threshold is not None:
        second.append(f"decision {words[facts.score >= facts.threshold]} (from {number(facts.threshold)})")
    return ["  ·  ".join(first), "  ·  ".join(second)]


def _npz(attribution: Pixels) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, map=attribution.astype(np.float32))
    return buffer.getvalue()


def _row(setting: _Setting, method: VisualMethod, facts: CaseFacts, **values: Any) -> dict[str, Any]:
    keys = {"version": setting.version, "case_id": facts.case_id, "patient_id": facts.patient_id}
    return {
        **dict.fromkeys(EXPLANATIONS.columns),
        **keys,
        "target": setting.target_name,
        "method": method.name,
        "drawn_as": facts.drawn_as,
    } | values


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split()) or "no further reason"
    if WITHOUT_GRADIENT in text:
        return "the output has no gradient by the pixels: it does not depend on the image"
    return text if isinstance(error, BadInput) else f"{type(error).__name__}: {text}"


def _table(rows: list[dict[str, Any]], cases: Sequence[CaseFacts], methods: Sequence[str]) -> pd.DataFrame:
    """Rows in the order of the drawn cases, then of the methods."""
    place = {facts.case_id: i for i, facts in enumerate(cases)}
    rows.sort(key=lambda row: (place[row["case_id"]], list(methods).index(row["method"])))
    return EXPLANATIONS.conform(pd.DataFrame(rows, columns=list(EXPLANATIONS.columns)))


def _scores(
    setting: _Setting, rows: list[dict[str, Any]], cases: Sequence[CaseFacts], methods: Sequence[str]
) -> pd.DataFrame:
    place = {facts.case_id: i for i, facts in enumerate(cases)}
    rows.sort(key=lambda row: (place[row["case_id"]], list(methods).index(row["method"])))
    return scores_table([{"version": setting.version, "target": setting.target_name, **row} for row in rows])
